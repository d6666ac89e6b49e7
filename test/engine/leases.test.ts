import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createRun } from "../../src/core/operations/runs.ts";
import { getRun } from "../../src/core/operations/find.ts";
import { createThread, getThread } from "../../src/core/operations/threads.ts";
import type { RunStorage, Storage } from "../../src/core/ports/storage.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { claimOne } from "../contract/storage/fixtures.ts";
import {
  engineFixture,
  openEngine,
  readToEnd,
  runCommand,
  waiting,
  type TestEngine,
} from "../support/engine.ts";

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function open(params: Parameters<typeof openEngine>[0]): Promise<TestEngine> {
  const engine = await openEngine(params);
  opened.push(engine);
  return engine;
}

function openStorage(): Promise<Storage> {
  return openSqlite({ directory: mkdtempSync(join(tmpdir(), "adjutant-lease-")) });
}

/** A storage whose worker seems dead to others: it takes one run, and its beats reach nobody. */
function withoutBeat(storage: Storage): Storage {
  let taken = false;
  const runs: RunStorage = Object.assign(Object.create(storage.runs) as RunStorage, {
    extendLeases: ({ attempts }: Parameters<RunStorage["extendLeases"]>[0]) =>
      Promise.resolve(attempts),
    claim: async (params: Parameters<RunStorage["claim"]>[0]) => {
      const claims = taken ? { runs: [], more: false } : await storage.runs.claim(params);
      taken ||= claims.runs.length > 0;
      return claims;
    },
    nextDue: storage.runs.nextDue.bind(storage.runs),
    get: storage.runs.get.bind(storage.runs),
    counts: storage.runs.counts.bind(storage.runs),
  });
  return Object.assign(Object.create(storage) as Storage, {
    runs,
    threads: storage.threads,
    checkpoints: storage.checkpoints,
    assistants: storage.assistants,
    items: storage.items,
  });
}

/** Long enough that a busy machine's pauses lose no lease. */
const quick = { leaseMs: 800, beatMs: 50 };

function ranOn(threadId: string): string[] {
  return engineFixture()
    .ran.filter((entry) => entry.endsWith(threadId))
    .map((entry) => entry.split(":")[0]!);
}

describe("a worker that is lost", () => {
  it("loses its run to another one, which goes on from the last checkpoint, and can write nothing more", async () => {
    const storage = await openStorage();
    opened.push(storage);
    const lost = await open({ storage: withoutBeat(storage), limits: quick });
    const { ports } = lost;
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    lost.startWorker("lost");
    const run = await createRun(ports, runCommand("stubborn", { threadId, durability: "sync" }));
    await waiting(`gate:${threadId}`);
    const openLostGate = engineFixture().gates.get(`gate:${threadId}`)!;
    engineFixture().gates.clear();

    // No pause of a busy machine is as long as the heir's lease.
    const heir = await open({ storage, limits: { ...quick, leaseMs: 60_000 } });
    heir.startWorker("heir");
    await waiting(`gate:${threadId}`);
    openLostGate();
    engineFixture().gates.get(`gate:${threadId}`)!();
    const { events, end } = await readToEnd(heir.ports, run);
    expect(end.status).toBe("success");
    expect(JSON.parse(end.values!)).toMatchObject({ log: ["before", "gate", "after"] });
    expect(JSON.parse(events[0]!.data)).toEqual({ run_id: run.runId, attempt: 2 });
    expect(await getRun(heir.ports, threadId, run.runId)).toMatchObject({
      attempt: 2,
      lostAttempts: 1,
      status: "success",
    });
    // Finished nodes ran once; the one that was running ran again.
    expect(ranOn(threadId).filter((node) => node === "before")).toHaveLength(1);
    expect(ranOn(threadId).filter((node) => node === "gate")).toHaveLength(2);
    expect(await getThread(heir.ports, threadId)).toMatchObject({
      values: { log: ["before", "gate", "after"] },
    });
  });

  it("keeps a slow run as long as it beats", async () => {
    const engine = await open({ limits: quick });
    const { ports } = engine;
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    engine.startWorker("slow");
    engine.startWorker("eager");
    const run = await createRun(ports, runCommand("stubborn", { threadId }));
    await waiting(`gate:${threadId}`);
    const extended = Promise.withResolvers<void>();
    let beats = 0;
    const original = ports.storage.runs.extendLeases.bind(ports.storage.runs);
    ports.storage.runs.extendLeases = async (params) => {
      const held = await original(params);
      if (held.length > 0 && (beats += 1) * quick.beatMs > 1.5 * quick.leaseMs) extended.resolve();
      return held;
    };
    await extended.promise;
    engineFixture().gates.get(`gate:${threadId}`)!();
    await readToEnd(ports, run);
    expect(ranOn(threadId)).toEqual(["before", "gate", "after"]);
  });
});

