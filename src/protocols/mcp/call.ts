import { runFields } from "../../core/trace-context.ts";
import type { RunEnd } from "../../core/event.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { cancelAbandoned } from "../../core/operations/cancel.ts";
import { createRun, plainRun, type CreateRun } from "../../core/operations/runs.ts";
import { followRun, resultOf, type Result } from "../../core/operations/streams.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Run } from "../../core/run.ts";
import { errorText, internalError, logged, resultText, RpcError, type RpcId } from "../json-rpc.ts";
import type { Reply, RouteRequest } from "../route.ts";
import { runCreationEvent } from "../run-creation.ts";
import type { Sink } from "../sink.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../sse.ts";
import { findTool } from "./tools.ts";

export interface ToolCall {
  id: RpcId;
  name: string;
  arguments: JsonObject;
  /** Names the notifications of progress that the client asks for; null: none. */
  progressToken: string | number | null;
}

/**
 * A run on a thread of its own, which nobody can ask for again: it ends when its caller goes away. The
 * answer is one JSON document behind newlines while the run lasts, or, with progress, an event stream.
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
): Promise<Reply> {
  const { assistant } = await findTool(ports, call.name);
  const streams = call.progressToken !== null;
  const command: CreateRun = {
    ...plainRun,
    threadId: null,
    assistant: assistant.assistantId,
    input: call.arguments,
    configurable,
    streamModes: streams ? ["values", "updates"] : ["values"],
    strategy: "enqueue",
    ifNotExists: "create",
    onCompletion: "delete",
  };
  const allowed = await admit([runCreationEvent(command)]);
  const run = await createRun(allowed, command);
  const headers = streams
    ? eventStreamHeaders
    : { "content-type": "application/json", "cache-control": "no-store" };
  return {
    status: 200,
    headers,
    body: null,
    stream: async (sink) => {
      await answer(allowed, run, call, sink);
      if (sink.gone.aborted) await cancelAbandoned(allowed, run.runId);
    },
  };
}

async function answer(ports: Ports, run: Run, call: ToolCall, sink: Sink): Promise<void> {
  const progress = call.progressToken === null ? null : new Progress(call.progressToken);
  const sign = progress ? heartbeatComment : "\n";
  const writer = new PatientWriter(sink, { sign, silenceMs: ports.limits.heartbeatMs });
  const frame = (text: string) => (progress ? eventFrame("message", text) : text);
  try {
    for await (const part of followRun(ports, run, "start", sink.gone)) {
      if ("end" in part) return sink.end(frame(await lastWord(ports, run, call.id, part.end)));
      const steps = progress ? part.events.filter(({ name }) => name === "updates") : [];
      const room = writer.write(steps.map(({ data }) => frame(progress!.after(data))));
      if (room) await room;
    }
    // Without its end an answer must not look whole: this server stops.
    sink.abort();
  } finally {
    writer.close();
  }
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
