import { shownAs } from "./graph-layout.ts";
import type { StepView } from "./run-view.ts";

/** How a node stands in the current run. */
export interface NodeState {
  phase: "running" | "done" | "failed" | "waiting";
  durationMs: number | null;
  count: number;
}

/** By node of the drawing, with the subgraphs in `open` shown from inside. */
export function statesOf(
  steps: StepView[],
  next: string[],
  isRunning: boolean,
  open: ReadonlySet<string>,
): Map<string, NodeState> {
  const states = new Map<string, NodeState>();
  for (const task of steps.flatMap((step) => step.tasks)) {
    const id = shownAs([...task.path, task.name].join(":"), open);
    // Inside a folded subgraph: the subgraph's own task tells.
    if (
      task.path.length > 0 &&
      id === shownAs(task.path.join(":"), open) &&
      id !== [...task.path, task.name].join(":")
    )
      continue;
    const before = states.get(id);
    states.set(id, {
      phase: task.error
        ? "failed"
        : task.isInterrupted
          ? "waiting"
          : task.endedAt === null && isRunning
            ? "running"
            : "done",
      durationMs: task.endedAt === null ? null : task.endedAt - task.startedAt,
      count: (before?.count ?? 0) + 1,
    });
  }
  if (!isRunning) {
    for (const id of next) {
      const before = states.get(id);
      if (before?.phase === "failed") continue;
      states.set(id, { phase: "waiting", durationMs: null, count: before?.count ?? 0 });
    }
  }
  return states;
}
