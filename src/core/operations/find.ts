import { notFound, type AdjutantError } from "../error.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { Ports } from "../ports/ports.ts";
import type { Run } from "../run.ts";
import type { Thread } from "../thread.ts";

/** @throws not_found */
export async function requireThread(ports: Ports, threadId: ThreadId): Promise<Thread> {
  const thread = await ports.storage.threads.get(threadId);
  if (!thread) throw noThread(threadId);
  return thread;
}

/**
 * For what may begin before its thread is made. An id that nobody has is free, one that a thread has
 * which is not the caller's is not. @throws not_found
 */
export async function requireOwnOrFree(ports: Ports, threadId: ThreadId): Promise<void> {
  if (await ports.storage.threads.get(threadId)) return;
  // It looks past what the caller sees, and refuses.
  await ports.storage.threads.transact(threadId, () => ({}));
}

/** @throws not_found also when the run is another thread's. */
export async function getRun(ports: Ports, threadId: ThreadId | null, runId: RunId): Promise<Run> {
  const run = await ports.storage.runs.get(runId);
  if (!run || (threadId && run.threadId !== threadId)) throw noRun(runId);
  return run;
}

/**
 * A graph that is started from a checkpoint which is not there would begin with an empty state.
 * Namespaces of subgraphs are left to the graph. @throws not_found
 */
export async function requireCheckpoint(
  ports: Ports,
  threadId: ThreadId,
  reference: { checkpoint_id?: unknown; checkpoint_ns?: unknown } | null | undefined,
): Promise<void> {
  const checkpointId = reference?.checkpoint_id;
  if (typeof checkpointId !== "string" || reference?.checkpoint_ns) return;
  const found = await ports.storage.checkpoints.get({ threadId, namespace: "", checkpointId });
  if (!found) throw notFound(`Thread ${threadId} has no checkpoint ${checkpointId}.`);
}

export function noThread(threadId: string): AdjutantError {
  return notFound(`Thread with ID ${threadId} not found.`);
}

export function noRun(runId: string): AdjutantError {
  return notFound(`Run not found: there is no run ${runId}.`);
}
