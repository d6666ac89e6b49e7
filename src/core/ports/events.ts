import type { EventContent, RunEnd, RunEvent } from "../event.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { Attempt } from "../run.ts";

/** Where a reader begins: at the first event kept, behind a position, or with what comes next. */
export type ReadFrom = "start" | "now" | { after: number };

export type LogPart = { events: RunEvent[] } | { end: RunEnd };

/**
 * One append-only log per run; every stream is a reader with a position. A log begins with its first
 * event or reader and is forgotten some time after its end (`eventLogTtlMs`).
 */
export interface EventLog extends AsyncDisposable {
  /** Before the run's first event: its log must outlive the server, where the log has a place for that. */
  keep(runId: RunId): void;
  /** Behind everything the run's log has. Events of an attempt older than the newest are dropped. */
  append(attempt: Attempt, events: EventContent[]): void;
  /** The last word of a run's log. A second end is ignored. */
  end(runId: RunId, end: RunEnd): void;
  /** How the run ended, if the log still knows. */
  ended(runId: RunId): Promise<RunEnd | null>;
  /** The position of the newest event; -1 when there is none, or the log is forgotten. */
  lastPosition(runId: RunId): Promise<number>;
  /**
   * Events in order, several at a time where several are there; then the end, once. Stops without an
   * end when `signal` aborts.
   */
  follow(runId: RunId, from: ReadFrom, signal: AbortSignal): AsyncIterable<LogPart>;
}

/**
 * Hints between operations and workers, of this process or of others that share the database. A lost
 * hint costs time, never correctness.
 */
export type Signal =
  | { kind: "work" }
  | { kind: "cancel"; runId: RunId }
  /** A run has taken its place on the thread. */
  | { kind: "run"; threadId: ThreadId }
  /** A cron was created or changed. */
  | { kind: "schedule" }
  /** A webhook waits to be delivered. */
  | { kind: "delivery" };

export interface Signals extends AsyncDisposable {
  publish(signal: Signal): void;
  /** All but runs of threads, which would wake every reader of every thread. Returns how to stop. */
  subscribe(listener: (signal: Signal) => void): () => void;
  /** Runs of one thread. Returns how to stop. */
  watch(threadId: ThreadId, listener: () => void): () => void;
}
