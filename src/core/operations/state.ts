import { AdjutantError, HeadMoved, invalid } from "../error.ts";
import type { ThreadId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import type { CheckpointForm, StateUpdate, ThreadState } from "../ports/graphs.ts";
import type { Ports } from "../ports/ports.ts";
import {
  changedThread,
  graphOf,
  restingStatus,
  type StateSummary,
  type Thread,
} from "../thread.ts";
import { noThread, requireCheckpoint, requireThread } from "./find.ts";

const emptyState: ThreadState = {
  values: {},
  next: [],
  tasks: [],
  metadata: null,
  createdAt: null,
  checkpoint: null,
  parentCheckpoint: null,
  interrupts: [],
};

/** The latest state, or the one at `checkpoint`. A thread that never ran has an empty one. */
export async function getState(
  ports: Ports,
  threadId: ThreadId,
  query: { checkpoint?: CheckpointForm; subgraphs: boolean },
): Promise<ThreadState> {
  const thread = await requireThread(ports, threadId);
  if (graphOf(thread) === null) return emptyState;
  return ports.graphs.state({ thread, ...query });
}

export interface HistoryQuery {
  limit: number;
  /** A checkpoint id, exclusive. */
  before?: string;
  metadata?: JsonObject;
  checkpoint?: CheckpointForm;
  /** False: `values` are null. */
  withValues?: boolean;
}

/** Newest first, all branches. */
export async function getHistory(
  ports: Ports,
  threadId: ThreadId,
  query: HistoryQuery,
): Promise<ThreadState[]> {
  const thread = await requireThread(ports, threadId);
  if (graphOf(thread) === null) return [];
  return ports.graphs.history({ thread, ...query });
}

/**
 * Writes a checkpoint with `source: "update"`.
 * @throws thread_busy while a run is in flight, invalid for a thread that is bound to no graph.
 */
export async function updateState(
  ports: Ports,
  threadId: ThreadId,
  command: { updates: StateUpdate[]; checkpoint?: CheckpointForm },
): Promise<CheckpointForm> {
  const thread = await requireThread(ports, threadId);
  if (thread.status === "busy") throw threadIsBusy(threadId);
  if (graphOf(thread) === null) {
    throw invalid(
      `Thread ${threadId} has no graph ID. Run an assistant on it first, or create it with \`metadata.graph_id\`.`,
    );
  }
  await requireCheckpoint(ports, threadId, command.checkpoint);
  const { checkpoint, summary } = await untilLatest(() =>
    ports.graphs.updateState({ thread, ...command }),
  );
  await refreshThread(ports, threadId, summary);
  return checkpoint;
}

/** Each failure means that another edit has succeeded. */
const editTriesMax = 100;

/** Again as long as other edits, perhaps of other servers, are quicker. */
export async function untilLatest<Edited>(edit: () => Promise<Edited>): Promise<Edited> {
  for (let tries = 1; ; tries++) {
    try {
      return await edit();
    } catch (thrown) {
      if (!(thrown instanceof HeadMoved) || tries === editTriesMax) throw thrown;
    }
  }
}

/** Brings a thread at rest in line with its latest checkpoint, and merges `metadata` into its own; a thread with runs in flight is left to them. */
export async function refreshThread(
  ports: Ports,
  threadId: ThreadId,
  summary: StateSummary,
  metadata: JsonObject = {},
): Promise<void> {
  await ports.storage.threads.transact(threadId, ({ thread, inFlight }) => {
    if (!thread) throw noThread(threadId);
    if (inFlight.length > 0) return {};
    const rested = restedThread(thread, summary, ports.clock.now());
    return { thread: { ...rested, metadata: { ...rested.metadata, ...metadata } } };
  });
}

export function restedThread(thread: Thread, summary: StateSummary, now: number): Thread {
  return {
    ...changedThread(thread, now),
    status: restingStatus({ failed: false, summary, waiting: 0 }),
    interrupts: summary.interrupts,
    error: null,
    stateUpdatedAt: now,
  };
}

function threadIsBusy(threadId: ThreadId): AdjutantError {
  return new AdjutantError(
    "thread_busy",
    `Thread is busy: a run is in flight on ${threadId}. Wait for it to finish or cancel it.`,
  );
}
