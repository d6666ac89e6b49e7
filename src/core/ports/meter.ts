import type { Run, RunStatus } from "../run.ts";

/** Counts what happens, for whoever watches. Nothing here throws, and everything returns at once. */
export interface Meter {
  /** A worker of this process took a run. */
  attemptBegun(run: Run, begun: { takenOver: boolean; waitedMs: number }): void;
  /** That worker is done with it, however it ended. */
  attemptEnded(): void;
  /** `tookMs`: since the run began; null: it never did. */
  runEnded(run: Run, status: RunStatus, tookMs: number | null): void;
  webhookTried(outcome: "delivered" | "again" | "given_up"): void;
  /** `refused`: it was due and made no run. */
  cronFired(outcome: "run" | "refused"): void;
}
