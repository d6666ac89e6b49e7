import type { Condition } from "./condition.ts";
import type { AssistantId, CronId, ThreadId } from "./ids.ts";
import type { Json, JsonObject } from "./json.ts";
import type { RunRequest, Strategy } from "./run.ts";

/** What each of a cron's runs is asked to do: the part of a run's request that a schedule can fix. */
export interface CronRequest extends Pick<
  RunRequest,
  | "webhook"
  | "streamModes"
  | "streamSubgraphs"
  | "resumable"
  | "interruptBefore"
  | "interruptAfter"
  | "durability"
> {
  input: Json;
  config: JsonObject | null;
  context: JsonObject | null;
}

/** A schedule that creates runs (specification 1.4 and 3.12). */
export interface Cron {
  cronId: CronId;
  assistantId: AssistantId;
  /** Null: whichever version is active when it fires. */
  assistantVersion: number | null;
  /** Null: every run gets a thread of its own. */
  threadId: ThreadId | null;
  /** Five fields, or a nickname such as `@daily`. */
  schedule: string;
  /** IANA name; null is UTC. */
  timezone: string | null;
  /** No run after this moment. */
  endTime: number | null;
  enabled: boolean;
  /** Whether the thread of a run without a thread of its caller's stays. */
  onRunCompleted: "delete" | "keep";
  /** What a firing does on a thread that is busy. */
  strategy: Strategy;
  createdAt: number;
  updatedAt: number;
  /** Who created it; null without authentication. */
  userId: string | null;
  request: CronRequest;
  metadata: JsonObject;
  /** When it fires next; null while it is disabled, and after its end. */
  nextRunDate: number | null;
}

/** A change; what is absent stays. `metadata` is merged key by key, all else replaces. */
export interface CronChange {
  schedule?: string;
  timezone?: string | null;
  endTime?: number | null;
  enabled?: boolean;
  onRunCompleted?: "delete" | "keep";
  metadata?: JsonObject;
  request?: Partial<CronRequest>;
}

export function changeCron(current: Cron, change: CronChange, now: number): Cron {
  return {
    ...current,
    ...change,
    metadata: { ...current.metadata, ...change.metadata },
    request: { ...current.request, ...change.request },
    updatedAt: now,
  };
}

/**
 * When a cron fires next, counted from `now`: dates that passed while no server ran are not made up
 * for one by one. `next` is what the schedule alone says.
 */
export function nextFiring(
  cron: Cron,
  now: number,
  next: (schedule: string, timezone: string | null, after: number) => number | null,
): number | null {
  if (!cron.enabled) return null;
  const date = next(cron.schedule, cron.timezone, now);
  return date === null || isPastEnd(cron, date) ? null : date;
}

export function isPastEnd(cron: Cron, moment: number): boolean {
  return cron.endTime !== null && moment > cron.endTime;
}

export interface CronFilter {
  assistantId?: AssistantId;
  threadId?: ThreadId;
  enabled?: boolean;
  metadata?: JsonObject;
  /** What the caller may see; null or absent is all. */
  visible?: Condition | null;
}

export type CronSortField =
  | "cron_id"
  | "assistant_id"
  | "thread_id"
  | "next_run_date"
  | "end_time"
  | "created_at"
  | "updated_at";
