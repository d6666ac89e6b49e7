import { AdjutantError } from "./error.ts";
import type { CancelAction, Run, Strategy } from "./run.ts";

/** Which runs in flight give way to a new one, and how. */
export interface Admission {
  replaced: Run[];
  action: CancelAction;
}

/** @throws thread_busy for `reject` on a busy thread; unavailable when the queue is full. */
export function admit(strategy: Strategy, inFlight: Run[], pendingRunsMax: number): Admission {
  const none: Admission = { replaced: [], action: "interrupt" };
  if (inFlight.length === 0) return none;
  switch (strategy) {
    case "reject":
      throw new AdjutantError(
        "thread_busy",
        "Thread is already running a task. Wait for it to finish or choose a different multitask strategy.",
      );
    case "enqueue":
      if (inFlight.length > pendingRunsMax) {
        throw new AdjutantError(
          "unavailable",
          `${pendingRunsMax} runs already wait on this thread. Wait for some to finish or cancel them.`,
        );
      }
      return none;
    case "interrupt":
    case "rollback":
      return { replaced: inFlight, action: strategy };
  }
}
