import type { Ports } from "../ports/ports.ts";
import type { Run } from "../run.ts";
import { numberRuns } from "../thread-sequence.ts";

/**
 * A run whose start was delayed takes its place among the runs of its thread when it begins: behind
 * all that began, before all that wait. Other runs have theirs since they were created, which spares
 * them this.
 */
export async function beginRun(ports: Ports, run: Run): Promise<void> {
  if (run.ordinal !== null) return;
  const { begun } = await ports.storage.threads.transact(run.threadId, ({ thread, inFlight }) => {
    const current = inFlight.find((one) => one.runId === run.runId);
    if (!thread || current?.attempt !== run.attempt) return { begun: false };
    const waiting = inFlight
      .filter((one) => one.attempt === 0 && one.ordinal !== null)
      .map((one) => ({ ...one, ordinal: null }));
    const numbered = numberRuns(thread, [current, ...waiting]);
    return { begun: true, thread: numbered.thread, update: numbered.runs };
  });
  if (begun) ports.signals.publish({ kind: "run", threadId: run.threadId });
}
