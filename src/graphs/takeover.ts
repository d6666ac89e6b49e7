import type { Run } from "../core/run.ts";
import type { DrivenGraph, Snapshot } from "./driven.ts";

/**
 * Where an attempt that takes over a lost one begins. Null: the lost attempt left no checkpoint, so
 * the run begins as it was asked to. Else it goes on from the latest checkpoint without input, or,
 * with `stopped`, has nothing left to do: the lost attempt had reached a breakpoint and died before
 * it could say so. (Going on from there would run past the breakpoint.)
 */
export async function resumePoint(
  graph: DrivenGraph,
  run: Run,
): Promise<{ stopped: Snapshot | null } | null> {
  const threadConfig = { configurable: { thread_id: run.threadId } };
  const snapshot = await graph.getState(threadConfig);
  if (snapshot.metadata?.["run_id"] !== run.runId) return null;
  if (snapshot.next.length === 0) return { stopped: null };
  const { interruptBefore, interruptAfter } = run.request;
  const before = matches(interruptBefore, snapshot.next);
  const after = interruptAfter !== null && matches(interruptAfter, await justRan(graph, snapshot));
  return { stopped: before || after ? snapshot : null };
}

function matches(breakpoints: string[] | "*" | null, nodes: string[]): boolean {
  if (breakpoints === null) return false;
  return breakpoints === "*" ? nodes.length > 0 : nodes.some((node) => breakpoints.includes(node));
}

/** The nodes whose superstep wrote the snapshot's checkpoint: those its parent still had to run. */
async function justRan(graph: DrivenGraph, snapshot: Snapshot): Promise<string[]> {
  if (!snapshot.parentConfig || snapshot.metadata?.["source"] !== "loop") return [];
  const parent = await graph.getState(snapshot.parentConfig);
  return parent.tasks.map(({ name }) => name);
}
