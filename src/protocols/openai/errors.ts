import { randomUUID } from "node:crypto";
import { AdjutantError, type ErrorCode } from "../../core/error.ts";
import { TurnEnded, TurnNotWaiting, WrongOutputs } from "../../core/operations/turns.ts";
import { AuthRefusal } from "../../core/ports/auth.ts";
import type { Log } from "../../core/ports/ports.ts";
import { ThreadLocked } from "../../core/turn.ts";
import { json, type Reply } from "../route.ts";
import { encodeId } from "./ids.ts";

/** An error with the words of OpenAI's own, which programs match on. */
export class OpenaiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;

  constructor(status: number, message: string, detail: { param?: string; code?: string } = {}) {
    super(message);
    this.name = "OpenaiError";
    this.status = status;
    this.param = detail.param ?? null;
    this.code = detail.code ?? null;
  }
}

/**
 * The whole table: what a code of ours is in HTTP here. Nothing is 409, which both clients repeat by
 * themselves; nor is anything that may have had an effect 5xx.
 */
const statuses: Record<ErrorCode, number> = {
  malformed: 400,
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 400,
  thread_busy: 400,
  too_large: 413,
  unavailable: 503,
};

export type Noun = "assistant" | "thread" | "run" | "message" | "run step";

export function notFoundError(noun: Noun, id: string): OpenaiError {
  return new OpenaiError(404, `No ${noun} found with id '${shortened(id)}'.`);
}

/** Characters of what a client sent that an error says again. */
const repeatedMax = 256;

export function shortened(text: string): string {
  return text.length > repeatedMax ? `${text.slice(0, repeatedMax)}...` : text;
}

export function unknownModel(model: string): OpenaiError {
  const hint = `To let another model answer for it, start the server with ADJUTANT_MODEL_ALIASES='${JSON.stringify({ [model]: "gpt-4.1-mini" })}'.`;
  return new OpenaiError(404, `The requested model '${model}' does not exist. ${hint}`, {
    param: "model",
    code: "model_not_found",
  });
}

/** Says what core found in the words of OpenAI; `ids` are those of the request. */
export async function inOpenaiWords<Value>(
  promise: Promise<Value>,
  about: { noun: Noun; id: string; threadId?: string; adds?: boolean },
): Promise<Value> {
  try {
    return await promise;
  } catch (thrown) {
    throw reworded(thrown, about);
  }
}

function reworded(
  thrown: unknown,
  about: { noun: Noun; id: string; threadId?: string; adds?: boolean },
): unknown {
  if (thrown instanceof ThreadLocked) {
    const run = encodeId("run", thrown.turnId);
    const sentence = about.adds
      ? `Can't add messages to ${about.threadId} while a run ${run} is active.`
      : `Thread ${about.threadId} already has an active run ${run}.`;
    return new OpenaiError(400, sentence);
  }
  if (thrown instanceof TurnNotWaiting) {
    return new OpenaiError(400, `Runs in status "${thrown.status}" do not accept tool outputs.`);
  }
  if (thrown instanceof TurnEnded) {
    return new OpenaiError(400, `Cannot cancel run with status '${thrown.status}'.`);
  }
  if (thrown instanceof WrongOutputs) {
    const [expected, given] = [thrown.expected, thrown.given].map(asPythonList);
    return new OpenaiError(400, `Expected tool outputs for call_ids ${expected}, got ${given}`);
  }
  if (thrown instanceof AdjutantError && thrown.code === "not_found") {
    return notFoundError(about.noun, about.id);
  }
  return thrown;
}

function asPythonList(ids: string[]): string {
  return `[${ids.map((id) => `'${id}'`).join(", ")}]`;
}

export function presentError(
  log: Log,
  thrown: unknown,
  request: { method: string; path: string },
): Reply {
  if (thrown instanceof OpenaiError) {
    return errorReply(thrown.status, thrown.message, thrown.param, thrown.code);
  }
  if (thrown instanceof AuthRefusal) {
    const code = thrown.status === 401 ? "invalid_api_key" : null;
    const reply = errorReply(thrown.status, thrown.message, null, code);
    Object.assign(reply.headers, thrown.headers);
    return reply;
  }
  if (thrown instanceof AdjutantError) {
    const status = statuses[thrown.code];
    const reply = errorReply(
      status,
      thrown.message,
      null,
      status === 401 ? "invalid_api_key" : null,
    );
    // The rest of a body that is too large would be read as the next request.
    if (status === 413) reply.headers["connection"] = "close";
    return reply;
  }
  const requestId = `req_${randomUUID().replaceAll("-", "")}`;
  log.error({ requestId, ...request, error: thrown }, "a request failed for an unforeseen reason");
  const message = `The server had an error processing your request. Its log tells more under request id ${requestId}.`;
  const reply = errorReply(500, message, null, null);
  reply.headers["x-request-id"] = requestId;
  // What it was to write may have been written.
  if (request.method !== "GET") reply.headers["x-should-retry"] = "false";
  return reply;
}

export function presentWrongMethod(
  request: { method: string; path: string },
  allow: string[],
): Reply {
  const message = `Not allowed to ${request.method} on ${request.path} (HINT: Perhaps you meant to use a different HTTP method?)`;
  const reply = errorReply(405, message, null, null);
  reply.headers["allow"] = allow.join(", ");
  return reply;
}

function errorReply(
  status: number,
  message: string,
  param: string | null,
  code: string | null,
): Reply {
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  return json({ error: { message, type, param, code } }, {}, status);
}
