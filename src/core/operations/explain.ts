import { explainGone, explainRun, type Explanation } from "../explanation.ts";
import type { RunId } from "../ids.ts";
import type { Ports } from "../ports/ports.ts";
import { isFinal, type Run } from "../run.ts";
import { noRun } from "./find.ts";

/** Why a run is pending or how it ended, and what comes next. @throws not_found */
export async function explain(ports: Ports, runId: RunId): Promise<Explanation> {
  const { storage, limits, clock } = ports;
  const now = clock.now();
  const delivery = await storage.deliveries.ofRun(runId);
  // A stateless run is gone once it has ended; its webhook may still be under way.
  const run = (await storage.runs.get(runId)) ?? delivery?.run;
  if (!run) {
    const end = await ports.events.ended(runId);
    if (end) return explainGone(runId, end);
    throw noRun(runId);
  }
  const waiting = !isFinal(run.status);
  const [lease, ahead, { running }, inFlight, waitsForInput] = await Promise.all([
    storage.runs.lease(runId),
    run.status === "pending" ? storage.runs.countAhead({ runId, now }) : 0,
    storage.runs.counts(),
    waiting ? inFlightOf(ports, run) : [],
    waiting ? false : waitsForAnswer(ports, run),
  ]);
  return explainRun({
    run,
    now,
    inFlight,
    lease,
    ahead,
    running,
    slots: limits.jobsPerWorker,
    attemptsMax: limits.attemptsMax,
    waitsForInput,
    delivery,
  });
}

async function inFlightOf(ports: Ports, run: Run): Promise<Run[]> {
  const { threadId } = run;
  const page = { limit: ports.limits.pendingRunsPerThreadMax, offset: 0 };
  const list = (status: "pending" | "running") =>
    ports.storage.runs.list({ threadId, status, page });
  const [running, pending] = await Promise.all([list("running"), list("pending")]);
  return [...pending, ...running].toReversed();
}

async function waitsForAnswer(ports: Ports, run: Run): Promise<boolean> {
  const { threadId } = run;
  const thread = await ports.storage.threads.get(threadId);
  if (thread?.status !== "interrupted") return false;
  const [last] = await ports.storage.runs.list({ threadId, page: { limit: 1, offset: 0 } });
  return last?.runId === run.runId;
}
