import type { Condition } from "./condition.ts";
import type { Config } from "./config.ts";
import type { Failure } from "./error.ts";
import { renewed, type ThreadTtl } from "./expiry.ts";
import type { ThreadId } from "./ids.ts";
import type { Json, JsonObject } from "./json.ts";

export type ThreadStatus = "idle" | "busy" | "interrupted" | "error";

export interface Interrupt {
  id?: string;
  value?: Json;
}

/** Pending tasks that wait, by task id; a breakpoint waits with an empty list. */
export type Interrupts = Record<string, Interrupt[]>;

export interface Thread {
  threadId: ThreadId;
  createdAt: number;
  updatedAt: number;
  /** When the state last changed. */
  stateUpdatedAt: number;
  metadata: JsonObject;
  /** Configuration that later runs inherit. */
  config: Config;
  status: ThreadStatus;
  interrupts: Interrupts;
  /** Why the last run failed; null unless the status is `error`. */
  error: Failure | null;
  /** Removed when its run ends (a stateless run's thread). */
  temporary: boolean;
  /** The highest ordinal ever given to one of its runs, also to one that is gone. */
  lastOrdinal: number;
  /** Null: it stays. */
  ttl: ThreadTtl | null;
}

/** What of a thread's latest checkpoint its row repeats, so that lists need not read checkpoints. */
export interface StateSummary {
  /** Nodes that would run next; none when the graph has ended. */
  next: string[];
  interrupts: Interrupts;
}

export const emptySummary: StateSummary = { next: [], interrupts: {} };

/** Marks a change, from which a thread's time to live begins anew. */
export function changedThread(thread: Thread, now: number): Thread {
  return { ...thread, updatedAt: now, ttl: renewed(thread.ttl, now) };
}

/** The graph a thread is bound to by its last run, if any. */
export function graphOf(thread: Thread): string | null {
  const graphId = thread.metadata["graph_id"];
  return typeof graphId === "string" ? graphId : null;
}

/** The status a thread has once nothing runs on it (specification 3.4). */
export function restingStatus(facts: {
  failed: boolean;
  summary: StateSummary;
  waiting: number;
}): ThreadStatus {
  if (facts.waiting > 0) return "busy";
  if (facts.failed) return "error";
  if (facts.summary.next.length > 0) return "interrupted";
  return "idle";
}

export interface ThreadFilter {
  ids?: ThreadId[];
  metadata?: JsonObject;
  status?: ThreadStatus;
  /** What the caller may see; null or absent is all. */
  visible?: Condition | null;
}

export type ThreadSortField =
  | "thread_id"
  | "status"
  | "created_at"
  | "updated_at"
  | "state_updated_at";
