import { AdjutantError, conflict, invalid } from "../error.ts";
import { renewed, threadTtl, type ExpiryStrategy } from "../expiry.ts";
import type { ThreadId } from "../ids.ts";
import { contains, isObject, type Json, type JsonObject } from "../json.ts";
import type { Found, Page, Sort } from "../page.ts";
import type { StateUpdate, ThreadSize } from "../ports/graphs.ts";
import type { Ports } from "../ports/ports.ts";
import type { Run } from "../run.ts";
import {
  changedThread,
  graphOf,
  type Thread,
  type ThreadFilter,
  type ThreadSortField,
} from "../thread.ts";
import { noThread, requireThread } from "./find.ts";
import { observeEnd } from "./observe.ts";
import { updateState } from "./state.ts";

/** A thread with its latest state's values in wire form; null when nothing ever ran. */
export interface ThreadWithValues extends Thread {
  values: Json;
}

export interface ThreadTtlWish {
  strategy: ExpiryStrategy;
  minutes: number;
}

export interface CreateThread {
  threadId?: ThreadId;
  metadata?: JsonObject;
  ifExists: "raise" | "do_nothing";
  /** Null: it stays; absent: as the server's policy has it. */
  ttl?: ThreadTtlWish | null;
  /** State to begin with, one list of updates a superstep; needs `metadata.graph_id`. */
  supersteps?: StateUpdate[][];
}

export function newThread(ports: Ports, threadId: ThreadId): Thread {
  const now = ports.clock.now();
  return {
    threadId,
    createdAt: now,
    updatedAt: now,
    stateUpdatedAt: now,
    metadata: {},
    config: {},
    status: "idle",
    interrupts: {},
    error: null,
    temporary: false,
    lastOrdinal: 0,
    ttl: threadTtl(undefined, ports.expiry, now),
  };
}

export async function createThread(ports: Ports, command: CreateThread): Promise<ThreadWithValues> {
  const thread = newThread(ports, command.threadId ?? ports.ids.thread());
  thread.metadata = command.metadata ?? {};
  thread.ttl = threadTtl(command.ttl, ports.expiry, thread.createdAt);
  const supersteps = command.supersteps ?? [];
  if (supersteps.length > 0 && graphOf(thread) === null) {
    throw invalid("`supersteps` needs `metadata.graph_id`, so that the server knows the graph.");
  }
  const { thread: stored, created } = await ports.storage.threads.create(thread);
  if (!created) {
    if (command.ifExists === "raise") throw conflict(`Thread ${thread.threadId} already exists.`);
    return withValues(ports, stored);
  }
  try {
    for (const updates of supersteps) await updateState(ports, stored.threadId, { updates });
  } catch (thrown) {
    await deleteThread(ports, stored.threadId);
    throw thrown;
  }
  return supersteps.length > 0 ? getThread(ports, stored.threadId) : { ...stored, values: null };
}

export async function getThread(ports: Ports, threadId: ThreadId): Promise<ThreadWithValues> {
  return withValues(ports, await requireThread(ports, threadId));
}

export interface ThreadPatch {
  /** Merged key by key. */
  metadata?: JsonObject;
  /** Null: it stays from now on; absent: the time it has begins anew. */
  ttl?: ThreadTtlWish | null;
}

export async function patchThread(
  ports: Ports,
  threadId: ThreadId,
  { metadata, ttl }: ThreadPatch,
): Promise<Thread> {
  return changeThread(ports, threadId, (current, now) => ({
    ...current,
    metadata: { ...current.metadata, ...metadata },
    ttl: ttl === undefined ? current.ttl : threadTtl(ttl, ports.expiry, now),
  }));
}

export async function changeThreadMetadata(
  ports: Ports,
  threadId: ThreadId,
  change: (metadata: JsonObject) => JsonObject,
): Promise<Thread> {
  return changeThread(ports, threadId, (current) => ({
    ...current,
    metadata: change(current.metadata),
  }));
}

async function changeThread(
  ports: Ports,
  threadId: ThreadId,
  change: (thread: Thread, now: number) => Thread,
): Promise<Thread> {
  const { thread } = await ports.storage.threads.transact(threadId, ({ thread: current }) => {
    if (!current) throw noThread(threadId);
    const now = ports.clock.now();
    return { thread: changedThread(change(current, now), now) };
  });
  return thread;
}

/** With its runs and checkpoints; runs in flight are stopped. */
export async function deleteThread(ports: Ports, threadId: ThreadId): Promise<void> {
  const { stopped, threadMetadata } = await ports.storage.threads.transact(
    threadId,
    ({ thread, inFlight }) => {
      if (!thread) throw noThread(threadId);
      return { deleteThread: true, stopped: inFlight, threadMetadata: thread.metadata };
    },
  );
  for (const run of stopped) {
    announceStopped(ports, run, "The thread was deleted.", threadMetadata);
  }
}

