import type { RunnableConfig } from "@langchain/core/runnables";
import type { EventContent } from "../core/event.ts";
import type { DriveParams, DriveResult } from "../core/ports/graphs.ts";
import type { RunRequest, StreamMode } from "../core/run.ts";
import { LeaseLost } from "../core/error.ts";
import { checkResume } from "../core/interrupt.ts";
import { emptySummary } from "../core/thread.ts";
import type { DrivenGraph, StreamEvent } from "./driven.ts";
import { MessageEvents } from "./messages.ts";
import { nodeSpans } from "./node-spans.ts";
import { runInput, runnableConfig } from "./run-config.ts";
import { summarize, withoutNulls } from "./state.ts";
import { resumePoint } from "./takeover.ts";
import { toWire } from "./wire.ts";

/** How the graph library calls what the API calls a stream mode; the rest we make ourselves. */
const libraryModes: Partial<Record<StreamMode, string>> = {
  values: "values",
  updates: "updates",
  messages: "messages",
  "messages-tuple": "messages",
  debug: "debug",
  tasks: "tasks",
  checkpoints: "checkpoints",
  custom: "custom",
  tools: "tools",
};

type Chunk = { namespace: string[]; mode: string; payload: unknown };

/**
 * One attempt at a run: drives the graph and yields events in the order of specification 2.4. An
 * attempt that takes over a lost one goes on from the checkpoint that one left.
 *
 * A model that streams makes thousands of events a second here, and every generator between it and
 * the log costs a turn of promises for each: so there is this one, and the rest returns lists.
 */
export async function* driveGraph(
  open: (isMoot: (error: unknown) => boolean) => Promise<DrivenGraph>,
  params: DriveParams,
): AsyncGenerator<EventContent, DriveResult> {
  const lost = new AbortController();
  const graph = await open((error) => {
    if (error instanceof LeaseLost) lost.abort(error);
    return lost.signal.aborted || params.signal.aborted;
  });
  const { run } = params;
  const { request } = run;
  const config = {
    ...runnableConfig(run),
    signal: AbortSignal.any([params.signal, lost.signal]),
    durability: request.durability,
    ...(params.trace && { callbacks: [nodeSpans(params.trace, params.signal)] }),
    ...(request.interruptBefore ? { interruptBefore: request.interruptBefore } : {}),
    ...(request.interruptAfter ? { interruptAfter: request.interruptAfter } : {}),
  };
  const resume = run.attempt > 1 ? await resumePoint(graph, run) : null;
  if (resume?.stopped) return { summary: summarize(resume.stopped), values: null };
  if (!resume && request.strictResume) {
    const asked = await graph.getState({ configurable: { thread_id: run.threadId } });
    checkResume(request.command?.resume, summarize(asked).interrupts);
  }
  const input = resume ? null : runInput(run);
  if (!resume) Object.assign(config.configurable!, withoutNulls(request.checkpoint ?? {}));

  const events = new DriveEvents(request, config.runId);
  for (const content of events.lifecycle("started")) yield content;
  try {
    for await (const part of await libraryStream(graph, input, config, request)) {
      for (const content of events.onPart(part)) yield content;
    }
  } catch (thrown) {
    for (const content of events.lifecycle("failed")) yield content;
    lost.signal.throwIfAborted();
    throw thrown;
  }
  lost.signal.throwIfAborted();
  const ending = events.interrupted ? "interrupted" : "completed";
  for (const content of events.lifecycle(ending)) yield content;
  if (!events.interrupted) return { summary: emptySummary, values: events.values() };
  const snapshot = await graph.getState({ configurable: { thread_id: run.threadId } });
  return { summary: summarize(snapshot), values: events.values() };
}

/** Parts as `DriveEvents.onPart` takes them. */
async function libraryStream(
  graph: DrivenGraph,
  input: unknown,
  config: RunnableConfig,
  request: RunRequest,
): Promise<AsyncIterable<unknown>> {
  const wanted = request.streamModes.flatMap((mode) => libraryModes[mode] ?? []);
  const streamMode = [...new Set([...wanted, "values"])];
  const options = { ...config, streamMode, subgraphs: request.streamSubgraphs };
  return request.streamModes.includes("events")
    ? graph.streamEvents(input, { ...options, version: "v2" })
    : graph.stream(input, options);
}

