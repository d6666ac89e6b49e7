import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultExpiryPolicy, type ExpiryPolicy } from "../../src/core/expiry.ts";
import type { ThreadId } from "../../src/core/ids.ts";
import { getItem, putItem, searchItems } from "../../src/core/operations/items.ts";
import { createRun } from "../../src/core/operations/runs.ts";
import { getHistory, getState, updateState } from "../../src/core/operations/state.ts";
import {
  copyThread,
  createThread,
  patchThread,
  type ThreadTtlWish,
} from "../../src/core/operations/threads.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { Sweeper } from "../../src/engine/sweeper.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import {
  engineFixture,
  openEngine,
  readToEnd,
  runCommand,
  runToEnd,
  type TestEngine,
  waiting,
} from "../support/engine.ts";
import { type FreshSchema, freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";
import { ManualTime } from "../support/timers.ts";

const noon = Date.parse("2030-01-01T12:00:00Z");
const minute = 60_000;

const policy: ExpiryPolicy = {
  threads: { ...defaultExpiryPolicy.threads, sweepIntervalMs: minute },
  items: { defaultMinutes: 10, refreshOnRead: true, sweepIntervalMs: minute },
};

const uri = await postgresUri();
const schemas: FreshSchema[] = [];
afterAll(async () => {
  for (const schema of schemas) await schema.drop();
});

let opened: AsyncDisposableStack;
let engine: TestEngine;
let ports: Ports;
let time: ManualTime;

beforeEach(() => {
  opened = new AsyncDisposableStack();
  time = new ManualTime(noon);
});
afterEach(() => opened.disposeAsync());

async function open(storage?: Storage, expiry = policy): Promise<void> {
  engine = opened.use(
    // Time is moved by hand, so a lease must hold for as long as a test pretends.
    await openEngine({
      clock: time.clock,
      expiry,
      limits: { leaseMs: 1e9 },
      ...(storage && { storage }),
    }),
  );
  ({ ports } = engine);
}

function startSweeper(own: Ports = ports): Sweeper {
  return opened.use(new Sweeper(own, time.startTimer));
}

async function newThread(ttl: ThreadTtlWish | null = { strategy: "delete", minutes: 10 }) {
  return (await createThread(ports, { ifExists: "raise", ttl })).threadId;
}

const expiresAt = async (threadId: ThreadId) => {
  const thread = await ports.storage.threads.get(threadId);
  return thread?.ttl?.expiresAt ?? null;
};

const exists = async (threadId: ThreadId) => (await ports.storage.threads.get(threadId)) !== null;

describe("a thread's time to live", () => {
  beforeEach(() => open());

  test("begins anew with every change of the thread, and not when it is read", async () => {
    engine.startWorker();
    const threadId = await newThread();
    const changes: [string, () => Promise<unknown>][] = [
      ["metadata", () => patchThread(ports, threadId, { metadata: { a: 1 } })],
      ["a run", () => runToEnd(ports, runCommand("steps", { threadId }))],
      [
        "a state",
        () =>
          updateState(ports, threadId, { updates: [{ values: { log: ["x"] }, asNode: "one" }] }),
      ],
    ];
    for (const [change, make] of changes) {
      time.move(minute);
      await make();
      expect(await expiresAt(threadId), change).toBe(time.clock.now() + 10 * minute);
    }
    const before = await expiresAt(threadId);
    time.move(minute);
    await getState(ports, threadId, { subgraphs: false });
    expect(await expiresAt(threadId)).toBe(before);
    const copy = await copyThread(ports, threadId);
    expect(copy.ttl).toEqual({
      strategy: "delete",
      minutes: 10,
      expiresAt: time.clock.now() + 10 * minute,
    });
  });

  test("begins anew when a run ends, however long it took", async () => {
    engine.startWorker();
    const threadId = await newThread();
    const run = await createRun(ports, runCommand("obedient", { threadId }));
    await waiting(`gate:${threadId}`);
    time.move(60 * minute);
    const sweeper = startSweeper();
    await sweeper.ask();
    expect(await exists(threadId)).toBe(true);
    engineFixture().gates.get(`gate:${threadId}`)!();
    await readToEnd(ports, run);
    expect(await expiresAt(threadId)).toBe(time.clock.now() + 10 * minute);
  });

  test("is changed, and taken away", async () => {
    const threadId = await newThread();
    const wish = { strategy: "keep_latest" as const, minutes: 0.5 };
    await patchThread(ports, threadId, { ttl: wish });
    expect(await expiresAt(threadId)).toBe(noon + 30_000);
    await patchThread(ports, threadId, { ttl: null });
    expect((await ports.storage.threads.get(threadId))!.ttl).toBeNull();
  });
});

describe("threads that are made without a time to live", () => {
  test("have that of langgraph.json, also when a run makes them; one that goes with its run has none", async () => {
    const threads = { ...policy.threads, strategy: "keep_latest" as const, defaultMinutes: 3 };
    await open(undefined, { ...policy, threads });
    const ttl = { strategy: "keep_latest", minutes: 3, expiresAt: noon + 3 * minute };
    const made = await createThread(ports, { ifExists: "raise" });
    expect(made.ttl).toEqual(ttl);
    const ttlOf = async (change: object) => {
      const { threadId } = await createRun(ports, runCommand("steps", change));
      return (await ports.storage.threads.get(threadId))!.ttl;
    };
    expect(await ttlOf({ onCompletion: "keep" })).toEqual(ttl);
    expect(await ttlOf({ threadId: ports.ids.thread() })).toEqual(ttl);
    expect(await ttlOf({ onCompletion: "delete" })).toBeNull();
    expect((await createThread(ports, { ifExists: "raise", ttl: null })).ttl).toBeNull();
  });
});

describe.each([
  { name: "SQLite", uri: null as string | null },
  { name: `PostgreSQL${skippedBecause(uri)}`, uri },
])("the sweeper on $name", (database) => {
  const isSkipped = database.name !== "SQLite" && database.uri === null;
  let schema: FreshSchema | null;

  beforeEach(async () => {
    if (isSkipped) return;
    schema = database.uri === null ? null : freshSchema(database.uri);
    if (schema) schemas.push(schema);
    await open(schema ? opened.use(await openPostgres(schema)) : undefined);
  });

  test.skipIf(isSkipped)("deletes what is over, with its runs, and nothing else", async () => {
    engine.startWorker();
    const over = await newThread();
    const { run } = await runToEnd(ports, runCommand("steps", { threadId: over }));
    const later = await newThread({ strategy: "delete", minutes: 11 });
    const ever = await newThread(null);
    const sweeper = startSweeper();
    await sweeper.ask();
    time.move(10 * minute - 1);
    await sweeper.ask();
    expect(await exists(over)).toBe(true);
    time.move(minute);
    await sweeper.ask();
    expect(await Promise.all([over, later, ever].map(exists))).toEqual([false, true, true]);
    expect(await ports.storage.runs.get(run.runId)).toBeNull();
    expect(await ports.storage.checkpoints.head(over)).toBeNull();
  });

  test.skipIf(isSkipped)(
    "prunes what is to keep its latest state, once for each change",
    async () => {
      engine.startWorker();
      const threadId = await newThread({ strategy: "keep_latest", minutes: 10 });
      await runToEnd(ports, runCommand("steps", { threadId }));
      const before = await getState(ports, threadId, { subgraphs: false });
      const { updatedAt } = (await ports.storage.threads.get(threadId))!;
      const sweeper = startSweeper();
      const count = async () => (await getHistory(ports, threadId, { limit: 100 })).length;
      expect(await count()).toBe(5);
      time.move(10 * minute);
      await sweeper.ask();
      expect(await count()).toBe(1);
      expect((await getState(ports, threadId, { subgraphs: false })).values).toEqual(before.values);
      const swept = (await ports.storage.threads.get(threadId))!;
      expect(swept).toMatchObject({ updatedAt, ttl: { minutes: 10, expiresAt: null } });
      await runToEnd(ports, runCommand("steps", { threadId }));
      expect(await count()).toBe(6);
      time.move(10 * minute);
      await sweeper.ask();
      expect(await count()).toBe(1);
    },
  );

  test.skipIf(isSkipped)("leaves a thread alone while a run waits or runs on it", async () => {
    const threadId = await newThread();
    await createRun(ports, runCommand("obedient", { threadId, afterMs: 20 * minute }));
    const other = await newThread();
    time.move(10 * minute);
    const sweeper = startSweeper();
    await sweeper.ask();
    expect(await Promise.all([threadId, other].map(exists))).toEqual([true, false]);
    time.move(10 * minute);
    engine.startWorker();
    await waiting(`gate:${threadId}`);
    await sweeper.ask();
    expect(await exists(threadId)).toBe(true);
  });

  test.skipIf(isSkipped)("sees again whether a thread is over when it comes to it", async () => {
    const [changed, busy, over] = [await newThread(), await newThread(), await newThread()];
    time.move(10 * minute);
    const { threads } = ports.storage;
    // After it was listed, before it is swept.
    const expired: typeof threads.expired = async (params) => {
      const listed = await threads.expired(params);
      await patchThread(ports, changed, { metadata: { still: "used" } });
      await createRun(ports, runCommand("steps", { threadId: busy, afterMs: minute }));
      return listed;
    };
    await startSweeper(withThreads({ expired })).ask();
    expect(await Promise.all([changed, busy, over].map(exists))).toEqual([true, true, false]);
  });

  test.skipIf(isSkipped)(
    "that dies leaves each thread whole or gone; the next turn goes on",
    async () => {
      const ids = [await newThread(), await newThread(), await newThread()];
      time.move(10 * minute);
      let sweeps = 0;
      const { threads } = ports.storage;
      const transact: typeof threads.transact = async (id, decide) => {
        sweeps += 1;
        if (sweeps > 1) throw new Error("The server has died.");
        return threads.transact(id, decide);
      };
      const dying = startSweeper(withThreads({ transact }));
      await dying.ask();
      await dying[Symbol.asyncDispose]();
      const left = await Promise.all(ids.map(exists));
      expect(left.filter(Boolean)).toHaveLength(2);
      const next = startSweeper();
      await next.ask();
      expect(await Promise.all(ids.map(exists))).toEqual(left);
      time.move(minute);
      await next.ask();
      expect(await Promise.all(ids.map(exists))).toEqual([false, false, false]);
    },
  );

  test.skipIf(isSkipped)("a thread that cannot be swept does not keep the others", async () => {
    const [broken, other] = [await newThread(), await newThread()];
    time.move(10 * minute);
    const { threads } = ports.storage;
    const transact: typeof threads.transact = async (id, decide) => {
      if (id === broken) throw new Error("This one is broken.");
      return threads.transact(id, decide);
    };
    await startSweeper(withThreads({ transact })).ask();
    expect(await Promise.all([broken, other].map(exists))).toEqual([true, false]);
  });

  test.skipIf(isSkipped)("many of them take turns, and keep to the limit together", async () => {
    const threads = { ...policy.threads, sweepMax: 2 };
    const storages = schema
      ? [opened.use(await openPostgres(schema)), opened.use(await openPostgres(schema))]
      : [ports.storage, ports.storage];
    const servers = storages.map((storage) => ({
      ...ports,
      storage,
      expiry: { ...policy, threads },
    }));
    const ids: ThreadId[] = [];
    for (let at = 0; at < 5; at += 1) ids.push(await newThread());
    const sweepers = servers.map((own) => startSweeper(own));
    await Promise.all(sweepers.map((one) => one.ask()));
    time.move(10 * minute);
    for (const left of [3, 1, 0]) {
      await Promise.all(sweepers.map((one) => one.ask()));
      expect((await Promise.all(ids.map(exists))).filter(Boolean)).toHaveLength(left);
      time.move(minute);
    }
  });

  test.skipIf(isSkipped)("removes items that are over, which nobody saw any more", async () => {
    await putItem(ports, { namespace: ["n"], key: "default", value: {} });
    await putItem(ports, { namespace: ["n"], key: "short", value: {}, ttlMinutes: 1 });
    await putItem(ports, { namespace: ["n"], key: "ever", value: {}, ttlMinutes: null });
    const page = { limit: 10, offset: 0 };
    const found = async () =>
      (await searchItems(ports, { prefix: ["n"], page, refresh: false })).map(({ key }) => key);
    const stored = async () =>
      (await ports.storage.items.search({ prefix: [], page, now: 0 })).map(({ key }) => key);
    time.move(minute);
    expect([await found(), await stored()]).toEqual([
      ["default", "ever"],
      ["default", "ever", "short"],
    ]);
    const sweeper = startSweeper();
    await sweeper.ask();
    expect(await stored()).toEqual(["default", "ever"]);
    time.move(8 * minute);
    // Whoever reads it keeps it.
    expect(await getItem(ports, { namespace: ["n"], key: "default" })).not.toBeNull();
    time.move(9 * minute);
    await sweeper.ask();
    expect(await stored()).toEqual(["default", "ever"]);
    expect(
      await getItem(ports, { namespace: ["n"], key: "default", refresh: false }),
    ).not.toBeNull();
    time.move(minute);
    expect(await found()).toEqual(["ever"]);
    await sweeper.ask();
    expect(await stored()).toEqual(["ever"]);
  });

  test.skipIf(isSkipped)("sleeps until its next turn, but for the beat", async () => {
    const sweeper = startSweeper();
    await sweeper.ask();
    expect(time.untilNextTimer).toBe(ports.limits.beatMs);
    time.move(minute - 1000);
    await sweeper.ask();
    expect(time.untilNextTimer).toBe(1000);
  });

  test.skipIf(isSkipped)("goes by new intervals from the next round on", async () => {
    const expiry = structuredClone(policy);
    expiry.items.sweepIntervalMs = null;
    const sweeper = startSweeper({ ...ports, expiry });
    await putItem(ports, { namespace: ["n"], key: "short", value: {}, ttlMinutes: 0.01 });
    const over = await newThread({ strategy: "delete", minutes: 0.01 });
    await sweeper.ask();
    time.move(1000);
    const stored = async () =>
      (await ports.storage.items.search({ prefix: [], page: { limit: 9, offset: 0 }, now: 0 }))
        .length;
    await sweeper.ask();
    expect([await exists(over), await stored()]).toEqual([true, 1]);
    // The turn at threads is due in 59 s, and nobody has taken one at items.
    Object.assign(expiry, {
      threads: { ...policy.threads, sweepIntervalMs: 2000 },
      items: { ...policy.items, sweepIntervalMs: 2000 },
    });
    await sweeper.ask();
    expect([await exists(over), await stored()]).toEqual([false, 0]);
    expect(time.untilNextTimer).toBe(2000);
  });

  /** Ports whose threads answer as given. */
  function withThreads(change: Partial<Storage["threads"]>): Ports {
    const threads = new Proxy(ports.storage.threads, {
      get(target, key) {
        const own: unknown = Reflect.get(change, key) ?? Reflect.get(target, key);
        return typeof own === "function" ? (own.bind(target) as unknown) : own;
      },
    });
    return { ...ports, storage: Object.assign(Object.create(ports.storage), { threads }) };
  }
});

describe("the store that a graph sees", () => {
  test("has the same times: items end, and reading keeps them", async () => {
    await open();
    engine.startWorker();
    await runToEnd(ports, runCommand("remembering", { input: { input: "x" } }));
    const ttlOf = async () => (await ports.storage.items.get(["notes"], "last", 0))!.ttl;
    expect(await ttlOf()).toEqual({ minutes: 10, expiresAt: noon + 10 * minute });
    time.move(10 * minute);
    expect(await getItem(ports, { namespace: ["notes"], key: "last" })).toBeNull();
  });
});
