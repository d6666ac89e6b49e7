import type { EventContent, RunEnd, RunEvent } from "../../core/event.ts";
import type { RunId } from "../../core/ids.ts";
import type { Limits } from "../../core/limits.ts";
import type { EventLog, LogPart, ReadFrom } from "../../core/ports/events.ts";
import type { Clock } from "../../core/ports/ports.ts";
import type { Attempt } from "../../core/run.ts";
import { positionOf, Reader, RunLog } from "./run-log.ts";

export type EventLogLimits = Pick<
  Limits,
  "eventLogTtlMs" | "eventLogBytesMax" | "eventLogsBytesMax"
>;

/** The logs of one process, in its memory: gone with it. */
export class MemoryEventLog implements EventLog {
  readonly #limits: EventLogLimits;
  readonly #clock: Clock;
  readonly #logs = new Map<RunId, RunLog>();
  /** Those of `#logs` that have ended, in the order of their ends. */
  readonly #finished = new Map<RunId, RunLog>();
  #finishedBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #disposed = false;

  constructor(params: { limits: EventLogLimits; clock: Clock }) {
    this.#limits = params.limits;
    this.#clock = params.clock;
  }

  keep(): void {
    // Nothing here outlives the process.
  }

  /** Returns the events as appended. */
  append(attempt: Attempt, events: EventContent[]): RunEvent[] {
    if (this.#disposed) return [];
    const log = this.#open(attempt.runId);
    return log.append(attempt.attempt, events, this.#limits.eventLogBytesMax);
  }

  /** Takes over what another keeper of the log has of a run that is unknown here. */
  restore(runId: RunId, stored: { events: RunEvent[]; end: RunEnd | null; endedAt: number }): void {
    const log = this.#open(runId);
    log.restore(stored.events);
    if (stored.end) this.#finish(runId, log, stored.end, stored.endedAt);
  }

  /** The position of the oldest event that is left, where older ones were dropped; else null. */
  firstKept(runId: RunId): number | null {
    const log = this.#logs.get(runId);
    return log && log.dropped > 0 ? log.firstKept : null;
  }

  end(runId: RunId, end: RunEnd): void {
    if (this.#disposed) return;
    this.#finish(runId, this.#open(runId), end, this.#clock.now());
  }

  #finish(runId: RunId, log: RunLog, end: RunEnd, endedAt: number): void {
    if (!log.finish(end, endedAt)) return;
    this.#finished.set(runId, log);
    this.#finishedBytes += log.bytes;
    this.#forget();
    this.#arm();
  }

  async ended(runId: RunId): Promise<RunEnd | null> {
    this.#forget();
    return this.#logs.get(runId)?.end ?? null;
  }

  async lastPosition(runId: RunId): Promise<number> {
    return this.#logs.get(runId)?.lastPosition ?? -1;
  }

  follow(runId: RunId, from: ReadFrom, signal: AbortSignal): AsyncIterable<LogPart> {
    this.#forget();
    // Not in the generator, which begins only when it is read: "now" is the moment of this call.
    return this.#read(runId, positionOf(from, this.#logs.get(runId)), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const log of this.#logs.values()) log.wake();
    this.#logs.clear();
    this.#finished.clear();
  }

  async *#read(runId: RunId, from: number, signal: AbortSignal): AsyncGenerator<LogPart, void> {
    const reader = new Reader(signal);
    const log = this.#open(runId);
    let position = from;
    try {
      while (!signal.aborted && !this.#disposed) {
        const events = log.behind(position);
        if (events.length > 0) {
          position = events.at(-1)!.position;
          yield { events };
        } else if (log.end) {
          yield { end: log.end };
          return;
        } else {
          await reader.next(log);
        }
      }
    } finally {
      reader.close();
      log.waiting.delete(reader);
      if (log.unused && this.#logs.get(runId) === log) this.#logs.delete(runId);
    }
  }

  #open(runId: RunId): RunLog {
    let log = this.#logs.get(runId);
    if (!log) this.#logs.set(runId, (log = new RunLog()));
    return log;
  }

  /** Finished logs that are too old or too many, oldest first; of too many the newest stays. */
  #forget(): void {
    const oldest = this.#clock.now() - this.#limits.eventLogTtlMs;
    for (const [runId, log] of this.#finished) {
      const tooMany =
        this.#finishedBytes > this.#limits.eventLogsBytesMax && this.#finished.size > 1;
      if (log.endedAt > oldest && !tooMany) return;
      this.#finished.delete(runId);
      this.#logs.delete(runId);
      this.#finishedBytes -= log.bytes;
    }
  }

  /** So that an idle server lets memory go; every use of the log forgets by itself. */
  #arm(): void {
    if (this.#timer || this.#finished.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#forget();
      this.#arm();
    }, this.#limits.eventLogTtlMs);
    this.#timer.unref();
  }
}