/**
 * `delete` as `deleteThread` does it; `keep_latest` leaves what the latest state needs. Threads that are
 * not there are passed over, and so are those with a run in flight, whose history is still being
 * written. Returns how many were pruned.
 */
export async function pruneThreads(
  ports: Ports,
  threadIds: ThreadId[],
  strategy: ExpiryStrategy,
): Promise<number> {
  let pruned = 0;
  for (const threadId of new Set(threadIds)) {
    try {
      if (strategy === "delete") await deleteThread(ports, threadId);
      else {
        await requireThread(ports, threadId);
        await ports.storage.checkpoints.prune({ threadId, keep: "latest" });
      }
      pruned += 1;
    } catch (thrown) {
      if (!(thrown instanceof AdjutantError) || !passedOver.has(thrown.code)) throw thrown;
    }
  }
  return pruned;
}

const passedOver = new Set<AdjutantError["code"]>(["not_found", "thread_busy"]);

/** What a thread's checkpoints take up. @throws not_found */
export async function measureThread(ports: Ports, threadId: ThreadId): Promise<ThreadSize> {
  await requireThread(ports, threadId);
  return ports.graphs.size(threadId);
}

/**
 * Tells workers and readers that a run was ended from outside, after that was committed.
 *
 * @param threadMetadata of a thread that has gone with the run.
 */
export function announceStopped(
  ports: Ports,
  run: Run,
  message: string,
  threadMetadata?: JsonObject,
): void {
  ports.signals.publish({ kind: "cancel", runId: run.runId });
  const error = { error: "UserInterrupt", message };
  const end = { status: "interrupted" as const, error, values: null };
  ports.events.end(run.runId, { ...end, ...(threadMetadata && { threadMetadata }) });
  observeEnd(ports, run, { status: "interrupted", error });
}

/** A new thread with the same metadata, state and history. Its status is that of the state. */
export async function copyThread(ports: Ports, threadId: ThreadId): Promise<ThreadWithValues> {
  const source = await requireThread(ports, threadId);
  const copy: Thread = {
    ...newThread(ports, ports.ids.thread()),
    metadata: source.metadata,
    config: source.config,
    ttl: renewed(source.ttl, ports.clock.now()),
    status: Object.keys(source.interrupts).length > 0 ? "interrupted" : "idle",
    interrupts: source.interrupts,
  };
  await ports.storage.threads.copy({ from: threadId, thread: copy });
  // As it was stored: what it is tagged with may hide it even from who made it.
  return withValues(ports, (await ports.storage.threads.get(copy.threadId)) ?? copy);
}

export interface SearchThreads {
  filter: ThreadFilter;
  /** Subset that the state's values must contain. */
  values?: JsonObject;
  sort: Sort<ThreadSortField>;
  page: Page;
  /** Whether answers need `values`, which cost a read each. */
  withValues: boolean;
}

export async function searchThreads(
  ports: Ports,
  query: SearchThreads,
): Promise<Found<ThreadWithValues>> {
  const { values, page } = query;
  if (values && Object.keys(values).length > 0) {
    const matching = await scanValues(ports, query.filter, values, query.sort);
    return {
      items: matching.slice(page.offset, page.offset + page.limit),
      total: matching.length,
    };
  }
  const { items, total } = await ports.storage.threads.search(query);
  const read = async (thread: Thread) =>
    query.withValues ? withValues(ports, thread) : { ...thread, values: null };
  return { items: await Promise.all(items.map(read)), total };
}

export async function countThreads(
  ports: Ports,
  filter: ThreadFilter,
  values?: JsonObject,
): Promise<number> {
  if (!values || Object.keys(values).length === 0) return ports.storage.threads.count(filter);
  const sort: Sort<ThreadSortField> = { by: "created_at", order: "desc" };
  return (await scanValues(ports, filter, values, sort)).length;
}

/** State lives in checkpoints, so a filter on values reads the state of every thread the rest lets through. */
const scannedThreadsMax = 10_000;

async function scanValues(
  ports: Ports,
  filter: ThreadFilter,
  wanted: JsonObject,
  sort: Sort<ThreadSortField>,
): Promise<ThreadWithValues[]> {
  const matching: ThreadWithValues[] = [];
  const limit = 200;
  for (let offset = 0; ; offset += limit) {
    const { items, total } = await ports.storage.threads.search({
      filter,
      sort,
      page: { limit, offset },
    });
    if (total > scannedThreadsMax) {
      throw invalid(
        `A filter on values can look through ${scannedThreadsMax} threads; ${total} match the rest. Narrow it with metadata, status or ids.`,
      );
    }
    for (const thread of await Promise.all(items.map((item) => withValues(ports, item)))) {
      if (isObject(thread.values) && contains(thread.values, wanted)) matching.push(thread);
    }
    if (offset + limit >= total) return matching;
  }
}

export async function withValues(ports: Ports, thread: Thread): Promise<ThreadWithValues> {
  return { ...thread, values: await ports.graphs.values(thread) };
}
