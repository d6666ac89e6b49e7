import { AdjutantError } from "./error.ts";
import type { RunId } from "./ids.ts";
import { isObject, type JsonObject } from "./json.ts";
import {
  callsOf,
  notesOf,
  type FunctionCall,
  type StoredMessage,
  type TurnGap,
} from "./message.ts";
import type { ThreadSnapshot } from "./ports/storage.ts";
import type { Run } from "./run.ts";
import type { Interrupts, Thread } from "./thread.ts";

/**
 * A turn is one request to an assistant to answer on a thread. It takes one run, and one more for
 * each time it waited for the outputs of functions and got them; its id is that of the first run.
 * Nothing of it is stored but notes in metadata: its status is read off its runs and its thread.
 */
export interface Turn {
  turnId: RunId;
  /** Oldest first, never empty. */
  runs: Run[];
  status: TurnStatus;
  /** What it waits for; empty unless the status is `requires_action`. */
  calls: FunctionCall[];
  gap: TurnGap | null;
  /** Null: it never expires. */
  expiresAt: number | null;
  /** When it came to a final status. */
  endedAt: number | null;
  messages: StoredMessage[];
}

export type TurnStatus =
  | "queued"
  | "in_progress"
  | "requires_action"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled"
  | "expired";

const activeStatuses: ReadonlySet<TurnStatus> = new Set([
  "queued",
  "in_progress",
  "requires_action",
]);

/** It holds its thread: no message may be added and no other turn begin. */
export function isActive(status: TurnStatus): boolean {
  return activeStatuses.has(status);
}

/** What a run's metadata says of its turn, and a thread's of its latest one. */
export interface TurnNotes {
  id: RunId;
  /** Null: never. */
  expires_at: number | null;
  /** Only with a run: a turn that was ended while no run was in flight. */
  ended?: { status: "cancelled"; at: number };
}

/** The one key of ours in the metadata of assistants, threads and runs. It is not inherited. */
export const ownKey = "adjutant";

export function ownNotes(metadata: JsonObject): JsonObject {
  const notes = metadata[ownKey];
  return isObject(notes) ? notes : {};
}

export function withOwnNotes(metadata: JsonObject, notes: JsonObject): JsonObject {
  return { ...metadata, [ownKey]: { ...ownNotes(metadata), ...notes } };
}

export function withoutOwnNotes(metadata: JsonObject): JsonObject {
  const { [ownKey]: _, ...rest } = metadata;
  return rest;
}

export function turnNotes(metadata: JsonObject): TurnNotes | null {
  const { turn } = ownNotes(metadata);
  return isObject(turn) ? (turn as unknown as TurnNotes) : null;
}

/** A run that no dialect began as a turn is one by itself. */
export function turnIdOf(run: Run): RunId {
  return turnNotes(run.metadata)?.id ?? run.runId;
}

/** What the thread waits for, of a client. */
export function requestedCalls(interrupts: Interrupts): FunctionCall[] {
  const values = Object.values(interrupts).flatMap((list) => list.map(({ value }) => value));
  return values.flatMap((value) =>
    isObject(value) && value["type"] === "function_calls" && Array.isArray(value["calls"])
      ? (value["calls"] as unknown as FunctionCall[])
      : [],
  );
}

export class ThreadLocked extends AdjutantError {
  readonly turnId: RunId;
  constructor(turnId: RunId) {
    super("thread_busy", `Turn ${turnId} is active on the thread. Wait for its end or cancel it.`);
    this.turnId = turnId;
  }
}

/** @throws ThreadLocked while a turn is active: a run is in flight, or it waits and has not expired. */
export function requireUnlocked({ thread, inFlight }: ThreadSnapshot, now: number): void {
  const run = inFlight[0];
  if (run) throw new ThreadLocked(turnIdOf(run));
  const turn = thread && turnNotes(thread.metadata);
  const expiresAt = turn?.expires_at ?? Infinity;
  if (turn && now < expiresAt && requestedCalls(thread.interrupts).length > 0) {
    throw new ThreadLocked(turn.id);
  }
}

/** How a run fails whose turn expired; the engine ends it so. */
export const expiredErrorName = "TurnExpired";

/**
 * @param runs of the turn, oldest first.
 * @param next the run that came after them on the thread; null when they are its latest.
 * @param messages the thread's.
 */
export function readTurn(params: {
  runs: Run[];
  next: Run | null;
  thread: Thread;
  messages: StoredMessage[];
  now: number;
}): Turn {
  const { runs, thread, now } = params;
  const first = runs[0]!;
  const last = runs.at(-1)!;
  const turnId = turnIdOf(first);
  const notes = turnNotes(first.metadata);
  const expiresAt = notes?.expires_at ?? null;
  const messages = params.messages.filter((message) => notesOf(message).turn_id === turnId);
  const gap = messages.map((message) => notesOf(message).turn_incomplete).find(Boolean) ?? null;
  const waitsFor = params.next ? [] : requestedCalls(thread.interrupts);
  const goneOnAt = params.next?.createdAt ?? thread.stateUpdatedAt;
  const status =
    notes?.ended?.status ??
    statusOf(
      last,
      { waits: waitsFor.length > 0, unanswered: hasUnanswered(messages), goneOnAt, gap },
      expiresAt,
      now,
    );
  return {
    turnId,
    runs,
    status,
    calls: status === "requires_action" ? waitsFor : [],
    gap: status === "incomplete" ? gap : null,
    expiresAt,
    endedAt: isActive(status)
      ? null
      : (notes?.ended?.at ??
        (last.status === "success" && status === "expired" ? expiresAt : last.updatedAt)),
    messages,
  };
}

function statusOf(
  last: Run,
  facts: { waits: boolean; unanswered: boolean; goneOnAt: number; gap: TurnGap | null },
  expiresAt: number | null,
  now: number,
): TurnStatus {
  switch (last.status) {
    case "pending":
      return "queued";
    case "running":
      return "in_progress";
    case "error":
      return "failed";
    case "timeout":
      return last.error?.error === expiredErrorName ? "expired" : "failed";
    case "interrupted":
      return "cancelled";
    case "success": {
      const isLate = (at: number) => expiresAt !== null && at >= expiresAt;
      if (facts.waits) return isLate(now) ? "expired" : "requires_action";
      // The thread went on without an answer. What this made of the turn does not change any more.
      if (facts.unanswered) return isLate(facts.goneOnAt) ? "expired" : "cancelled";
      return facts.gap ? "incomplete" : "completed";
    }
  }
}

function hasUnanswered(messages: StoredMessage[]): boolean {
  const asking = messages.findLast((message) => message.type === "ai");
  if (!asking || notesOf(asking).incomplete) return false;
  const answered = new Set(messages.map((message) => message.tool_call_id));
  return callsOf(asking).some((call) => !answered.has(call.id));
}