describe("a run that is lost again and again", () => {
  it("ends in error after attemptsMax lost attempts and says why", async () => {
    const engine = await open({ limits: { attemptsMax: 2, ...quick } });
    const { ports } = engine;
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const run = await createRun(ports, runCommand("steps", { threadId }));
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const claimed = await claimOne(ports.storage, {
        owner: `dead ${attempt}`,
        now: 1e15 * attempt,
        leaseUntil: 1,
      });
      expect(claimed?.run.attempt).toBe(attempt);
    }
    engine.startWorker();
    const { end } = await readToEnd(ports, run);
    expect(end).toMatchObject({ status: "error", error: { error: "AttemptsExhausted" } });
    expect(end.error!.message).toContain("2 times");
    expect(ranOn(threadId)).toEqual([]);
  });
});

describe("a server that stops", () => {
  it("hands its runs back, and the next one continues them", async () => {
    const storage = await openStorage();
    opened.push(storage);
    const first = await openEngine({ storage });
    const { threadId } = await createThread(first.ports, { ifExists: "raise" });
    first.startWorker("first");
    const run = await createRun(
      first.ports,
      runCommand("stubborn", { threadId, durability: "sync" }),
    );
    await waiting(`gate:${threadId}`);
    engineFixture().gates.clear();
    await first[Symbol.asyncDispose]();
    expect(await storage.runs.get(run.runId)).toMatchObject({ status: "pending", attempt: 1 });

    const second = await open({ storage });
    second.startWorker("second");
    await waiting(`gate:${threadId}`);
    engineFixture().gates.get(`gate:${threadId}`)!();
    const { end } = await readToEnd(second.ports, run);
    expect(end.status).toBe("success");
    expect(await storage.runs.get(run.runId)).toMatchObject({ attempt: 2, lostAttempts: 0 });
    expect(ranOn(threadId)).toEqual(["before", "gate", "gate", "after"]);
  });
});

describe("an attempt that died between a breakpoint and saying so", () => {
  for (const stop of [{ interruptBefore: ["two"] }, { interruptAfter: ["one"] }]) {
    it(`${JSON.stringify(stop)}: the next attempt stops there as well`, async () => {
      const engine = await open({ limits: quick });
      const { ports } = engine;
      const { threadId } = await createThread(ports, { ifExists: "raise" });
      const run = await createRun(ports, runCommand("steps", { threadId, ...stop }));
      const claimed = await claimOne(ports.storage, {
        owner: "dead",
        now: Date.now(),
        leaseUntil: Date.now() + 1,
      });
      const drive = ports.graphs.drive({ run: claimed!.run, signal: new AbortController().signal });
      while (!(await drive.next()).done);

      engine.startWorker();
      await readToEnd(ports, run);
      expect(ranOn(threadId)).toEqual(["one"]);
      expect(await getThread(ports, threadId)).toMatchObject({ status: "interrupted" });
    });
  }

  it("an attempt that died after the last node runs nothing again", async () => {
    const engine = await open({ limits: quick });
    const { ports } = engine;
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const run = await createRun(ports, runCommand("steps", { threadId }));
    const claimed = await claimOne(ports.storage, {
      owner: "dead",
      now: Date.now(),
      leaseUntil: Date.now() + 1,
    });
    const drive = ports.graphs.drive({ run: claimed!.run, signal: new AbortController().signal });
    while (!(await drive.next()).done);
    engine.startWorker();
    const { end } = await readToEnd(ports, run);
    expect(JSON.parse(end.values!)).toMatchObject({ log: ["one", "two", "three"] });
    expect(ranOn(threadId)).toEqual(["one", "two", "three"]);
  });
});

describe("time", () => {
  it("a run that takes too long ends with status timeout, also when its node ignores the signal", async () => {
    const engine = await open({ limits: { runTimeoutMs: 50 } });
    engine.startWorker();
    const { ports } = engine;
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const run = await createRun(ports, runCommand("stubborn", { threadId, durability: "sync" }));
    const { end } = await readToEnd(ports, run);
    expect(end).toMatchObject({ status: "timeout", error: { error: "TimeoutError" } });
    expect(await getThread(ports, threadId)).toMatchObject({
      status: "error",
      values: { log: ["before"] },
    });
  });

  it("a delayed run waits for its moment", async () => {
    const engine = await open({});
    engine.startWorker();
    const { ports } = engine;
    const run = await createRun(ports, runCommand("steps", { afterMs: 120 }));
    expect((await getRun(ports, null, run.runId)).status).toBe("pending");
    const { end } = await readToEnd(ports, run);
    expect(end.status).toBe("success");
    const ended = await getRun(ports, null, run.runId);
    expect(ended.updatedAt - ended.createdAt).toBeGreaterThanOrEqual(120);
  });
});
