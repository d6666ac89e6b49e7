/** What becomes of a thread whose time to live is over: all of it goes, or all but its latest state. */
export type ExpiryStrategy = "delete" | "keep_latest";

/** A thread's time to live, which begins anew with every change of the thread. */
export interface ThreadTtl {
  strategy: ExpiryStrategy;
  minutes: number;
  /** In ms since 1970. Null: it is over, and the thread has not changed since. */
  expiresAt: number | null;
}

/** An item's time to live; it is not there any more from `expiresAt` on, in ms since 1970. */
export interface ItemTtl {
  minutes: number;
  expiresAt: number;
}

/** What langgraph.json says of times to live (specification 3.11). */
export interface ExpiryPolicy {
  threads: {
    strategy: ExpiryStrategy;
    /** For threads that are made without one; null: they stay. */
    defaultMinutes: number | null;
    sweepIntervalMs: number;
    /** Threads that one sweep sees to. */
    sweepMax: number;
  };
  items: {
    /** For items that are put without one; null: they stay. */
    defaultMinutes: number | null;
    /** Whether reading an item begins its time anew, where the reader does not say. */
    refreshOnRead: boolean;
    /** Null: items that are over are hidden but stay stored. */
    sweepIntervalMs: number | null;
  };
}

const minuteMs = 60_000;

export const defaultExpiryPolicy: ExpiryPolicy = {
  threads: {
    strategy: "delete",
    defaultMinutes: null,
    sweepIntervalMs: 5 * minuteMs,
    sweepMax: 1000,
  },
  items: { defaultMinutes: null, refreshOnRead: true, sweepIntervalMs: null },
};

/** A time that is given in minutes, from `now` on, in ms since 1970. */
export function minutesAfter(now: number, minutes: number): number {
  return now + Math.round(minutes * minuteMs);
}

/** @param minutes null: it stays; undefined: as the policy has it. */
export function itemTtl(
  minutes: number | null | undefined,
  { items }: ExpiryPolicy,
  now: number,
): ItemTtl | null {
  const given = minutes === undefined ? items.defaultMinutes : minutes;
  return given === null ? null : { minutes: given, expiresAt: minutesAfter(now, given) };
}

/** @param given null: it stays; undefined: as the policy has it. */
export function threadTtl(
  given: { strategy: ExpiryStrategy; minutes: number } | null | undefined,
  { threads }: ExpiryPolicy,
  now: number,
): ThreadTtl | null {
  if (given) return { ...given, expiresAt: minutesAfter(now, given.minutes) };
  const { strategy, defaultMinutes: minutes } = threads;
  if (given === null || minutes === null) return null;
  return { strategy, minutes, expiresAt: minutesAfter(now, minutes) };
}

export function renewed(ttl: ThreadTtl | null, now: number): ThreadTtl | null {
  return ttl && { ...ttl, expiresAt: minutesAfter(now, ttl.minutes) };
}
