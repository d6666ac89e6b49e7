import type { RunEnd } from "../event.ts";
import type { Json } from "../json.ts";
import type { LogPart, ReadFrom } from "../ports/events.ts";
import type { Ports } from "../ports/ports.ts";
import type { RunId, ThreadId } from "../ids.ts";
import { isFinal, type Run } from "../run.ts";
import { getRun } from "./find.ts";

/** What following a run needs to know of it. */
export type FollowedRun = Pick<Run, "runId" | "threadId" | "status" | "error">;

/**
 * A run to follow by its id. A stateless run is gone from storage once it has ended, but its log
 * stays for a while. @throws not_found
 */
export async function findFollowed(
  ports: Ports,
  threadId: ThreadId | null,
  runId: RunId,
): Promise<FollowedRun> {
  try {
    return await getRun(ports, threadId, runId);
  } catch (thrown) {
    const end = await ports.events.ended(runId);
    if (!end) throw thrown;
    return { runId, threadId: threadId ?? ("" as ThreadId), status: end.status, error: end.error };
  }
}

/**
 * A run's events from `from` on, then its end, once. The log is the source; where it stays silent for
 * `heartbeatMs` the database is asked whether the run has ended without a last word (its server
 * crashed between the two).
 */
export async function* followRun(
  ports: Ports,
  run: FollowedRun,
  from: ReadFrom,
  signal: AbortSignal,
): AsyncGenerator<LogPart> {
  if (isFinal(run.status) && !(await ports.events.ended(run.runId))) {
    yield { end: endOf(run) };
    return;
  }
  const silence = new AbortController();
  const parts = ports.events.follow(run.runId, from, AbortSignal.any([signal, silence.signal]));
  let ended: RunEnd | null = null;
  const watch = setInterval(() => {
    void lostEnd(ports, run).then((end) => {
      if (end) {
        ended = end;
        silence.abort();
      }
    });
  }, ports.limits.heartbeatMs);
  watch.unref();
  try {
    for await (const part of parts) {
      yield part;
      if ("end" in part) return;
      watch.refresh();
    }
    if (ended && !signal.aborted) yield { end: ended };
  } finally {
    clearInterval(watch);
  }
}

async function lostEnd(ports: Ports, run: FollowedRun): Promise<RunEnd | null> {
  const stored = await ports.storage.runs.get(run.runId).catch(() => run);
  if (stored && !isFinal(stored.status)) return null;
  if (await ports.events.ended(run.runId)) return null;
  const error = { error: "RunGone", message: "The run has ended and what it came to is not kept." };
  return endOf(stored ?? { ...run, status: "interrupted", error });
}

function endOf(run: FollowedRun): RunEnd {
  return { status: run.status, error: run.error, values: null };
}

/** What a run came to: the last state as JSON text, or why there is none. */
export type Result = { values: string } | { error: NonNullable<RunEnd["error"]> };

/** Waits for the run's end. Null when `signal` aborts first. */
export async function waitForRun(
  ports: Ports,
  run: FollowedRun,
  signal: AbortSignal,
): Promise<Result | null> {
  for await (const part of followRun(ports, run, "now", signal)) {
    if (!("end" in part)) continue;
    return resultOf(ports, run, part.end);
  }
  return null;
}

export async function resultOf(ports: Ports, run: FollowedRun, end: RunEnd): Promise<Result> {
  if (end.error) return { error: end.error };
  return { values: end.values ?? JSON.stringify(await finalValues(ports, run)) };
}

async function finalValues(ports: Ports, run: FollowedRun): Promise<Json> {
  const thread = await ports.storage.threads.get(run.threadId);
  const values = thread && (await ports.graphs.values(thread));
  // Clients look for a key in the answer, so it must be an object.
  return typeof values === "object" && values !== null ? values : {};
}
