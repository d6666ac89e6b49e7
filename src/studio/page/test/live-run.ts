import type { StreamMode } from "@langchain/langgraph-sdk";
import { useSyncExternalStore } from "react";
import { client } from "../api/client.ts";
import { serverIsBack } from "../api/connection.ts";
import { troubleOf } from "../api/problem.ts";
import { messagesOf, type Message } from "./message.ts";
import { afterEvent, type RunEvent } from "./run-events.ts";
import {
  idleRun,
  type InterruptView,
  type RunOutline,
  type RunStart,
  type RunView,
} from "./run-view.ts";

const streamModes: StreamMode[] = ["values", "updates", "messages-tuple", "tasks", "custom"];

/** Before the first event: everything that the server still has. */
const fromBeginning = "-1";

/**
 * One run as it happens. Events change it at once; whoever looks is told once per frame, so that a
 * hundred tokens a second cost no more than the screen can show. A stream that breaks off is taken up
 * behind the last event received, however long the server was away.
 */
export class LiveRun {
  #view: RunView = idleRun;
  #outline: RunOutline = idleRun;
  #next: RunView = idleRun;
  #abort: AbortController | null = null;
  #frame: (() => void) | null = null;
  #position = fromBeginning;
  #isCancelled = false;
  #generation = 0;
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get view(): RunView {
    return this.#view;
  }

  /** The same object while nothing but the messages being written changes. */
  get outline(): RunOutline {
    return this.#outline;
  }

  /** Grows with every run that ended, and when the thread is to be read anew. */
  get generation(): number {
    return this.#generation;
  }

  /** Forgets the run; on the server it goes on. */
  reset(): void {
    if (this.#next.phase !== "idle") this.#generation += 1;
    this.#abort?.abort();
    this.#abort = null;
    this.#set(idleRun);
    this.#publish();
  }

  /** Somebody changed the thread otherwise. */
  renew(): void {
    this.#generation += 1;
    this.reset();
  }

  /** Resolves when the run has ended, well or not. */
  async start(start: RunStart): Promise<void> {
    const signal = this.#begin(start.threadId, messagesOf(start.input) ?? []);
    const payload = {
      ...(start.input !== undefined && { input: start.input }),
      ...(start.command && { command: start.command }),
      ...(start.checkpoint && { checkpoint: start.checkpoint }),
      ...(start.interruptBefore?.length && { interruptBefore: start.interruptBefore }),
      ...(start.interruptAfter?.length && { interruptAfter: start.interruptAfter }),
      streamMode: streamModes,
      streamSubgraphs: true,
      streamResumable: true,
      signal,
    };
    if (start.isStreamed) {
      const onRunCreated = ({ run_id: runId }: { run_id: string }) => this.#change({ runId });
      const stream = client.runs.stream(start.threadId, start.assistant, {
        ...payload,
        onDisconnect: "continue",
        onRunCreated,
      });
      return this.#guard(signal, () => this.#follow(stream as AsyncIterable<RunEvent>));
    }
    await this.#guard(signal, async () => {
      const { run_id: runId } = await client.runs.create(start.threadId, start.assistant, payload);
      this.#change({ runId });
      const values = await client.runs.join(start.threadId, runId, { signal });
      this.#finishUnstreamed(values as Record<string, unknown> | null);
    });
  }

  /** Follows a run that somebody started before, from its first event that the server still has. */
  async join(threadId: string, runId: string): Promise<void> {
    const signal = this.#begin(threadId, []);
    this.#change({ runId });
    await this.#guard(signal, () => this.#follow(this.#joined(signal)));
  }

  async cancel(): Promise<void> {
    const { threadId, runId } = this.#next;
    if (!threadId || !runId) return;
    this.#isCancelled = true;
    await client.runs.cancel(threadId, runId, false, "interrupt");
  }

  #begin(threadId: string, sent: Message[]): AbortSignal {
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.#position = fromBeginning;
    this.#isCancelled = false;
    this.#set({ ...idleRun, phase: "running", threadId, sent, startedAt: Date.now() });
    this.#publish();
    return this.#abort.signal;
  }

  async #guard(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    let thrown: unknown = null;
    try {
      await work();
    } catch (error) {
      thrown = await this.#takeUp(error, signal);
    }
    // Forgotten in the meantime: another run may be in its place.
    if (signal.aborted) return;
    this.#generation += 1;
    const { error, partial, runId, sent } = this.#next;
    // What is still being written at a good end belongs to no message of the state.
    const isBrokenOff = this.#isCancelled || error !== null || thrown !== null;
    this.#change({
      phase: "done",
      isReconnecting: false,
      thrown,
      partial: isBrokenOff ? partial : [],
      sent: runId === null ? [] : sent,
      endedAt: Date.now(),
    });
    this.#publish();
  }

  /** @returns why the run cannot be followed any more; null when it has been, to its end */
  async #takeUp(first: unknown, signal: AbortSignal): Promise<unknown> {
    let thrown = first;
    while (this.#next.runId !== null && troubleOf(thrown).kind === "gone" && !signal.aborted) {
      this.#change({ isReconnecting: true });
      await serverIsBack(signal);
      try {
        await this.#follow(this.#joined(signal));
        return null;
      } catch (again) {
        thrown = again;
      }
    }
    return thrown;
  }

  #joined(signal: AbortSignal): AsyncIterable<RunEvent> {
    const { threadId, runId } = this.#next;
    return client.runs.joinStream(threadId, runId!, { signal, lastEventId: this.#position });
  }

  async #follow(stream: AsyncIterable<RunEvent>): Promise<void> {
    for await (const event of stream) {
      if (event.id) this.#position = event.id;
      const isReconnecting = false;
      this.#set({ ...afterEvent(this.#next, event, Date.now()), isReconnecting });
    }
  }

  #finishUnstreamed(values: Record<string, unknown> | null): void {
    const failure = values?.["__error__"] as RunView["error"] | undefined;
    const interrupts = values?.["__interrupt__"] as InterruptView[] | undefined;
    this.#change({
      ...(failure ? { error: failure } : { values }),
      sent: [],
      interrupts: interrupts ?? [],
    });
  }

  #change(part: Partial<RunView>): void {
    this.#set({ ...this.#next, ...part });
  }

  #set(view: RunView): void {
    this.#next = view;
    this.#frame ??= inNextFrame(() => this.#publish());
  }

  #publish(): void {
    this.#frame?.();
    this.#frame = null;
    this.#view = this.#next;
    if (!isSameOutline(this.#outline, this.#view)) this.#outline = this.#view;
    for (const listener of this.#listeners) listener();
  }
}

/** A page that cannot be seen gets no frames. @returns what calls it off */
function inNextFrame(work: () => void): () => void {
  if (document.hidden) {
    const timer = window.setTimeout(work, 100);
    return () => window.clearTimeout(timer);
  }
  const frame = requestAnimationFrame(work);
  return () => cancelAnimationFrame(frame);
}

function isSameOutline(before: RunOutline, after: RunOutline): boolean {
  const keys = Object.keys(before) as (keyof RunOutline)[];
  return keys.every((key) => (key as string) === "partial" || before[key] === after[key]);
}

/** For what shows more than messages: not rendered anew for every token. */
export function useRunOutline(run: LiveRun): RunOutline {
  return useSyncExternalStore(run.subscribe, () => run.outline);
}

export function useRunView(run: LiveRun): RunView {
  return useSyncExternalStore(run.subscribe, () => run.view);
}
