import { describe, expect } from "vitest";
import { randomIds } from "../../../src/core/ids.ts";
import type { Claims } from "../../../src/core/ports/storage.ts";
import type { Run } from "../../../src/core/run.ts";
import {
  claim,
  claimOne,
  end,
  itStores,
  newItems,
  newRun,
  newThread,
  type OpenStorage,
  putStep,
  start,
  storeRunning,
  storeRuns,
  write,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

export function describeRuns(open: OpenStorage): void {
  describe("runs", () => {
    describeReading(open);
    describeClaiming(open);
    describeLeases(open);
  });
}

function idsOf(runs: Run[]): string[] {
  return runs.map(({ runId }) => runId);
}

function describeReading(open: OpenStorage): void {
  itStores(open, "a run reads back as it was stored", async (storage) => {
    const [run] = await storeRuns(storage, { notBefore: start + 60_000 });
    expect(await storage.runs.get(run!.runId)).toEqual(run);
    expect(await storage.runs.get(randomIds.run())).toBeNull();
  });

  itStores(
    open,
    "a thread's runs are listed last inserted first, by status too",
    async (storage) => {
      const [first, second, third] = await storeRuns(storage, {}, { createdAt: start - 9 }, {});
      await storeRuns(storage, {});
      await claim(storage);
      const { threadId } = first!;
      const list = async (params: object) =>
        idsOf(await storage.runs.list({ threadId, page, ...params }));
      expect(await list({})).toEqual(idsOf([third!, second!, first!]));
      expect(await list({ page: { limit: 1, offset: 1 } })).toEqual(idsOf([second!]));
      expect(await list({ status: "running" })).toEqual(idsOf([first!]));
      expect(await list({ status: "pending" })).toEqual(idsOf([third!, second!]));
      expect(await list({ status: "success" })).toEqual([]);
    },
  );

  itStores(open, "runs in flight are listed over all threads, oldest first", async (storage) => {
    const [first] = await storeRuns(storage, {});
    const [second, third] = await storeRuns(storage, {}, {});
    const running = (await claim(storage))!;
    expect(running.runId).toBe(first!.runId);
    expect(idsOf(await storage.runs.inFlight("all"))).toEqual(idsOf([first!, second!, third!]));
    expect(await storage.runs.inFlight("running")).toEqual([running]);
    expect(idsOf(await storage.runs.inFlight("pending"))).toEqual(idsOf([second!, third!]));
    expect(await storage.runs.counts()).toEqual({ pending: 2, running: 1 });
    await end(storage, running);
    expect(idsOf(await storage.runs.inFlight("all"))).toEqual(idsOf([second!, third!]));
    expect(await storage.runs.counts()).toEqual({ pending: 2, running: 0 });
  });

  itStores(
    open,
    "a run that has ended is deleted with its checkpoints and writes",
    async (storage) => {
      const run = await storeRunning(storage);
      const { threadId, runId } = run;
      await putStep(storage, { threadId, number: 1, items: newItems("outside") });
      const address = await putStep(storage, { threadId, number: 2, writer: run });
      await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: run });
      await end(storage, run);
      expect(await storage.runs.delete(runId)).toBe(true);
      expect(await storage.runs.get(runId)).toBeNull();
      expect(await storage.checkpoints.get(address)).toBeNull();
      expect(await storage.checkpoints.get({ threadId, namespace: "" })).not.toBeNull();
      expect(await storage.threads.get(threadId)).not.toBeNull();
      expect(await storage.runs.delete(runId)).toBe(false);
    },
  );

  itStores(open, "a run in flight is not deleted", async (storage) => {
    const [pending] = await storeRuns(storage, { notBefore: start + 1 });
    const running = await storeRunning(storage);
    expect(await storage.runs.delete(pending!.runId)).toBe(false);
    expect(await storage.runs.delete(running.runId)).toBe(false);
    expect(idsOf(await storage.runs.inFlight("all"))).toEqual(idsOf([pending!, running]));
  });
}