/** Turns what the library yields into events of the modes that were asked for. */
class DriveEvents {
  readonly #request: RunRequest;
  readonly #runId: string | undefined;
  readonly #modes: Set<StreamMode>;
  readonly #messages: MessageEvents | null;
  #values: string | null = null;
  #interrupts: string | null = null;
  /** What the library says of each call of a model: one object for all its tokens, made when it began. */
  #call: { metadata: unknown; text: string } | null = null;

  constructor(request: RunRequest, runId: string | undefined) {
    this.#request = request;
    this.#runId = runId;
    this.#modes = new Set(request.streamModes);
    this.#messages = this.#modes.has("messages") ? new MessageEvents() : null;
  }

  /** The root graph stopped at an interrupt or a breakpoint. */
  get interrupted(): boolean {
    return this.#interrupts !== null;
  }

  /** The last root state, with `__interrupt__` when it stopped at one. */
  values(): string | null {
    if (!this.#modes.has("values")) return null;
    if (this.#interrupts === null) return this.#values;
    const marker = `"__interrupt__":${this.#interrupts}}`;
    if (this.#values === null || this.#values === "{}") return `{${marker}`;
    return `${this.#values.slice(0, -1)},${marker}`;
  }

  /** A chunk of the graph's stream, or in mode `events` one of all that its runnables do. */
  onPart(part: unknown): EventContent[] {
    if (!this.#modes.has("events")) return this.#onChunk(this.#toChunk(part));
    const event = part as StreamEvent;
    if (event.tags?.includes("langsmith:hidden")) return [];
    if (event.event === "on_chain_stream" && event.run_id === this.#runId) {
      return this.#onChunk(this.#toChunk(event.data.chunk));
    }
    return [{ name: "events", data: JSON.stringify(toWire(event)) }];
  }

  /** With its optional parts filled in. */
  #toChunk(raw: unknown): Chunk {
    const parts = raw as unknown[];
    const [namespace, mode, payload] = this.#request.streamSubgraphs ? parts : [[], ...parts];
    return { namespace: namespace as string[], mode: mode as string, payload };
  }

  #onChunk({ namespace, mode, payload }: Chunk): EventContent[] {
    if (mode === "messages") return this.#onMessage(namespace, payload as [unknown, unknown]);
    if (mode === "values") return this.#onValues(namespace, payload);
    if (!this.#modes.has(mode as StreamMode)) return [];
    return [named(mode, namespace, JSON.stringify(toWire(payload)))];
  }

  #onMessage(namespace: string[], [message, metadata]: [unknown, unknown]): EventContent[] {
    const contents = this.#messages ? [...this.#messages.onMessage(message, metadata)] : [];
    if (this.#modes.has("messages-tuple")) {
      const data = `[${JSON.stringify(toWire(message))},${this.#callText(metadata)}]`;
      contents.push(named("messages", this.#request.streamSubgraphs ? namespace : [], data));
    }
    return contents;
  }

  /** Serialised once a call: it is three times as long as a token's message. */
  #callText(metadata: unknown): string {
    if (this.#call?.metadata !== metadata) {
      this.#call = { metadata, text: JSON.stringify(toWire(metadata)) };
    }
    return this.#call!.text;
  }

  #onValues(namespace: string[], payload: unknown): EventContent[] {
    const isRoot = namespace.length === 0;
    const contents = this.#messages && isRoot ? [...this.#messages.onValues(payload)] : [];
    const interrupts = interruptsOf(payload);
    if (isRoot && interrupts) this.#interrupts = JSON.stringify(toWire(interrupts));
    if (!this.#modes.has("values")) return contents;
    const data = JSON.stringify(toWire(payload));
    if (isRoot && !interrupts) this.#values = data;
    contents.push(named("values", namespace, data));
    return contents;
  }

  lifecycle(event: "started" | "completed" | "failed" | "interrupted"): EventContent[] {
    if (!this.#modes.has("lifecycle")) return [];
    const data = { event, namespace: [], graph_name: this.#request.graphId };
    return [named("lifecycle", [], JSON.stringify(data))];
  }
}

function named(mode: string, namespace: string[], data: string): EventContent {
  return { name: namespace.length === 0 ? mode : `${mode}|${namespace.join("|")}`, data };
}

function interruptsOf(payload: unknown): unknown[] | null {
  if (typeof payload !== "object" || payload === null) return null;
  const interrupts = (payload as { __interrupt__?: unknown }).__interrupt__;
  return Array.isArray(interrupts) ? interrupts : null;
}
