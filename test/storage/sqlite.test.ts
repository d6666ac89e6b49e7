import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import {
  claim,
  collect,
  newItems,
  newThread,
  putStep,
  start,
  storeRunning,
  texts,
  write,
} from "../contract/storage/fixtures.ts";
import { describeStorage } from "../contract/storage/suite.ts";

const root = await mkdtemp(join(tmpdir(), "adjutant-sqlite-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const newDirectory = () => mkdtemp(join(root, "data-"));

describeStorage("SQLite in memory", () => openSqlite({ directory: null }));
describeStorage("SQLite on file", async () => openSqlite({ directory: await newDirectory() }));

describe("SQLite data directory", () => {
  it("is created when missing, with parents", async () => {
    const directory = join(await newDirectory(), "a", "b");
    await using storage = await openSqlite({ directory });
    await storage.check();
    expect((await stat(join(directory, "adjutant.sqlite"))).isFile()).toBe(true);
  });

  it("belongs to one server: a second one is refused and told what to do", async () => {
    const directory = await newDirectory();
    await using storage = await openSqlite({ directory });
    const second = openSqlite({ directory });
    await expect(second).rejects.toMatchObject({ code: "conflict" });
    await expect(second).rejects.toThrow(directory);
    await expect(second).rejects.toThrow("--data-dir");
    await storage.check();
  });

  it("keeps what was stored when it is opened again", async () => {
    const directory = await newDirectory();
    const thread = newThread({ metadata: { kept: true } });
    {
      await using storage = await openSqlite({ directory });
      await storage.threads.create(thread);
      await putStep(storage, { threadId: thread.threadId, number: 1, items: newItems("kept") });
    }
    await using storage = await openSqlite({ directory });
    expect(await storage.threads.get(thread.threadId)).toEqual(thread);
    const tuple = await storage.checkpoints.get({ threadId: thread.threadId, namespace: "" });
    expect(await texts(storage, tuple)).toEqual(["kept"]);
  });

  it("lets the next server continue at once what the last one left running", async () => {
    const directory = await newDirectory();
    const first = await openSqlite({ directory });
    const run = await storeRunning(first);
    await first[Symbol.asyncDispose]();
    await using storage = await openSqlite({ directory });
    expect(await claim(storage, start + 1)).toMatchObject({ runId: run.runId, attempt: 2 });
  });

  it("is free again when the process that held it was killed", async () => {
    const directory = await newDirectory();
    const child = fork(join(import.meta.dirname, "../fixtures/hold-directory.ts"), [directory], {
      stdio: "inherit",
    });
    try {
      await once(child, "message");
      await expect(openSqlite({ directory })).rejects.toMatchObject({ code: "conflict" });
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await using storage = await openSqlite({ directory });
    expect(await storage.threads.count({ metadata: { by: "child" } })).toBe(1);
  });

  it("may be closed twice", async () => {
    const storage = await openSqlite({ directory: await newDirectory() });
    await storage[Symbol.asyncDispose]();
    await storage[Symbol.asyncDispose]();
    await expect(storage.check()).rejects.toThrow("not open");
  });
});

describe("SQLite migrations", () => {
  it("leave a file that is up to date as it is", async () => {
    const directory = await newDirectory();
    const schema = async () => {
      await (await openSqlite({ directory }))[Symbol.asyncDispose]();
      const database = new DatabaseSync(join(directory, "adjutant.sqlite"));
      try {
        return JSON.stringify([
          database.prepare("pragma user_version").get(),
          database.prepare("select * from sqlite_schema order by name").all(),
        ]);
      } finally {
        database.close();
      }
    };
    const first = await schema();
    expect(first).toMatch(/"user_version":[1-9]/);
    expect(await schema()).toBe(first);
  });

  it("leave what a run wrote under an older number known as its, and removable", async () => {
    const directory = await newDirectory();
    const file = join(directory, "adjutant.sqlite");
    await using storage = await openSqlite({ directory });
    const run = await storeRunning(storage);
    const { threadId, runId } = run;
    const address = await putStep(storage, { threadId, number: 1, writer: run });
    await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: run });
    {
      using database = new DatabaseSync(file);
      database.exec("update checkpoints set run_key = 7; update checkpoint_writes set run_key = 7");
      database.prepare("insert into checkpoint_runs (run_key, run_id) values (7, ?)").run(runId);
    }
    await putStep(storage, { threadId, number: 2, namespace: "child:1", writer: run });
    expect(await storage.checkpoints.head(threadId)).toMatchObject({ runId });
    await storage.threads.transact(threadId, () => ({ rollback: [runId] }));
    expect(await collect(storage.checkpoints.list({ threadId }))).toEqual([]);
    using database = new DatabaseSync(file, { readOnly: true });
    for (const table of ["checkpoint_writes", "checkpoint_runs"]) {
      expect(database.prepare(`select count(*) as rows from ${table}`).get()).toEqual({ rows: 0 });
    }
  });

  it("refuse a file of a newer version, say so and leave the directory free", async () => {
    const directory = await newDirectory();
    const database = new DatabaseSync(join(directory, "adjutant.sqlite"));
    database.exec("pragma user_version = 999");
    await expect(openSqlite({ directory })).rejects.toMatchObject({ code: "conflict" });
    database.exec("pragma user_version = 0");
    database.close();
    await using storage = await openSqlite({ directory });
    await storage.check();
  });
});

describe("SQLite indexes", () => {
  it("find the newest assistants of a graph without sorting all of them", async () => {
    const directory = await newDirectory();
    await using _storage = await openSqlite({ directory });
    using database = new DatabaseSync(join(directory, "adjutant.sqlite"), { readOnly: true });
    for (const field of ["created_at", "updated_at"]) {
      const plan = database.prepare(
        `explain query plan select * from assistants where graph_id = 'g'
         order by ${field} desc, assistant_id desc limit 10`,
      );
      expect(plan.all().map(({ detail }) => String(detail))).toEqual([
        expect.stringMatching(/^SEARCH assistants USING INDEX .* \(graph_id=\?\)$/),
      ]);
    }
  });
});