function describeClaiming(open: OpenStorage): void {
  itStores(open, "a claim shows the run as it is then: running, attempt 1", async (storage) => {
    const [run] = await storeRuns(storage, {});
    const now = start + 5;
    const claimed = await claimOne(storage, { owner: "w", now, leaseUntil: now + 10 });
    const expected = { ...run, status: "running", attempt: 1, updatedAt: now, startedAt: now };
    expect(claimed).toEqual({ run: expected, takenOver: false });
    expect(await storage.runs.get(run!.runId)).toEqual(expected);
  });

  itStores(
    open,
    "several are claimed at once, one of each thread, oldest first",
    async (storage) => {
      const runs: Run[] = [];
      for (let at = 0; at < 3; at++) runs.push((await storeRuns(storage, {}, {}))[0]!);
      const taken = (claims: Claims) => idsOf(claims.runs.map(({ run }) => run));
      const ask = (count: number) =>
        storage.runs.claim({ owner: "w", now: start, leaseUntil: start + 10, count });
      const two = await ask(2);
      expect(taken(two)).toEqual(runs.slice(0, 2).map(({ runId }) => runId));
      expect(two.more).toBe(true);
      const rest = await ask(2);
      expect(taken(rest)).toEqual([runs[2]!.runId]);
      expect(rest.more).toBe(false);
      expect(await ask(2)).toEqual({ runs: [], more: false });
    },
  );

  itStores(open, "runs are claimed in the order in which they were inserted", async (storage) => {
    const [first] = await storeRuns(storage, { createdAt: start + 9, notBefore: start });
    const [second] = await storeRuns(storage, { notBefore: start - 100 });
    const [third] = await storeRuns(storage, { createdAt: start - 9 });
    const claimed = [await claim(storage), await claim(storage), await claim(storage)];
    expect(idsOf(claimed as Run[])).toEqual(idsOf([first!, second!, third!]));
    expect(await claim(storage)).toBeNull();
  });

  itStores(
    open,
    "a thread has one running run; the next starts when it has ended",
    async (storage) => {
      const [first, second] = await storeRuns(storage, {}, {});
      const [elsewhere] = await storeRuns(storage, {});
      const running = (await claim(storage))!;
      expect(running.runId).toBe(first!.runId);
      expect((await claim(storage))?.runId).toBe(elsewhere!.runId);
      expect(await claim(storage)).toBeNull();
      await end(storage, running);
      expect((await claim(storage))?.runId).toBe(second!.runId);
    },
  );

  itStores(open, "storing a second running run on a thread is refused whole", async (storage) => {
    const running = await storeRunning(storage);
    const { threadId } = running;
    const thread = newThread({ threadId, metadata: { half: "written" } });
    const second = newRun(threadId, { status: "running" });
    await expect(
      storage.threads.transact(threadId, () => ({ thread, insert: [second] })),
    ).rejects.toThrow(/unique/i);
    expect(await storage.runs.inFlight("all")).toEqual([running]);
    expect((await storage.threads.get(threadId))?.metadata).toEqual({});
  });

  itStores(
    open,
    "a run is not claimed before its time, and does not hold up others",
    async (storage) => {
      const [later, sooner] = await storeRuns(storage, { notBefore: start + 100 }, {});
      expect((await claim(storage))?.runId).toBe(sooner!.runId);
      await end(storage, (await storage.runs.get(sooner!.runId))!);
      expect(await claim(storage, start + 99)).toBeNull();
      expect((await claim(storage, start + 100))?.runId).toBe(later!.runId);
    },
  );

  itStores(open, "workers that claim at the same time never get the same run", async (storage) => {
    for (let at = 0; at < 20; at++) await storeRuns(storage, {}, {});
    const claims = Array.from({ length: 30 }, (_, at) => claim(storage, start, `worker ${at}`));
    const claimed = (await Promise.all(claims)).filter((run) => run !== null);
    expect(new Set(idsOf(claimed)).size).toBe(claimed.length);
    expect(new Set(claimed.map(({ threadId }) => threadId)).size).toBe(claimed.length);
    for (let run = await claim(storage); run; run = await claim(storage)) claimed.push(run);
    expect(claimed).toHaveLength(20);
    expect(await storage.runs.counts()).toEqual({ pending: 20, running: 20 });
  });

  itStores(
    open,
    "a run handed back is claimed again and continues, nothing lost",
    async (storage) => {
      const run = await storeRunning(storage);
      const pending: Run = { ...run, status: "pending" };
      await storage.threads.transact(run.threadId, () => ({ update: [pending] }));
      expect(await storage.runs.nextDue(start)).toBeNull();
      const claimed = await claimOne(storage, { owner: "w", now: start, leaseUntil: start + 1 });
      expect(claimed).toMatchObject({ takenOver: true, run: { attempt: 2, lostAttempts: 0 } });
    },
  );
}

