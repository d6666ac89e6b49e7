import { Client } from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { LeaseLost, LineageTaken } from "../../src/core/error.ts";
import { randomIds } from "../../src/core/ids.ts";
import { Filter } from "../../src/storage/postgres/filter.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { pageStatement } from "../../src/storage/postgres/search.ts";
import {
  claim,
  itemsAfter,
  newAssistant,
  newItems,
  newThread,
  putStep,
  start,
  storeRunning,
  storeRuns,
} from "../contract/storage/fixtures.ts";
import { describeStorage } from "../contract/storage/suite.ts";
import { type FreshSchema, freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";

const uri = await postgresUri();

describe.skipIf(uri === null)(`postgres${skippedBecause(uri)}`, () => {
  const schemas: FreshSchema[] = [];
  function fresh(): FreshSchema {
    const schema = freshSchema(uri!);
    schemas.push(schema);
    return schema;
  }
  afterAll(async () => {
    for (const schema of schemas) await schema.drop();
  });

  const shared = freshSchema(uri ?? "");
  schemas.push(shared);
  describeStorage("storage on postgres", async () => {
    const storage = await openPostgres(shared);
    await shared.query(
      `delete from assistants; delete from threads; delete from items; delete from checkpoints;
       delete from checkpoint_writes; delete from checkpoint_threads; delete from checkpoint_books;
       delete from checkpoint_origins; delete from lineage_items; delete from lineage_books; delete from deliveries;
       delete from run_keys; delete from sweeps`,
    );
    return storage;
  });

  test("servers that start at once on an empty schema all come up", async () => {
    const schema = fresh();
    const storages = await Promise.all([1, 2, 3, 4].map(() => openPostgres(schema)));
    for (const storage of storages) await storage.check();
    const applied = await schema.query("select number from migrations order by number");
    expect(applied.length).toBeGreaterThan(4);
    expect(applied).toEqual(applied.map((_, at) => ({ number: at + 1 })));
    await Promise.all(storages.map((storage) => storage[Symbol.asyncDispose]()));
  });

  test("what one server stores another reads", async () => {
    const schema = fresh();
    await using one = await openPostgres(schema);
    await using other = await openPostgres(schema);
    const assistant = newAssistant();
    await one.assistants.create(assistant);
    expect(await other.assistants.get(assistant.assistantId)).toEqual(assistant);
  });

  test("a schema that a newer version wrote is left alone", async () => {
    const schema = fresh();
    await (await openPostgres(schema))[Symbol.asyncDispose]();
    await schema.query("insert into migrations (number) values (1000)");
    await expect(openPostgres(schema)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("migration 1000"),
    });
  });

  test("workers of many servers take each run once and one run a thread at a time", async () => {
    const schema = fresh();
    await using one = await openPostgres(schema);
    await using other = await openPostgres(schema);
    const threads = await Promise.all(Array.from({ length: 5 }, () => storeRuns(one, {}, {}, {})));
    const claimed = await Promise.all(
      Array.from({ length: 20 }, (_, at) => claim(at % 2 ? one : other, start, `worker ${at}`)),
    );
    const taken = claimed.filter((run) => run !== null).map((run) => run.runId);
    expect(taken.toSorted()).toEqual(threads.map(([first]) => first!.runId).toSorted());
  });

  test("a claim waits for a decision that leaves the run as it is", async () => {
    const schema = fresh();
    await using one = await openPostgres(schema);
    const [run] = await storeRuns(one, {});
    let claimed: Promise<unknown> | undefined;
    await expect(
      one.threads.transact(run!.threadId, () => {
        claimed = claim(one);
        throw new Error("refused");
      }),
    ).rejects.toThrow("refused");
    expect(await claimed).toMatchObject({ runId: run!.runId, status: "running" });
  });

  test("of two who create a thread in a decision the second sees it", async () => {
    const schema = fresh();
    await using one = await openPostgres(schema);
    await using other = await openPostgres(schema);
    const thread = newThread();
    const seen: boolean[] = [];
    const decide = (snapshot: { thread: unknown }) => {
      seen.push(snapshot.thread !== null);
      return snapshot.thread ? {} : { thread };
    };
    await Promise.all([
      one.threads.transact(thread.threadId, decide),
      other.threads.transact(thread.threadId, decide),
    ]);
    expect(seen).toEqual([false, true]);
  });

  test("a search by metadata goes by its index, whatever the planner knows of the table", async () => {
    const schema = fresh();
    await using storage = await openPostgres(schema);
    const thread = newThread({ metadata: { user: "one of many" } });
    await storage.threads.create(thread);
    await schema.query(
      `insert into threads (thread_id, created_at, updated_at, state_updated_at, metadata, config,
         status, interrupts, temporary)
       select 'thread ' || n, n, n, n, jsonb_build_object('user', n), '{}', 'idle', '{}', false
       from generate_series(1, 20000) as n`,
    );
    const filter = new Filter();
    filter.addContainment(thread.metadata);
    const sort = { by: "updated_at", order: "desc" } as const;
    const page = { limit: 10, offset: 0 };
    const text = pageStatement({ table: "threads", key: "thread_id", filter, sort, page });
    const plan = JSON.stringify(await schema.query(`explain ${text}`, filter.values));
    expect(plan).toContain("Bitmap Index Scan on threads_by_metadata");
    expect(plan).not.toContain("threads_by_updated");
    const { metadata } = thread;
    const found = await storage.threads.search({ filter: { metadata }, sort, page });
    expect(found).toEqual({ items: [thread], total: 1 });
  });

  test("a crash of the database takes runs from those who execute them", async () => {
    const schema = fresh();
    await using one = await openPostgres(schema);
    const run = await storeRunning(one);
    const { threadId, runId } = run;
    const writer = { runId, attempt: run.attempt, mayLag: true };
    const items = newItems("a");
    await putStep(one, { threadId, number: 1, items, writer });
    const ended = (await storeRuns(one, {}))[0]!;
    // What Postgres does when it recovers; a new connection is what every statement then needs.
    await schema.query("delete from crash_marker");
    await using other = await openPostgres(schema);

    expect(await other.runs.get(runId)).toMatchObject({
      status: "pending",
      attempt: 1,
      lostAttempts: 0,
    });
    expect(await other.runs.get(ended.runId)).toEqual(ended);
    const late = putStep(one, { threadId, number: 2, writer });
    await expect(late).rejects.toBeInstanceOf(LeaseLost);
    expect(await claim(other)).toMatchObject({ runId, attempt: 2 });
    // The lost worker may have stored this item: its position is not given to another.
    const next = { runId, attempt: 2, mayLag: true };
    const taken = putStep(other, {
      threadId,
      number: 2,
      items: itemsAfter(items, "b"),
      writer: next,
    });
    await expect(taken).rejects.toBeInstanceOf(LineageTaken);

    await using third = await openPostgres(schema);
    expect(await third.runs.get(runId)).toMatchObject({ status: "running", attempt: 2 });
  });

  test("a run's checkpoint is stored though its connection is ended meanwhile", async () => {
    const schema = fresh();
    await using storage = await openPostgres(schema);
    const { runId, threadId, attempt } = await storeRunning(storage);
    const holder = new Client({ connectionString: schema.uri });
    await holder.connect();
    await holder.query(`begin; select 1 from ${schema.schema}.runs for update`);
    const put = putStep(storage, {
      threadId,
      number: 1,
      items: newItems("a"),
      writer: { runId, attempt, mayLag: true },
    });
    const end = `select pg_terminate_backend(pid) from pg_stat_activity
      where pg_backend_pid() = any(pg_blocking_pids(pid))`;
    await expect.poll(async () => (await holder.query(end)).rows).toHaveLength(1);
    await holder.end();
    await put;
    const stored = await storage.checkpoints.get({ threadId, namespace: "" });
    expect(stored).toMatchObject({ threadId });
  });

  test("NUL and half surrogate pairs become U+FFFD, and nothing else changes", async () => {
    await using storage = await openPostgres(fresh());
    const metadata = { "a\u0000": "\u0000 \\u0000 \ud800 🎈 \u0001 \\\u0000" };
    const assistant = newAssistant({ name: "x\u0000y", metadata });
    const { assistant: stored } = await storage.assistants.create(assistant);
    expect(stored.name).toBe("x\ufffdy");
    expect(stored.metadata).toEqual({
      "a\ufffd": "\ufffd \\u0000 \ufffd 🎈 \u0001 \\\ufffd",
    });
    expect(await storage.assistants.count({ metadata })).toBe(1);
  });

  test("values keep the order of their keys", async () => {
    await using storage = await openPostgres(fresh());
    const value = { z: 1, a: 2 };
    const item = { namespace: ["a"], key: "k", value, createdAt: 1, updatedAt: 1, ttl: null };
    await storage.items.put(item);
    expect(JSON.stringify((await storage.items.get(["a"], "k", 0))!.value)).toBe('{"z":1,"a":2}');
  });

  test("a database that does not exist is named", async () => {
    const missing = new URL(uri!);
    missing.pathname = "/adjutant_no_such_database";
    missing.searchParams.delete("schema");
    await expect(openPostgres({ uri: missing.href })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining('"adjutant_no_such_database"'),
    });
  });
});

test("a server that refuses is named, without the password", async () => {
  const refused = openPostgres({
    uri: `postgres://someone:hunter2@127.0.0.1:1/${randomIds.run()}`,
  });
  await expect(refused).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/127\.0\.0\.1:1, database (?!.*hunter2).*DATABASE_URI/),
  });
});
