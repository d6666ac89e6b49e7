import { runFields } from "../../core/trace-context.ts";
import type { RunEnd } from "../../core/event.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { cancelAbandoned } from "../../core/operations/cancel.ts";
import { createRun, plainRun, type CreateRun } from "../../core/operations/runs.ts";
import { followRun, resultOf, type Result } from "../../core/operations/streams.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Run } from "../../core/run.ts";
import { errorText, internalError, logged, resultText, RpcError, type RpcId } from "../json-rpc.ts";
import type { RouteRequest } from "../route.ts";
import { runCreationEvent } from "../run-creation.ts";
import { findTool } from "./tools.ts";

export interface ToolCall {
  id: RpcId;
  name: string;
  arguments: JsonObject;
  /** Names the notifications of progress that the client asks for; null: none. */
  progressToken: string | number | null;
}

/** A call whose run has been created. */
export class RunningCall {
  /** It tells of progress, so its answer is an event stream. */
  readonly streams: boolean;
  readonly #ports: Ports;
  readonly #run: Run;
  readonly #call: ToolCall;

  constructor(ports: Ports, run: Run, call: ToolCall) {
    this.#ports = ports;
    this.#run = run;
    this.#call = call;
    this.streams = call.progressToken !== null;
  }

  /**
   * The answer, as text; null when the caller has gone, or this server stops before there is one. A caller that has gone
   * ends the run: nobody can ask for it again.
   *
   * @param tell is given messages of progress; resolves when more may follow
   */
  async answer(
    gone: AbortSignal,
    tell: (messages: string[]) => Promise<void> | null,
  ): Promise<string | null> {
    try {
      return await this.#follow(gone, tell);
    } finally {
      if (gone.aborted) await cancelAbandoned(this.#ports, this.#run.runId);
    }
  }

  async #follow(
    gone: AbortSignal,
    tell: (messages: string[]) => Promise<void> | null,
  ): Promise<string | null> {
    const { progressToken, id } = this.#call;
    const progress = progressToken === null ? null : new Progress(progressToken);
    for await (const part of followRun(this.#ports, this.#run, "start", gone)) {
      if ("end" in part) return lastWord(this.#ports, this.#run, id, part.end);
      const steps = progress ? part.events.filter(({ name }) => name === "updates") : [];
      const room = tell(steps.map(({ data }) => progress!.after(data)));
      if (room) await room;
    }
    return null;
  }
}

/**
 * A run on a thread of its own, which is gone afterwards.
 *
 * @throws RpcError, and what `createRun` throws
 */
export async function callTool(
  {
    ports,
    admit,
    configurable,
  }: Pick<RouteRequest<never, never, never>, "ports" | "admit" | "configurable">,
  call: ToolCall,
): Promise<RunningCall> {
  const { assistant } = await findTool(ports, call.name);
  const command: CreateRun = {
    ...plainRun,
    threadId: null,
    assistant: assistant.assistantId,
    input: call.arguments,
    configurable,
    streamModes: call.progressToken === null ? ["values"] : ["values", "updates"],
    strategy: "enqueue",
    ifNotExists: "create",
    onCompletion: "delete",
  };
  const allowed = await admit([runCreationEvent(command)]);
  return new RunningCall(allowed, await createRun(allowed, command), call);
}

async function lastWord(ports: Ports, run: Run, id: RpcId, end: RunEnd): Promise<string> {
  try {
    return resultText(id, toolResult(await resultOf(ports, run, end)));
  } catch (thrown) {
    const { message } = logged(ports.log, thrown, runFields(run));
    return errorText(id, new RpcError(internalError, message));
  }
}

/** One step of the graph is one step of progress; how many there will be nobody knows. */
class Progress {
  readonly #token: string | number;
  #steps = 0;

  constructor(token: string | number) {
    this.#token = token;
  }

  /** @param updates what a step's nodes wrote, by node, as JSON */
  after(updates: string): string {
    this.#steps += 1;
    const message = Object.keys(JSON.parse(updates) as object).join(", ");
    const params = { progressToken: this.#token, progress: this.#steps, message };
    return JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params });
  }
}

/** What the assistant came to; its failures are for the model to read, so they are results, too. */
function toolResult(result: Result): JsonObject {
  if ("error" in result) return failure(`${result.error.error}: ${result.error.message}`);
  const values = JSON.parse(result.values) as Json;
  const interrupts = isObject(values) ? values["__interrupt__"] : undefined;
  if (interrupts !== undefined) {
    return failure(
      "The assistant stopped to ask something, and a tool call cannot be answered: " +
        `${JSON.stringify(interrupts)}. Use the A2A or the LangGraph API for this assistant.`,
    );
  }
  return {
    content: [{ type: "text", text: result.values }],
    ...(isObject(values) && { structuredContent: values }),
    isError: false,
  };
}

export function failure(text: string): JsonObject {
  return { content: [{ type: "text", text }], isError: true };
}
