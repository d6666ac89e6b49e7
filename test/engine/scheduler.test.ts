import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cron } from "../../src/core/cron.ts";
import type { ThreadId } from "../../src/core/ids.ts";
import {
  createCron,
  type CreateCron,
  getCron,
  updateCron,
} from "../../src/core/operations/crons.ts";
import { createRun } from "../../src/core/operations/runs.ts";
import { createThread, deleteThread } from "../../src/core/operations/threads.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import type { Run } from "../../src/core/run.ts";
import { Scheduler } from "../../src/engine/scheduler.ts";
import { Worker } from "../../src/engine/worker.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { openEngine, readToEnd, runCommand, type TestEngine } from "../support/engine.ts";
import { type FreshSchema, freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";
import { ManualTime } from "../support/timers.ts";

const noon = Date.parse("2030-01-01T12:00:00Z");
const minute = 60_000;

let engine: TestEngine;
let ports: Ports;
let time: ManualTime;
let opened: AsyncDisposableStack;

beforeEach(async () => {
  opened = new AsyncDisposableStack();
  engine = opened.use(await openEngine());
  time = new ManualTime(noon);
  ports = { ...engine.ports, clock: time.clock };
});
afterEach(() => opened.disposeAsync());

function startScheduler(own: Ports = ports): Scheduler {
  return opened.use(new Scheduler(own, time.startTimer));
}

function cronCommand(change: Partial<CreateCron> = {}): CreateCron {
  return {
    assistant: "steps",
    threadId: null,
    ifNotExists: "reject",
    schedule: "*/10 * * * *",
    timezone: null,
    endTime: null,
    enabled: true,
    onRunCompleted: "keep",
    strategy: "enqueue",
    request: {
      input: { input: "from cron" },
      config: { tags: ["scheduled"] },
      context: null,
      webhook: null,
      streamModes: ["updates"],
      streamSubgraphs: true,
      resumable: false,
      interruptBefore: null,
      interruptAfter: null,
      durability: "sync",
    },
    metadata: { team: "blue" },
    ...change,
  };
}

/** Runs in flight, which all stay pending: no worker runs here. */
function pending(): Promise<Run[]> {
  return ports.storage.runs.inFlight("pending");
}

function dateOf(cron: Cron | null): string | null {
  const date = cron?.nextRunDate ?? null;
  return date === null ? null : new Date(date).toISOString();
}

describe("a cron that is due", () => {
  test("makes one run, with all that it says, and waits for its next date", async () => {
    const cron = await createCron(ports, cronCommand());
    expect(dateOf(cron)).toBe("2030-01-01T12:10:00.000Z");
    const scheduler = startScheduler();
    await scheduler.ask();
    expect(await pending()).toEqual([]);
    time.moveTo(noon + 10 * minute);
    await scheduler.ask();
    await scheduler.ask();
    const runs = await pending();
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({
      assistantId: cron.assistantId,
      createdAt: noon + 10 * minute,
      metadata: { team: "blue", cron_id: cron.cronId },
      request: {
        input: { input: "from cron" },
        config: { tags: ["scheduled"] },
        streamModes: ["updates"],
        streamSubgraphs: true,
        durability: "sync",
      },
    });
    expect(dateOf(await getCron(ports, cron.cronId))).toBe("2030-01-01T12:20:00.000Z");
  });

  test("is looked after by a timer, which runs no later than the next beat", async () => {
    await createCron(ports, cronCommand());
    const scheduler = startScheduler();
    await scheduler.ask();
    expect(time.untilNextTimer).toBe(ports.limits.beatMs);
    time.moveTo(noon + 10 * minute - 1000);
    await scheduler.ask();
    expect(time.untilNextTimer).toBe(1000);
    time.move(1000);
    await scheduler.ask();
    expect(await pending()).toHaveLength(1);
  });

  test("that is created while the scheduler sleeps wakes it", async () => {
    const scheduler = startScheduler();
    await scheduler.ask();
    time.moveTo(noon + 10 * minute - 500);
    const woken = new Promise<void>((resolve) => {
      ports.signals.subscribe(({ kind }) => {
        if (kind === "schedule") resolve();
      });
    });
    await createCron(ports, cronCommand());
    await woken;
    await scheduler.ask();
    expect(time.untilNextTimer).toBe(500);
  });

  test("runs on a new thread each time, which stays or goes as it says", async () => {
    opened.use(new Worker(ports, "worker"));
    const kept = await createCron(ports, cronCommand());
    const gone = await createCron(ports, cronCommand({ onRunCompleted: "delete" }));
    const scheduler = startScheduler();
    const threads = new Map<string, Set<ThreadId>>();
    for (const at of [10, 20]) {
      time.moveTo(noon + at * minute);
      await scheduler.ask();
      for (const run of await firedAt(time.clock.now())) {
        const cronId = String(run.metadata["cron_id"]);
        threads.set(cronId, (threads.get(cronId) ?? new Set()).add(run.threadId));
        await readToEnd(engine.ports, run);
      }
    }
    const left = async (cron: Cron) => {
      const ids = [...threads.get(cron.cronId)!];
      return (await Promise.all(ids.map((id) => ports.storage.threads.get(id)))).map(Boolean);
    };
    expect(await left(kept)).toEqual([true, true]);
    expect(await left(gone)).toEqual([false, false]);
  });

  /** From the keys under which the firings are remembered: the runs themselves may have ended. */
  async function firedAt(date: number): Promise<Run[]> {
    const { items } = await ports.storage.crons.search({
      filter: {},
      sort: { by: "created_at", order: "asc" },
      page: { limit: 100, offset: 0 },
    });
    const keys = items.map(({ cronId }) =>
      ports.storage.runs.remembered(`key:cron:${cronId}:${date}`, date),
    );
    return (await Promise.all(keys)).flatMap((key) => (key ? [key.run] : []));
  }
});

describe("dates that pass while no server runs", () => {
  test("are made up for by one run, and then the regular dates come", async () => {
    const cron = await createCron(ports, cronCommand());
    time.moveTo(noon + 65 * minute);
    const scheduler = startScheduler();
    await scheduler.ask();
    expect(await pending()).toHaveLength(1);
    expect(dateOf(await getCron(ports, cron.cronId))).toBe("2030-01-01T13:10:00.000Z");
  });

  test("are lost when the cron's end passed with them", async () => {
    const cron = await createCron(ports, cronCommand({ endTime: noon + 30 * minute }));
    time.moveTo(noon + 65 * minute);
    await startScheduler().ask();
    expect(await pending()).toEqual([]);
    expect(dateOf(await getCron(ports, cron.cronId))).toBeNull();
  });
});

describe("a cron that must not fire", () => {
  test("because it is disabled or has ended does not", async () => {
    await createCron(ports, cronCommand({ enabled: false }));
    const ending = await createCron(ports, cronCommand({ endTime: noon + 10 * minute }));
    const scheduler = startScheduler();
    time.moveTo(noon + 10 * minute);
    await scheduler.ask();
    expect((await pending()).map((run) => run.metadata["cron_id"])).toEqual([ending.cronId]);
    expect(dateOf(await getCron(ports, ending.cronId))).toBeNull();
  });

  test("fires again from now on when it is enabled", async () => {
    const cron = await createCron(ports, cronCommand({ enabled: false }));
    time.moveTo(noon + 65 * minute);
    const changed = await updateCron(ports, cron.cronId, { enabled: true });
    expect(dateOf(changed)).toBe("2030-01-01T13:10:00.000Z");
  });

  test("because its graph refuses does not stop the others, and is tried at its next date", async () => {
    const thread = await createThread(ports, { ifExists: "raise" });
    await createRun(ports, runCommand("steps", { threadId: thread.threadId }));
    const busy = await createCron(
      ports,
      cronCommand({ threadId: thread.threadId, strategy: "reject" }),
    );
    const other = await createCron(ports, cronCommand());
    time.moveTo(noon + 10 * minute);
    await startScheduler().ask();
    const crons = (await pending()).map((run) => run.metadata["cron_id"]).filter(Boolean);
    expect(crons).toEqual([other.cronId]);
    expect(dateOf(await getCron(ports, busy.cronId))).toBe("2030-01-01T12:20:00.000Z");
  });
});

describe("a cron on a thread", () => {
  test("queues behind what runs there, or takes its place, as its strategy says", async () => {
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const first = await createRun(ports, runCommand("steps", { threadId }));
    await createCron(ports, cronCommand({ threadId }));
    const scheduler = startScheduler();
    time.moveTo(noon + 10 * minute);
    await scheduler.ask();
    expect((await pending()).map((run) => run.threadId)).toEqual([threadId, threadId]);
    await createCron(
      ports,
      cronCommand({ threadId, schedule: "15 * * * *", strategy: "interrupt" }),
    );
    time.moveTo(noon + 15 * minute);
    await scheduler.ask();
    expect(await pending()).toHaveLength(1);
    expect((await ports.storage.runs.get(first.runId))?.status).toBe("interrupted");
  });

  test("goes with the thread", async () => {
    const { threadId } = await createThread(ports, { ifExists: "raise" });
    const cron = await createCron(ports, cronCommand({ threadId }));
    await deleteThread(ports, threadId);
    await expect(getCron(ports, cron.cronId)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("a server that dies while it fires", () => {
  /** What does not reach the database from now on. */
  function dying(method: "advance"): Ports {
    const crons = new Proxy(ports.storage.crons, {
      get(target, key) {
        const own: unknown = Reflect.get(target, key);
        if (key === method) return () => Promise.reject(new Error("The server has died."));
        return typeof own === "function" ? (own.bind(target) as unknown) : own;
      },
    });
    return { ...ports, storage: Object.assign(Object.create(ports.storage), { crons }) };
  }

  test("leaves one run, whoever goes on", async () => {
    const cron = await createCron(ports, cronCommand());
    time.moveTo(noon + 10 * minute);
    const first = startScheduler(dying("advance"));
    await first.ask();
    await first[Symbol.asyncDispose]();
    expect(await pending()).toHaveLength(1);
    const next = startScheduler();
    await next.ask();
    // The claim of the dead one still holds.
    expect(dateOf(await getCron(ports, cron.cronId))).toBe("2030-01-01T12:10:00.000Z");
    time.move(ports.limits.leaseMs);
    await next.ask();
    expect(await pending()).toHaveLength(1);
    expect(dateOf(await getCron(ports, cron.cronId))).toBe("2030-01-01T12:20:00.000Z");
  });
});

const uri = await postgresUri();
const schemas: FreshSchema[] = [];
afterAll(async () => {
  for (const schema of schemas) await schema.drop();
});

describe.each([
  { name: "SQLite", uri: null },
  { name: `PostgreSQL${skippedBecause(uri)}`, uri },
])("many schedulers on one database: $name", (database) => {
  test.skipIf(database.name !== "SQLite" && database.uri === null)(
    "fire each date of each cron once",
    async () => {
      const schema = database.uri === null ? null : freshSchema(database.uri);
      if (schema) schemas.push(schema);
      const storages = schema
        ? [opened.use(await openPostgres(schema)), opened.use(await openPostgres(schema))]
        : [ports.storage, ports.storage];
      const servers = storages.map((storage) => ({ ...ports, storage }));
      ports = servers[0]!;
      const { assistants } = engine.ports.storage;
      const { assistant } = await assistants.create(
        (
          await assistants.search({
            filter: { graphId: "steps" },
            sort: { by: "name", order: "asc" },
            page: { limit: 1, offset: 0 },
          })
        ).items[0]!,
      );
      await ports.storage.assistants.create(assistant);
      for (let at = 0; at < 5; at += 1) await createCron(ports, cronCommand());
      const schedulers = servers.map((own) => startScheduler(own));
      for (const at of [10, 20, 30]) {
        time.moveTo(noon + at * minute);
        await Promise.all(schedulers.map((one) => one.ask()));
      }
      const runs = await pending();
      expect(runs).toHaveLength(15);
      const firings = runs.map((run) => `${String(run.metadata["cron_id"])} ${run.createdAt}`);
      expect(new Set(firings).size).toBe(15);
    },
  );
});
