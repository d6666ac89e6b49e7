import { hash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HumanMessage, type BaseMessage } from "@langchain/core/messages";
import { type Checkpoint, MemorySaver, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunId, ThreadId } from "../../src/core/ids.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { ItemCache } from "../../src/graphs/item-cache.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { collect } from "../contract/storage/fixtures.ts";
import { freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";
import { tupleText } from "./saver-oracle.ts";

/**
 * Databases as a version wrote them that stored long texts twice and names and versions in full. Each has
 * a thread of two runs, of which the second forked from the middle of the first and was interrupted, with
 * a subgraph's checkpoint; and a copy that was made between the runs and had a run of its own.
 */
const fixtures = new URL("../fixtures/older-databases/", import.meta.url);

/** What that version read: of each checkpoint, newest first, the digest of its `tupleText`. */
interface Expected {
  threadId: ThreadId;
  copyId: ThreadId;
  /** The thread's second run. */
  runId: RunId;
  thread: string[];
  copy: string[];
  /** The thread, before its second run. */
  before: string[];
}

interface Opened {
  storage: Storage;
  close(): Promise<void>;
}

const fixture = (name: string) => readFile(new URL(name, fixtures), "utf8");

async function openOlderSqlite(): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), "adjutant-older-"));
  using database = new DatabaseSync(join(directory, "adjutant.sqlite"));
  database.exec(await fixture("sqlite.sql"));
  database.close();
  const storage = await openSqlite({ directory });
  const close = async () => {
    await storage[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  };
  return { storage, close };
}

async function openOlderPostgres(uri: string): Promise<Opened> {
  const schema = freshSchema(uri);
  await schema.query(`create schema ${schema.schema}`);
  await schema.query(await fixture("postgres.sql"));
  const storage = await openPostgres(schema);
  const close = async () => {
    await storage[Symbol.asyncDispose]();
    await schema.drop();
  };
  return { storage, close };
}

const { serde: serializer } = new MemorySaver();
const cache = new ItemCache(1_000_000);

const saverOf = ({ checkpoints }: Storage) =>
  new Checkpointer(checkpoints, null, { serializer, cache });

async function listed(storage: Storage, threadId: ThreadId): Promise<string[]> {
  const tuples = await collect(saverOf(storage).list({ configurable: { thread_id: threadId } }));
  return Promise.all(tuples.map(async (one) => hash("sha256", await tupleText(one)).slice(0, 16)));
}

const messagesOf = ({ channel_values: values }: Checkpoint) => values["messages"] as BaseMessage[];

/** Two supersteps: the text that the first writes is a message of the second. Returns the first's id. */
async function goOn(storage: Storage, threadId: ThreadId, on?: string): Promise<string> {
  const saver = saverOf(storage);
  const message = new HumanMessage({ content: "이어서 ".repeat(100), id: `after ${on}` });
  const configurable = { thread_id: threadId, checkpoint_ns: "" };
  const tuple = await saver.getTuple({
    configurable: { ...configurable, ...(on ? { checkpoint_id: on } : {}) },
  });
  let last = tuple!.checkpoint;
  const ids: string[] = [];
  for (const messages of [messagesOf(last), [...messagesOf(last), message]]) {
    const versions = { messages: saver.getNextVersion(last.channel_versions["messages"]) };
    const next: Checkpoint = {
      ...last,
      id: uuid6(ids.length),
      channel_values: { ...last.channel_values, messages },
      channel_versions: { ...last.channel_versions, ...versions },
    };
    const config = { configurable: { ...configurable, checkpoint_id: last.id } };
    const own = await saver.put(config, next, { source: "loop", step: 9, parents: {} }, versions);
    if (ids.length === 0) await saver.putWrites(own, [["messages", [message]]], "task");
    ids.push(next.id);
    last = next;
  }
  return ids[0]!;
}

async function latest(storage: Storage, threadId: ThreadId): Promise<string> {
  const configurable = { thread_id: threadId, checkpoint_ns: "" };
  return tupleText((await saverOf(storage).getTuple({ configurable }))!);
}

function describeOlder(name: string, open: () => Promise<Opened>, expectedIn: string): void {
  // oxlint-disable-next-line vitest/valid-title -- the database's name
  describe(name, () => {
    let opened: Opened;
    let expected: Expected;

    beforeAll(async () => {
      opened = await open();
      expected = JSON.parse(await fixture(expectedIn)) as Expected;
    });
    afterAll(() => opened.close());

    it("reads every checkpoint of an older version as that one did", async () => {
      const { threadId, copyId, thread, copy } = expected;
      expect(await listed(opened.storage, threadId)).toEqual(thread);
      expect(await listed(opened.storage, copyId)).toEqual(copy);
    });

    it("rolls back a run of an older version, and leaves the copy alone", async () => {
      const { storage } = opened;
      const { threadId, copyId, runId, before, copy } = expected;
      await storage.threads.transact(threadId, () => ({ rollback: [runId] }));
      expect(await listed(storage, threadId)).toEqual(before);
      expect(await listed(storage, copyId)).toEqual(copy);
    });

    it("goes on from the latest checkpoint and from an older one", async () => {
      const { storage } = opened;
      const { copyId, copy } = expected;
      const tuples = await collect(storage.checkpoints.list({ threadId: copyId, namespace: "" }));
      const written = await goOn(storage, copyId);
      await goOn(storage, copyId, tuples.at(-2)!.checkpointId);
      const now = await listed(storage, copyId);
      expect(now).toHaveLength(copy.length + 4);
      expect(now).toEqual(expect.arrayContaining(copy));
      const [first] = await collect(
        storage.checkpoints.list({ threadId: copyId, checkpointId: written }),
      );
      expect(first!.writes.map(({ value }) => value.type)).toEqual(["excerpts"]);
    });

    it("prunes and deletes what both versions stored", async () => {
      const { storage } = opened;
      const { threadId, copyId } = expected;
      const head = await latest(storage, copyId);
      await storage.checkpoints.prune({ threadId: copyId, keep: "latest" });
      expect(await latest(storage, copyId)).toBe(head);
      expect(await listed(storage, threadId)).toEqual(expected.before);
      const spans = (await collect(storage.checkpoints.list({}))).flatMap((tuple) => tuple.spans);
      expect(await storage.checkpoints.items(spans)).not.toEqual([]);
      await storage.checkpoints.deleteThread(copyId);
      expect(await listed(storage, threadId)).toEqual(expected.before);
      await storage.checkpoints.deleteThread(threadId);
      expect(await collect(storage.checkpoints.list({}))).toEqual([]);
      expect(await storage.checkpoints.items(spans)).toEqual([]);
    });
  });
}

describeOlder("SQLite", openOlderSqlite, "sqlite.json");

const uri = await postgresUri();
describe.skipIf(uri === null)(`on a server${skippedBecause(uri)}`, () => {
  describeOlder("PostgreSQL", () => openOlderPostgres(uri ?? ""), "postgres.json");
});
