import { notFound } from "../error.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import type { ThreadChange } from "../ports/storage.ts";
import type { Ports } from "../ports/ports.ts";
import { isFinal, type CancelAction, type Run } from "../run.ts";
import { changedThread, restingStatus, type StateSummary } from "../thread.ts";
import { numberRuns } from "../thread-sequence.ts";
import { announceDeliveries, ending } from "./deliveries.ts";
import { getRun } from "./find.ts";
import { refreshThread } from "./state.ts";
import { announceStopped } from "./threads.ts";

/** With its checkpoints. A run in flight is stopped first. */
export async function deleteRun(ports: Ports, threadId: ThreadId, runId: RunId): Promise<void> {
  const run = await getRun(ports, threadId, runId);
  if (!isFinal(run.status)) return cancelRuns(ports, [run], "rollback");
  await ports.storage.runs.delete(runId);
  await settleThread(ports, threadId);
}

/**
 * Ends runs at once, in the database: whatever their workers still do is refused from then on, also
 * when a node ignores its abort signal. `rollback` removes the runs and all they wrote. Runs that
 * have ended already are left as they are.
 */
export async function cancelRuns(
  ports: Ports,
  runs: Run[],
  action: CancelAction,
  reason: string | null = null,
): Promise<void> {
  const wanted = new Map<ThreadId, Set<RunId>>();
  for (const run of runs) {
    const ids = wanted.get(run.threadId) ?? new Set();
    wanted.set(run.threadId, ids.add(run.runId));
  }
  for (const [threadId, runIds] of wanted) {
    await cancelOnThread(ports, { threadId, runIds, action, reason });
  }
}

async function cancelOnThread(
  ports: Ports,
  cancelled: {
    threadId: ThreadId;
    runIds: Set<RunId>;
    action: CancelAction;
    reason: string | null;
  },
): Promise<void> {
  const { threadId, runIds, action, reason } = cancelled;
  const { stopped, remaining, deleteThread, deliver, threadMetadata } =
    await ports.storage.threads.transact(threadId, ({ thread, inFlight }) => {
      const targets = inFlight.filter((run) => runIds.has(run.runId));
      const waiting = inFlight.length - targets.length;
      const result = { stopped: targets, remaining: waiting, threadMetadata: undefined };
      if (!thread || targets.length === 0)
        return { ...result, stopped: [], deliver: [], deleteThread: false };
      const ended = numberRuns(
        thread,
        targets.map((run) => ({ ...run, cancelReason: reason })),
      );
      const stop = stopping(ports, ended.runs, action, thread.temporary);
      if (thread.temporary && waiting === 0) {
        return {
          ...result,
          deliver: stop.deliver ?? [],
          deleteThread: true,
          threadMetadata: thread.metadata,
        };
      }
      const known: StateSummary = {
        next: Object.keys(thread.interrupts),
        interrupts: thread.interrupts,
      };
      const status = restingStatus({ failed: false, summary: known, waiting });
      return {
        ...result,
        ...stop,
        deliver: stop.deliver ?? [],
        thread: { ...changedThread(ended.thread, ports.clock.now()), status },
        deleteThread: false,
      };
    });
  const message = action === "rollback" ? "The run was rolled back." : "The run was cancelled.";
  for (const run of stopped) announceStopped(ports, run, message, threadMetadata);
  announceDeliveries(ports, deliver);
  if (stopped.length === 0 || deleteThread) return;
  if (stopped.some(({ ordinal }) => ordinal === null)) {
    ports.signals.publish({ kind: "run", threadId });
  }
  if (remaining > 0) ports.signals.publish({ kind: "work" });
  else await settleThread(ports, threadId);
}

/**
 * Reads what the last checkpoint says into the thread's row, through the graph that wrote it: a run
 * that is gone, or never began, may have bound the thread to another one.
 */
async function settleThread(ports: Ports, threadId: ThreadId): Promise<void> {
  const stored = await ports.storage.threads.get(threadId);
  if (!stored) return;
  const bound = await boundByRuns(ports, threadId);
  const thread = { ...stored, metadata: { ...stored.metadata, ...bound } };
  const summary = await ports.graphs.summary(thread).catch((thrown: unknown) => {
    ports.log.warn(
      { thread_id: threadId, error: String(thrown) },
      "the thread's state cannot be read",
    );
    return null;
  });
  if (summary) await refreshThread(ports, threadId, summary, bound);
}

/** How far back a run that began is looked for. */
const recentRunsMax = 100;

/** The graph and assistant of the last run that began; empty when there is none. */
async function boundByRuns(ports: Ports, threadId: ThreadId): Promise<JsonObject> {
  const page = { limit: recentRunsMax, offset: 0 };
  const runs = await ports.storage.runs.list({ threadId, page });
  const last = runs.find((run) => run.attempt > 0);
  return last ? { graph_id: last.request.graphId, assistant_id: last.assistantId } : {};
}

/** Ends a run whose only reader has gone away. A stateless one that has ended meanwhile is gone, and so is the reason. */
export async function cancelAbandoned(ports: Ports, runId: RunId): Promise<void> {
  const run = await ports.storage.runs.get(runId);
  if (run) await cancelRuns(ports, [run], "interrupt");
}

/** Which runs `POST /runs/cancel` means. @throws not_found when there is none. */
export async function findRunsToCancel(
  ports: Ports,
  query: { threadId: ThreadId; runIds: RunId[] } | { status: "pending" | "running" | "all" },
): Promise<Run[]> {
  if ("status" in query) {
    const runs = await ports.storage.runs.inFlight(query.status);
    if (runs.length === 0)
      throw notFound(`No ${query.status === "all" ? "" : `${query.status} `}runs found.`);
    return runs;
  }
  const found = await Promise.all(query.runIds.map((runId) => ports.storage.runs.get(runId)));
  const runs = found.filter((run) => run !== null && run.threadId === query.threadId) as Run[];
  if (runs.length === 0) throw notFound(`None of these runs is on thread ${query.threadId}.`);
  return runs;
}

/** The part of a thread's change that ends runs from outside. */
export function stopping(
  ports: Ports,
  runs: Run[],
  action: CancelAction,
  temporary: boolean,
): Pick<ThreadChange, "rollback" | "update" | "deliver"> {
  if (action === "rollback") return { rollback: runs.map((run) => run.runId) };
  return ending(ports, runs, { status: "interrupted" }, { temporary, values: null });
}
