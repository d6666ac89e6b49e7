import { LeaseLost } from "../error.ts";
import type { ThreadId } from "../ids.ts";
import type { Ports } from "../ports/ports.ts";
import type { ThreadSnapshot } from "../ports/storage.ts";
import type { Attempt, Outcome, Run } from "../run.ts";
import { restingStatus, type StateSummary } from "../thread.ts";
import { announceDeliveries, ending } from "./deliveries.ts";
import { observeEnd } from "./observe.ts";
import { restedThread } from "./state.ts";

/**
 * Ends a run in the name of the attempt that holds it, and brings its thread to rest.
 * @throws LeaseLost when another attempt has taken over or the run was ended from outside.
 */
export async function settleRun(
  ports: Ports,
  settled: {
    run: Run;
    attempt: Attempt;
    outcome: Outcome;
    summary: StateSummary | null;
    values: string | null;
  },
): Promise<void> {
  const { attempt, outcome } = settled;
  const { threadId, request } = settled.run;
  const told = settled.values ?? (request.webhook && (await lastState(ports, threadId)));
  const { waiting, deliver, threadMetadata } = await ports.storage.threads.transact(
    threadId,
    (snapshot) => settleOnThread(ports, settled, told, snapshot),
  );
  announceDeliveries(ports, deliver);
  const error = "error" in outcome ? outcome.error : null;
  const end = { status: outcome.status, error, values: settled.values };
  ports.events.end(attempt.runId, { ...end, ...(threadMetadata && { threadMetadata }) });
  observeEnd(ports, settled.run, { status: outcome.status, error });
  if (waiting > 0) ports.signals.publish({ kind: "work" });
}

/** For a webhook, when the run's events do not hold it. */
async function lastState(ports: Ports, threadId: ThreadId): Promise<string | null> {
  const thread = await ports.storage.threads.get(threadId);
  const values = thread && (await ports.graphs.values(thread).catch(() => null));
  return JSON.stringify(values);
}

function settleOnThread(
  ports: Ports,
  settled: { run: Run; attempt: Attempt; outcome: Outcome; summary: StateSummary | null },
  values: string | null,
  { thread, inFlight }: ThreadSnapshot,
) {
  const { attempt, outcome, summary } = settled;
  const run = inFlight.find((one) => one.runId === attempt.runId);
  if (!thread || run?.status !== "running" || run.attempt !== attempt.attempt) {
    throw new LeaseLost(attempt.runId, attempt.attempt);
  }
  const waiting = inFlight.length - 1;
  const { temporary } = thread;
  const end = ending(ports, [run], outcome, { temporary, values });
  if (temporary && waiting === 0) {
    const { metadata: threadMetadata } = thread;
    return { waiting, deliver: end.deliver, deleteThread: true, threadMetadata };
  }
  const now = ports.clock.now();
  const failure = "error" in outcome ? outcome.error : null;
  const known = summary ?? { next: Object.keys(thread.interrupts), interrupts: thread.interrupts };
  const bound = { graph_id: run.request.graphId, assistant_id: run.assistantId };
  return {
    waiting,
    threadMetadata: null,
    ...end,
    thread: {
      ...restedThread(thread, known, now),
      metadata: { ...thread.metadata, ...bound },
      status: restingStatus({ failed: failure !== null, summary: known, waiting }),
      error: failure,
    },
  };
}

/** Hands a run back unfinished, because its server stops: the next attempt continues it. */
export async function releaseRun(ports: Ports, run: Run, attempt: Attempt): Promise<void> {
  await ports.storage.threads.transact(run.threadId, ({ inFlight }) => {
    const current = inFlight.find((one) => one.runId === run.runId);
    if (current?.status !== "running" || current.attempt !== attempt.attempt) return {};
    return { update: [{ ...current, status: "pending" as const, updatedAt: ports.clock.now() }] };
  });
}
