import { describe, expect } from "vitest";
import { KeyTaken, type RunKey } from "../../../src/core/idempotency.ts";
import type { Storage } from "../../../src/core/ports/storage.ts";
import type { Run } from "../../../src/core/run.ts";
import {
  claim,
  end,
  itStores,
  newRun,
  newThread,
  type OpenStorage,
  start,
  storeRuns,
} from "./fixtures.ts";

function keyOf(run: Run, change: Partial<RunKey> = {}): RunKey {
  return { key: "a", fingerprint: "f", run, createdAt: start, expiresAt: start + 100, ...change };
}

/** Stores a thread with one run under keys. */
async function storeKeyed(storage: Storage, ...changes: Partial<RunKey>[]): Promise<RunKey[]> {
  const thread = newThread();
  const run = newRun(thread.threadId);
  const remember = changes.map((change) => keyOf(run, change));
  await storage.threads.transact(thread.threadId, () => ({ thread, insert: [run], remember }));
  return remember;
}

export function describeRunKeys(open: OpenStorage): void {
  describe("keys of runs", () => {
    itStores(open, "a key reads back with its run until it expires", async (storage) => {
      const [key] = await storeKeyed(storage, {}, { key: "b" });
      expect(await storage.runs.remembered("a", start + 99)).toEqual(key);
      expect(await storage.runs.remembered("b", start)).toMatchObject({ run: key!.run });
      expect(await storage.runs.remembered("a", start + 100)).toBeNull();
      expect(await storage.runs.remembered("c", start)).toBeNull();
    });

    itStores(open, "a key outlives its run", async (storage) => {
      const [key] = await storeKeyed(storage, {});
      await storage.threads.transact(key!.run.threadId, () => ({ deleteThread: true }));
      expect(await storage.runs.remembered("a", start)).toEqual(key);
    });

    itStores(open, "nothing is stored under a key that is held", async (storage) => {
      await storeKeyed(storage, {});
      await expect(storeKeyed(storage, { key: "new" }, {})).rejects.toThrow(KeyTaken);
      expect(await storage.runs.remembered("new", start)).toBeNull();
      expect(await storage.runs.counts()).toEqual({ pending: 1, running: 0 });
      expect(await storage.threads.count({})).toBe(1);
    });

    itStores(open, "of many who store a key at the same time one does", async (storage) => {
      const stored = await Promise.allSettled(
        Array.from({ length: 6 }, () => storeKeyed(storage, {})),
      );
      const won = stored.filter((one) => one.status === "fulfilled");
      expect(won).toHaveLength(1);
      for (const one of stored) {
        if (one.status === "rejected") expect(one.reason).toBeInstanceOf(KeyTaken);
      }
      expect(await storage.runs.counts()).toEqual({ pending: 1, running: 0 });
      expect((await storage.runs.remembered("a", start))?.run).toEqual(won[0]!.value[0]!.run);
    });

    itStores(open, "an expired key is free", async (storage) => {
      await storeKeyed(storage, {});
      const later = { createdAt: start + 100, expiresAt: start + 200 };
      const [second] = await storeKeyed(storage, later);
      expect(await storage.runs.remembered("a", start + 150)).toEqual(second);
    });

    itStores(open, "keys are freed by their runs", async (storage) => {
      const [key] = await storeKeyed(storage, {}, { key: "b" });
      const [other] = await storeKeyed(storage, { key: "c" });
      await storage.runs.forgetKeys([key!.run.runId]);
      expect(await storage.runs.remembered("a", start)).toBeNull();
      expect(await storage.runs.remembered("b", start)).toBeNull();
      expect(await storage.runs.remembered("c", start)).toEqual(other);
    });
  });

  describe("where a run stands", () => {
    itStores(open, "a running run has a lease, and no other", async (storage) => {
      const [run] = await storeRuns(storage, {});
      expect(await storage.runs.lease(run!.runId)).toBeNull();
      const running = (await claim(storage, start, "worker 7"))!;
      const lease = { owner: "worker 7", expiresAt: start + 1000 };
      expect(await storage.runs.lease(run!.runId)).toEqual(lease);
      await end(storage, running);
      expect(await storage.runs.lease(run!.runId)).toBeNull();
    });

    itStores(open, "runs ahead are those that would start before it", async (storage) => {
      const [first, behind] = await storeRuns(storage, {}, {});
      await storeRuns(storage, { notBefore: start + 50 });
      const [third] = await storeRuns(storage, {});
      const [last] = await storeRuns(storage, {});
      const ahead = (run: Run, now = start) => storage.runs.countAhead({ runId: run.runId, now });
      expect(await ahead(first!)).toBe(0);
      expect(await ahead(behind!)).toBe(1);
      // Not `behind`, whose thread is taken first, and not the one that is not due.
      expect(await ahead(third!)).toBe(1);
      expect(await ahead(last!)).toBe(2);
      expect(await ahead(last!, start + 50)).toBe(3);
      await claim(storage);
      expect(await ahead(last!)).toBe(1);
    });
  });
}
