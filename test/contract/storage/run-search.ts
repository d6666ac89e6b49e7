import { describe, expect } from "vitest";
import { randomIds } from "../../../src/core/ids.ts";
import type { Run, RunFilter } from "../../../src/core/run.ts";
import {
  claim,
  claimOne,
  end,
  itStores,
  newThread,
  type OpenStorage,
  start,
  storeRuns,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

function idsOf(runs: Run[]): string[] {
  return runs.map(({ runId }) => runId);
}

export function describeRunSearch(open: OpenStorage): void {
  describe("search of runs", () => {
    itStores(open, "finds runs over all threads, last inserted first", async (storage) => {
      const assistantId = randomIds.assistant();
      const [first, second] = await storeRuns(storage, {}, { assistantId });
      const [third] = await storeRuns(storage, { assistantId });
      const search = async (filter: RunFilter, window = page) => {
        const { items, total } = await storage.runs.search({ filter, page: window });
        return { ids: idsOf(items), total };
      };
      const all = idsOf([third!, second!, first!]);
      expect(await search({})).toEqual({ ids: all, total: 3 });
      expect(await search({}, { limit: 1, offset: 1 })).toEqual({ ids: [all[1]], total: 3 });
      expect(await search({ assistantId })).toEqual({ ids: all.slice(0, 2), total: 2 });
      const { threadId } = first!;
      expect(await search({ threadId })).toEqual({ ids: all.slice(1), total: 2 });
      await claim(storage);
      expect(await search({ status: "running" })).toEqual({ ids: all.slice(2), total: 1 });
      expect(await search({ status: "error" })).toEqual({ ids: [], total: 0 });
    });

    itStores(open, "finds only runs whose threads may be seen", async (storage) => {
      const mine = newThread({ metadata: { owner: "me" } });
      const others = newThread({ metadata: { owner: "other" } });
      for (const thread of [mine, others]) await storage.threads.create(thread);
      const [run] = await storeRuns(storage, { threadId: mine.threadId });
      await storeRuns(storage, { threadId: others.threadId });
      const visible = { contains: { owner: "me" } };
      const found = await storage.runs.search({ filter: { visible }, page });
      expect({ ids: idsOf(found.items), total: found.total }).toEqual({
        ids: [run!.runId],
        total: 1,
      });
      const never = await storage.runs.search({ filter: { visible: { any: [] } }, page });
      expect(never).toEqual({ items: [], total: 0 });
    });

    itStores(open, "a run keeps when it was first claimed", async (storage) => {
      const [run] = await storeRuns(storage, {});
      expect((await storage.runs.get(run!.runId))!.startedAt).toBeNull();
      const claimed = (await claim(storage))!;
      expect(claimed.startedAt).toBeGreaterThanOrEqual(start);
      const again = await claimOne(storage, {
        owner: "another",
        now: start + 1_000_000,
        leaseUntil: start + 2_000_000,
      });
      expect(again!.run).toMatchObject({ attempt: 2, startedAt: claimed.startedAt });
      await end(storage, again!.run);
      expect((await storage.runs.get(run!.runId))!.startedAt).toBe(claimed.startedAt);
    });
  });
}
