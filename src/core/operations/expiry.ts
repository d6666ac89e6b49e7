import type { Ports } from "../ports/ports.ts";
import type { Thread } from "../thread.ts";

/** After this many threads in a row that could not be seen to, the fault is not theirs. */
const failuresMax = 3;

/** Items that are removed in one transaction. */
const itemsAtOnce = 1000;

/**
 * Deletes or prunes threads whose time is over, those that are over longest first. A thread is seen to
 * in a transaction of its own, which looks once more whether its time is over and no run is in flight:
 * whoever stops in between leaves the others whole.
 */
export async function sweepThreads(ports: Ports, signal: AbortSignal): Promise<void> {
  const { clock, expiry, log, storage } = ports;
  const now = clock.now();
  const over = await storage.threads.expired({ now, limit: expiry.threads.sweepMax });
  let [swept, failures] = [0, 0];
  for (const thread of over) {
    if (signal.aborted) break;
    try {
      if (await sweepThread(ports, thread, now)) swept += 1;
      failures = 0;
    } catch (thrown) {
      failures += 1;
      if (failures === failuresMax) throw thrown;
      log.error({ thread_id: thread.threadId, error: thrown }, "a thread could not be swept");
    }
  }
  if (swept > 0) log.info({ swept }, "threads whose time to live is over were swept");
}

async function sweepThread(ports: Ports, { threadId }: Thread, now: number): Promise<boolean> {
  const { swept } = await ports.storage.threads.transact(threadId, ({ thread, inFlight }) => {
    const expiresAt = thread?.ttl?.expiresAt ?? null;
    const isOver = expiresAt !== null && expiresAt <= now && inFlight.length === 0;
    if (!isOver) return { swept: false };
    if (thread!.ttl!.strategy === "delete") return { swept: true, deleteThread: true };
    const ttl = { ...thread!.ttl!, expiresAt: null };
    return { swept: true, prune: true, thread: { ...thread!, ttl } };
  });
  return swept;
}

export async function sweepItems(ports: Ports, signal: AbortSignal): Promise<void> {
  const now = ports.clock.now();
  let swept = 0;
  for (let removed = itemsAtOnce; removed === itemsAtOnce && !signal.aborted; swept += removed) {
    removed = await ports.storage.items.removeExpired({ now, limit: itemsAtOnce });
  }
  if (swept > 0) ports.log.info({ swept }, "items whose time to live is over were removed");
}