function describeLeases(open: OpenStorage): void {
  itStores(
    open,
    "a run whose lease has expired is taken over with the next attempt",
    async (storage) => {
      const run = await storeRunning(storage);
      expect(await claim(storage, start + 999)).toBeNull();
      const now = start + 1000;
      const claimed = await claimOne(storage, { owner: "other", now, leaseUntil: now + 1000 });
      expect(claimed).toEqual({
        run: { ...run, attempt: 2, lostAttempts: 1, updatedAt: now },
        takenOver: true,
      });
      expect(await claim(storage, now + 999)).toBeNull();
    },
  );

  itStores(open, "a lost run comes before a waiting one", async (storage) => {
    const [waiting] = await storeRuns(storage, { notBefore: start + 500 });
    const lost = await storeRunning(storage);
    expect((await claim(storage, start + 2000))?.runId).toBe(lost.runId);
    expect((await claim(storage, start + 2000))?.runId).toBe(waiting!.runId);
  });

  itStores(open, "workers that take over at the same time take over once", async (storage) => {
    await storeRunning(storage);
    const claims = await Promise.all([1, 2, 3, 4].map(() => claim(storage, start + 5000)));
    const claimed = claims.filter((run) => run !== null);
    expect(claimed.map(({ attempt }) => attempt)).toEqual([2]);
  });

  itStores(open, "a beat extends the leases that still hold and says which", async (storage) => {
    const kept = await storeRunning(storage);
    const ended = await storeRunning(storage);
    const lost = await storeRunning(storage);
    await end(storage, ended);
    const attempts = [kept, ended, lost].map(({ runId, attempt }) => ({ runId, attempt }));
    await storage.runs.extendLeases({ attempts: [attempts[0]!], leaseUntil: start + 9000 });
    const taken = (await claim(storage, start + 3000))!;
    expect(taken.runId).toBe(lost.runId);
    const unknown = { runId: randomIds.run(), attempt: 1 };
    expect(
      await storage.runs.extendLeases({
        attempts: [...attempts, unknown],
        leaseUntil: start + 20_000,
      }),
    ).toEqual([attempts[0]]);
    expect(await claim(storage, start + 3999)).toBeNull();
    expect((await claim(storage, start + 4000))?.runId).toBe(lost.runId);
    expect(await storage.runs.extendLeases({ attempts: [], leaseUntil: start })).toEqual([]);
  });

  itStores(open, "the next due moment is when a claim will find more", async (storage) => {
    expect(await storage.runs.nextDue(start)).toBeNull();
    await storeRuns(storage, { notBefore: start + 700 });
    await storeRuns(storage, { notBefore: start + 600 });
    expect(await storage.runs.nextDue(start)).toBe(start + 600);
    expect(await storage.runs.nextDue(start + 600)).toBe(start + 700);
    const run = await storeRunning(storage);
    await storage.runs.extendLeases({ attempts: [run], leaseUntil: start + 400 });
    expect(await storage.runs.nextDue(start)).toBe(start + 400);
    expect((await claim(storage, start + 400))?.runId).toBe(run.runId);
    await end(storage, (await storage.runs.get(run.runId))!);
    expect(await storage.runs.nextDue(start)).toBe(start + 600);
  });

  itStores(open, "a run that waits for a busy thread is due with its lease", async (storage) => {
    const [, waiting] = await storeRuns(storage, {}, {});
    await claim(storage);
    expect(waiting!.notBefore).toBe(start);
    expect(await storage.runs.nextDue(start)).toBe(start + 1000);
  });
}
