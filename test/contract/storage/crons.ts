import { describe, expect } from "vitest";
import type { Cron } from "../../../src/core/cron.ts";
import { randomIds } from "../../../src/core/ids.ts";
import type { Storage } from "../../../src/core/ports/storage.ts";
import {
  itStores,
  newAssistant,
  newThread,
  type OpenStorage,
  sortedIds,
  start,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

function newCron(change: Partial<Cron> & Pick<Cron, "assistantId">): Cron {
  return {
    cronId: randomIds.cron(),
    assistantVersion: 3,
    threadId: null,
    schedule: "*/5 * * * *",
    timezone: "Asia/Seoul",
    endTime: start + 1_000_000,
    enabled: true,
    onRunCompleted: "keep",
    strategy: "reject",
    createdAt: start,
    updatedAt: start,
    userId: "ada",
    request: {
      input: { messages: ["안녕 🙂"] },
      config: { tags: ["a"] },
      context: { depth: [1, null] },
      webhook: "https://example.org/hook",
      streamModes: ["values", "updates"],
      streamSubgraphs: true,
      resumable: false,
      interruptBefore: "*",
      interruptAfter: ["node"],
      durability: "sync",
    },
    metadata: { team: "blue" },
    nextRunDate: start + 100,
    ...change,
  };
}

/** Stores one cron for each change, all of one assistant. */
async function storeCrons(storage: Storage, ...changes: Partial<Cron>[]): Promise<Cron[]> {
  const { assistant } = await storage.assistants.create(newAssistant());
  const ids = sortedIds(changes.length, randomIds.cron);
  const crons = changes.map((change, at) =>
    newCron({ assistantId: assistant.assistantId, cronId: ids[at]!, ...change }),
  );
  for (const cron of crons) await storage.crons.create(cron);
  return crons;
}

function idsOf(crons: Cron[]): string[] {
  return crons.map(({ cronId }) => cronId);
}

export function describeCrons(open: OpenStorage): void {
  describe("crons", () => {
    describeKeeping(open);
    describeSearching(open);
    describeFiring(open);
  });
}

function describeKeeping(open: OpenStorage): void {
  itStores(
    open,
    "a cron reads back as it was stored, also with nothing optional",
    async (storage) => {
      const bare = {
        assistantVersion: null,
        timezone: null,
        endTime: null,
        userId: null,
        enabled: false,
      };
      const [full, plain] = await storeCrons(storage, {}, { ...bare, nextRunDate: null });
      expect(await storage.crons.get(full!.cronId)).toEqual(full);
      expect(await storage.crons.get(plain!.cronId)).toEqual(plain);
      expect(await storage.crons.get(randomIds.cron())).toBeNull();
    },
  );

  itStores(open, "a change is made on the cron as it is, and stored whole", async (storage) => {
    const [cron] = await storeCrons(storage, {});
    const changed = {
      ...cron!,
      schedule: "@daily",
      metadata: { x: 1 },
      endTime: null,
      updatedAt: 9,
    };
    const updated = await storage.crons.update(cron!.cronId, (current) => {
      expect(current).toEqual(cron);
      return changed;
    });
    expect(updated).toEqual(changed);
    expect(await storage.crons.get(cron!.cronId)).toEqual(changed);
    const missing = await storage.crons.update(randomIds.cron(), (current) => current);
    expect(missing).toBeNull();
  });

  itStores(open, "what a change throws leaves the cron as it was", async (storage) => {
    const [cron] = await storeCrons(storage, {});
    const refused = storage.crons.update(cron!.cronId, () => {
      throw new Error("refused");
    });
    await expect(refused).rejects.toThrow("refused");
    expect(await storage.crons.get(cron!.cronId)).toEqual(cron);
  });

  itStores(open, "a deleted cron is gone", async (storage) => {
    const [cron, other] = await storeCrons(storage, {}, {});
    expect(await storage.crons.delete(cron!.cronId)).toBe(true);
    expect(await storage.crons.delete(cron!.cronId)).toBe(false);
    expect(await storage.crons.get(cron!.cronId)).toBeNull();
    expect(await storage.crons.get(other!.cronId)).toEqual(other);
  });

  itStores(open, "a cron goes with its thread, and with its assistant", async (storage) => {
    const { thread } = await storage.threads.create(newThread());
    const [onThread, stateless] = await storeCrons(storage, { threadId: thread.threadId }, {});
    await storage.threads.transact(thread.threadId, () => ({ deleteThread: true }));
    expect(await storage.crons.get(onThread!.cronId)).toBeNull();
    expect(await storage.crons.get(stateless!.cronId)).toEqual(stateless);
    await storage.assistants.delete(stateless!.assistantId);
    expect(await storage.crons.get(stateless!.cronId)).toBeNull();
  });
}

function describeSearching(open: OpenStorage): void {
  itStores(open, "every filter narrows, and they narrow together", async (storage) => {
    const { thread } = await storage.threads.create(newThread());
    const [first, second, third] = await storeCrons(
      storage,
      { threadId: thread.threadId },
      { enabled: false, metadata: { team: "red", deep: { a: [1, 2] } } },
      {},
    );
    const [foreign] = await storeCrons(storage, {});
    const sort = { by: "cron_id", order: "asc" } as const;
    const find = async (filter: object) => {
      const found = await storage.crons.search({ filter, sort, page });
      expect(found.total).toBe(found.items.length);
      expect(await storage.crons.count(filter)).toBe(found.total);
      return idsOf(found.items).toSorted();
    };
    const { assistantId } = first!;
    expect(await find({ assistantId })).toEqual(idsOf([first!, second!, third!]));
    expect(await find({ threadId: thread.threadId })).toEqual(idsOf([first!]));
    expect(await find({ enabled: false })).toEqual(idsOf([second!]));
    expect(await find({ enabled: true, assistantId })).toEqual(idsOf([first!, third!]));
    expect(await find({ metadata: { deep: { a: [2] } } })).toEqual(idsOf([second!]));
    expect(await find({ metadata: { team: "blue" }, assistantId: foreign!.assistantId })).toEqual(
      idsOf([foreign!]),
    );
    expect(await find({})).toHaveLength(4);
    expect(await find({ metadata: { team: "green" } })).toEqual([]);
  });

  itStores(open, "pages follow the order asked for; no date comes last", async (storage) => {
    const [late, never, soon] = await storeCrons(
      storage,
      { nextRunDate: start + 9, updatedAt: start + 1 },
      { nextRunDate: null, updatedAt: start + 3 },
      { nextRunDate: start + 2, updatedAt: start + 2 },
    );
    const search = async (by: "next_run_date" | "updated_at", order: "asc" | "desc", limit = 9) => {
      const found = await storage.crons.search({
        filter: {},
        sort: { by, order },
        page: { limit, offset: 0 },
      });
      expect(found.total).toBe(3);
      return idsOf(found.items);
    };
    expect(await search("next_run_date", "asc")).toEqual(idsOf([soon!, late!, never!]));
    expect(await search("next_run_date", "desc")).toEqual(idsOf([late!, soon!, never!]));
    expect(await search("updated_at", "desc", 2)).toEqual(idsOf([never!, soon!]));
  });
}

function describeFiring(open: OpenStorage): void {
  itStores(open, "what is due is claimed once, longest due first", async (storage) => {
    const [late, soon] = await storeCrons(
      storage,
      { nextRunDate: start + 9 },
      { nextRunDate: start },
    );
    await storeCrons(storage, { nextRunDate: null });
    const claim = (now: number) => storage.crons.claim({ now, leaseUntil: now + 50 });
    expect(await claim(start - 1)).toBeNull();
    expect(await claim(start + 9)).toEqual(soon);
    expect(await claim(start + 9)).toEqual(late);
    expect(await claim(start + 9)).toBeNull();
  });

  itStores(open, "servers that claim at the same time get it once", async (storage) => {
    await storeCrons(storage, {}, {}, {});
    const now = start + 100;
    const claims = Array.from({ length: 8 }, () =>
      storage.crons.claim({ now, leaseUntil: now + 9 }),
    );
    const claimed = (await Promise.all(claims)).filter((cron) => cron !== null);
    for (;;) {
      const next = await storage.crons.claim({ now, leaseUntil: now + 9 });
      if (!next) break;
      claimed.push(next);
    }
    expect(new Set(idsOf(claimed)).size).toBe(3);
    expect(claimed).toHaveLength(3);
  });

  itStores(open, "a claim that nobody ends is free again after its time", async (storage) => {
    const [cron] = await storeCrons(storage, { nextRunDate: start });
    await storage.crons.claim({ now: start, leaseUntil: start + 50 });
    expect(await storage.crons.nextDue()).toBe(start + 50);
    expect(await storage.crons.claim({ now: start + 49, leaseUntil: start + 99 })).toBeNull();
    expect(await storage.crons.claim({ now: start + 50, leaseUntil: start + 99 })).toEqual(cron);
  });

  itStores(open, "a cron that has fired is due at its next date", async (storage) => {
    const [cron] = await storeCrons(storage, { nextRunDate: start });
    const { cronId } = cron!;
    await storage.crons.claim({ now: start, leaseUntil: start + 50 });
    await storage.crons.advance({ cronId, from: start, to: start + 10 });
    expect(await storage.crons.get(cronId)).toEqual({ ...cron, nextRunDate: start + 10 });
    expect(await storage.crons.nextDue()).toBe(start + 10);
    expect(await storage.crons.claim({ now: start + 10, leaseUntil: start + 60 })).not.toBeNull();
    await storage.crons.advance({ cronId, from: start + 10, to: null });
    expect(await storage.crons.nextDue()).toBeNull();
  });

  itStores(open, "a change made while it fires wins over what the firing says", async (storage) => {
    const [cron] = await storeCrons(storage, { nextRunDate: start });
    const { cronId } = cron!;
    await storage.crons.claim({ now: start, leaseUntil: start + 50 });
    await storage.crons.update(cronId, (current) => ({ ...current, nextRunDate: start + 5 }));
    await storage.crons.advance({ cronId, from: start, to: start + 10 });
    expect((await storage.crons.get(cronId))?.nextRunDate).toBe(start + 5);
    // The change has ended the claim, too.
    expect(await storage.crons.nextDue()).toBe(start + 5);
  });
}
