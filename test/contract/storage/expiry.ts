import { describe, expect } from "vitest";
import { minutesAfter, type ItemTtl, type ThreadTtl } from "../../../src/core/expiry.ts";
import { randomIds } from "../../../src/core/ids.ts";
import type { Item } from "../../../src/core/item.ts";
import {
  checkpointId,
  claim,
  collect,
  end,
  itStores,
  newRun,
  newThread,
  type OpenStorage,
  putStep,
  start,
  storeRuns,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

function newItem(key: string, minutes: number | null, change: Partial<Item> = {}): Item {
  const ttl: ItemTtl | null =
    minutes === null ? null : { minutes, expiresAt: minutesAfter(start, minutes) };
  return {
    namespace: ["n", key],
    key,
    value: { text: key },
    createdAt: start,
    updatedAt: start,
    ttl,
    ...change,
  };
}

function newTtl(expiresAt: number | null, change: Partial<ThreadTtl> = {}): ThreadTtl {
  return { strategy: "delete", minutes: 1.5, expiresAt, ...change };
}

/** What expires, and how servers take turns at seeing to it. */
export function describeExpiry(open: OpenStorage): void {
  describe("what expires", () => {
    describeItems(open);
    describeThreads(open);
    describeSweeps(open);
  });
}

function describeItems(open: OpenStorage): void {
  itStores(
    open,
    "items are there until their time is over, by every way of reading",
    async (storage) => {
      const { items } = storage;
      const east = { model: "m", values: new Float32Array([1, 0]) };
      for (const item of [newItem("short", 1), newItem("long", 2.5), newItem("ever", null)]) {
        await items.put(item, [{ ...east, path: "$" }]);
      }
      const at = async (now: number) => ({
        got: (await items.get(["n", "short"], "short", now))?.ttl ?? null,
        found: (await items.search({ prefix: [], page, now })).map(({ key }) => key),
        matching: (
          await items.search({ prefix: ["n"], filter: { text: { $ne: "ever" } }, page, now })
        ).map(({ key }) => key),
        near: (await items.search({ prefix: [], near: east, page, now })).map(({ key }) => key),
        namespaces: (await items.namespaces(now)).map(([, name]) => name),
      });
      expect(await at(start + 59_999)).toEqual({
        got: { minutes: 1, expiresAt: start + 60_000 },
        found: ["ever", "long", "short"],
        matching: ["long", "short"],
        near: ["ever", "long", "short"],
        namespaces: ["ever", "long", "short"],
      });
      expect(await at(start + 60_000)).toEqual({
        got: null,
        found: ["ever", "long"],
        matching: ["long"],
        near: ["ever", "long"],
        namespaces: ["ever", "long"],
      });
      expect((await at(start + 150_000)).found).toEqual(["ever"]);
    },
  );

  itStores(open, "items that are over do not fill pages", async (storage) => {
    for (let age = 0; age < 6; age++) {
      await storage.items.put(newItem(`k${age}`, age % 2 === 0 ? 1 : null, { namespace: ["n"] }));
    }
    const now = start + 60_000;
    const found = async (filter?: Item["value"]) => {
      const paged = { limit: 2, offset: 1 };
      const all = await storage.items.search({
        prefix: ["n"],
        page: paged,
        now,
        ...(filter && { filter }),
      });
      return all.map(({ key }) => key);
    };
    expect(await found()).toEqual(["k3", "k5"]);
    expect(await found({ text: { $gt: "k0" } })).toEqual(["k3", "k5"]);
  });

  itStores(
    open,
    "the time of an item begins anew with a refresh, unless it is over",
    async (storage) => {
      const { items } = storage;
      const all = [newItem("a b", 1), newItem('quo"te', 2), newItem("ever", null), newItem("x", 1)];
      for (const item of all) await items.put(item);
      await items.refresh([...all.slice(0, 3), newItem("missing", 1)], start + 59_999);
      const ttlOf = async ({ namespace, key }: Item) => (await items.get(namespace, key, 0))!.ttl;
      expect(await Promise.all(all.map(ttlOf))).toEqual([
        { minutes: 1, expiresAt: start + 119_999 },
        { minutes: 2, expiresAt: start + 179_999 },
        null,
        { minutes: 1, expiresAt: start + 60_000 },
      ]);
      await items.refresh(all, start + 60_000);
      expect(await ttlOf(all[3]!)).toEqual({ minutes: 1, expiresAt: start + 60_000 });
      await items.refresh([], start + 60_000);
    },
  );

  itStores(
    open,
    "an item is new when it is put again after its time, and else as put last",
    async (storage) => {
      const { items } = storage;
      await items.put(newItem("k", 1));
      const later = { createdAt: start + 60_000, updatedAt: start + 60_000 };
      const again = newItem("k", null, later);
      await items.put(again);
      expect(await items.get(["n", "k"], "k", start + 60_000)).toEqual(again);
      const ttl = { minutes: 1, expiresAt: start + 130_000 };
      await items.put(
        newItem("k", 1, { createdAt: start + 70_000, updatedAt: start + 70_000, ttl }),
      );
      expect(await items.get(["n", "k"], "k", start + 70_000)).toMatchObject({
        createdAt: start + 60_000,
        ttl,
      });
    },
  );

  itStores(open, "items that are over are removed, so many at once", async (storage) => {
    const { items } = storage;
    const vector = { model: "old", values: new Float32Array([1, 0]), path: "$" };
    for (let at = 0; at < 5; at++) await items.put(newItem(`k${at}`, 1 + at), [vector]);
    await items.put(newItem("ever", null), [vector]);
    expect(await items.removeExpired({ now: start + 59_999, limit: 10 })).toBe(0);
    expect(await items.removeExpired({ now: start + 240_000, limit: 3 })).toBe(3);
    expect(await items.removeExpired({ now: start + 240_000, limit: 3 })).toBe(1);
    const left = await items.search({ prefix: [], page, now: 0 });
    expect(left.map(({ key }) => key)).toEqual(["ever", "k4"]);
    expect(await items.describeVectors("m")).toMatchObject({ strangers: 2 });
  });
}

function describeThreads(open: OpenStorage): void {
  itStores(
    open,
    "a thread reads back with its time, and loses it when stored without",
    async (storage) => {
      const { threads } = storage;
      const thread = newThread({ ttl: newTtl(start + 5) });
      await threads.create(thread);
      expect(await threads.get(thread.threadId)).toEqual(thread);
      for (const ttl of [newTtl(null, { strategy: "keep_latest" }), null]) {
        await threads.transact(thread.threadId, () => ({ thread: { ...thread, ttl } }));
        expect((await threads.get(thread.threadId))!.ttl).toEqual(ttl);
      }
    },
  );

  itStores(
    open,
    "threads are listed when their time is over, over longest first",
    async (storage) => {
      const { threads } = storage;
      const made = [start + 3, start + 1, start + 2, null].map((expiresAt) =>
        newThread({ ttl: newTtl(expiresAt) }),
      );
      for (const thread of [...made, newThread()]) await threads.create(thread);
      const expired = async (now: number, limit = 10) =>
        (await threads.expired({ now, limit })).map((one) =>
          made.findIndex((it) => it.threadId === one.threadId),
        );
      expect(await expired(start)).toEqual([]);
      expect(await expired(start + 2)).toEqual([1, 2]);
      expect(await expired(start + 3)).toEqual([1, 2, 0]);
      expect(await expired(start + 3, 1)).toEqual([1]);
    },
  );

  itStores(
    open,
    "a decision may prune a thread as it changes it, or nothing of both",
    async (storage) => {
      const { checkpoints, threads } = storage;
      const thread = newThread({ ttl: newTtl(start) });
      const { threadId } = thread;
      await threads.create(thread);
      for (const number of [1, 2, 3]) await putStep(storage, { threadId, number });
      const count = async () => (await collect(checkpoints.list({ threadId }))).length;
      const ttl = newTtl(null);
      const pruning = threads.transact(threadId, () => ({
        prune: true,
        thread: { ...thread, ttl },
        insert: [newRun(threadId), newRun(randomIds.thread())],
      }));
      await expect(pruning).rejects.toThrow(/foreign key/i);
      expect([await count(), (await threads.get(threadId))!.ttl]).toEqual([3, thread.ttl]);
      await threads.transact(threadId, () => ({ prune: true, thread: { ...thread, ttl } }));
      expect([await count(), (await threads.get(threadId))!.ttl]).toEqual([1, ttl]);
      expect(await checkpoints.head(threadId)).toMatchObject({ checkpointId: checkpointId(3) });
    },
  );

  itStores(open, "threads are not listed while a run is in flight", async (storage) => {
    const { threads } = storage;
    const [run] = await storeRuns(storage, {});
    const { threadId } = run!;
    const over = newThread({ threadId, ttl: newTtl(start) });
    await threads.transact(threadId, () => ({ thread: over }));
    const listed = async () => (await threads.expired({ now: start + 1, limit: 10 })).length;
    expect(await listed()).toBe(0);
    const running = (await claim(storage))!;
    expect(await listed()).toBe(0);
    await end(storage, running);
    expect(await listed()).toBe(1);
    await threads.transact(threadId, () => ({ insert: [newRun(threadId)] }));
    expect(await listed()).toBe(0);
    expect(await storage.runs.get(randomIds.run())).toBeNull();
  });
}

function describeSweeps(open: OpenStorage): void {
  const intervalMs = 1000;

  itStores(open, "one of many takes each turn at a sweep", async (storage) => {
    const take = (now: number, name = "threads") => storage.sweeps.take({ name, now, intervalMs });
    for (const now of [start, start + 1000, start + 2500]) {
      const turns = await Promise.all([take(now), take(now), take(now)]);
      expect(turns.filter(({ taken }) => taken)).toHaveLength(1);
      expect(turns.map(({ nextAt }) => nextAt)).toEqual([now + 1000, now + 1000, now + 1000]);
    }
    expect(await take(start + 3499)).toEqual({ taken: false, nextAt: start + 3500 });
    expect((await take(start + 3499, "items")).taken).toBe(true);
  });

  itStores(open, "a turn that lies too far away has come", async (storage) => {
    const take = (now: number, interval: number) =>
      storage.sweeps.take({ name: "threads", now, intervalMs: interval });
    await take(start + 1_000_000, intervalMs);
    // A clock was wrong.
    expect(await take(start, intervalMs)).toEqual({ taken: true, nextAt: start + 1000 });
    // The interval is shorter than it was.
    expect(await take(start, 10)).toEqual({ taken: true, nextAt: start + 10 });
  });
}
