import { HumanMessage } from "@langchain/core/messages";
import { type Checkpoint, MemorySaver, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { randomIds, type ThreadId } from "../../src/core/ids.ts";
import type { StoredItem } from "../../src/core/ports/checkpoints.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { ItemCache } from "../../src/graphs/item-cache.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { claim, collect, end, newRun, storeRunning } from "../contract/storage/fixtures.ts";

let storage: Storage;
let threadId: ThreadId;
let stored: StoredItem[];
let loaded: number;
let clock = 1;

beforeEach(async () => {
  storage = await openSqlite({ directory: null });
  threadId = randomIds.thread();
  stored = [];
  loaded = 0;
  const { checkpoints } = storage;
  const { put: store, items: load } = checkpoints;
  checkpoints.put = (params) => {
    stored.push(...params.items);
    return store.call(checkpoints, params);
  };
  checkpoints.items = async (spans) => {
    const found = await load.call(checkpoints, spans);
    loaded += found.length;
    return found;
  };
});

afterEach(() => storage[Symbol.asyncDispose]());

type Values = Record<string, unknown>;

/** Stores a superstep that changed all of `values`, on top of the latest; returns its id. */
async function put(saver: Checkpointer, values: Values, on?: string): Promise<string> {
  const versions = Object.fromEntries(
    Object.keys(values).map((channel) => [channel, saver.getNextVersion(++clock)]),
  );
  const checkpoint: Checkpoint = {
    v: 4,
    id: uuid6(++clock),
    ts: new Date(0).toISOString(),
    channel_values: values,
    channel_versions: versions,
    versions_seen: {},
  };
  const configurable = { thread_id: threadId, checkpoint_ns: "", checkpoint_id: on };
  await saver.put({ configurable }, checkpoint, { source: "loop", step: 1, parents: {} }, versions);
  return checkpoint.id;
}

async function read(saver: Checkpointer, id?: string): Promise<Values> {
  const tuple = await saver.getTuple({
    configurable: { thread_id: threadId, ...(id ? { checkpoint_id: id } : {}) },
  });
  return tuple!.checkpoint.channel_values;
}

/** What is cached is for those with the same serializer. */
const { serde: serializer } = new MemorySaver();

const newSaver = (cache?: ItemCache): Checkpointer =>
  new Checkpointer(storage.checkpoints, null, { serializer, ...(cache ? { cache } : {}) });

function message(text: string): HumanMessage {
  return new HumanMessage({ id: text, content: text });
}

const texts = (values: Values): unknown[] =>
  (values["messages"] as HumanMessage[]).map(({ content }) => content);

function manyMessages(count: number): HumanMessage[] {
  return Array.from({ length: count }, (_, at) => message(`${at}`));
}

describe("what is stored", () => {
  test("is each element of a growing list once, over supersteps and runs", async () => {
    const saver = newSaver();
    const list = manyMessages(20);
    await put(saver, { messages: list });
    await put(saver, { messages: [...list, message("20")] });
    expect(stored).toHaveLength(21);
    const next = newSaver();
    const { messages } = await read(next);
    await put(next, { messages: [...(messages as HumanMessage[]), message("21")] });
    expect(stored).toHaveLength(22);
    expect(texts(await read(newSaver()))).toEqual(Array.from({ length: 22 }, (_, at) => `${at}`));
  });

  test("is only the new element where a list is edited, and none where one is removed", async () => {
    const saver = newSaver();
    const list = manyMessages(20);
    await put(saver, { messages: list });
    await put(saver, { messages: list.with(10, message("new")) });
    await put(saver, { messages: list.toSpliced(5, 3) });
    await put(saver, { messages: list.slice(10) });
    expect(stored).toHaveLength(21);
  });

  test("is nothing again when two branches and a copy hold it", async () => {
    const saver = newSaver();
    const list = manyMessages(20);
    const fork = await put(saver, { messages: list });
    await put(saver, { messages: [...list, message("main")] }, fork);
    const other = newSaver();
    const { messages } = await read(other, fork);
    await put(other, { messages: [...(messages as HumanMessage[]), message("branch")] }, fork);
    expect(stored).toHaveLength(22 + 1); // a place that was taken, tried once
    expect(texts(await read(newSaver())).at(-1)).toBe("branch");
  });

  test("is an element again that a node changed in place, at any depth and place", async () => {
    const saver = newSaver();
    const list = manyMessages(300);
    await put(saver, { messages: list });
    list[3]!.content = "changed";
    list[4]!.additional_kwargs["deep"] = { list: [1] };
    await put(saver, { messages: [...list] });
    (list[4]!.additional_kwargs["deep"] as { list: number[] }).list.push(2);
    await put(saver, { messages: [...list] });
    expect(stored).toHaveLength(303);
    const values = await read(newSaver());
    expect(texts(values)[3]).toBe("changed");
    const deep = (values["messages"] as HumanMessage[])[4]!.additional_kwargs;
    expect(deep).toEqual({ deep: { list: [1, 2] } });
  });

  test("is nothing again of texts before the one that is new", async () => {
    const saver = newSaver();
    const log = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    await put(saver, { log });
    await put(saver, { log: [...log, "more"] });
    expect(stored).toHaveLength(21);
    await put(saver, { log: log.slice(0, 5) });
    await put(saver, { log: [...log.slice(0, 5), "other"] });
    expect(stored).toHaveLength(22);
    const lists = new Checkpointer(storage.checkpoints, null, { omitLists: true });
    expect(await read(lists)).toEqual({ log: [...log.slice(0, 5), "other"] });
  });

  test("is a list whole again when it has come to lie in too many pieces", async () => {
    const saver = newSaver();
    const list = manyMessages(1200);
    await put(saver, { messages: list });
    const every = list.filter((_, at) => at % 2 === 0);
    await put(saver, { messages: every });
    expect(stored).toHaveLength(1800);
    const [tuple] = await collect(storage.checkpoints.list({ threadId, limit: 1 }));
    expect(tuple!.spans).toHaveLength(1);
    expect(texts(await read(newSaver()))).toEqual(every.map(({ content }) => content));
  });

  test("is one value for an array of numbers, and bytes as bytes", async () => {
    const vector = Array.from({ length: 100 }, (_, at) => at / 3);
    const bytes = new Uint8Array(300).fill(7);
    await put(newSaver(), { vector, bytes });
    expect(stored.map(({ value }) => value.type)).toEqual(["json", "bytes"]);
    expect(await read(newSaver())).toStrictEqual({ vector, bytes });
  });
});

describe("a long text", () => {
  const long = "A long text. ".repeat(100);
  const answer = new HumanMessage({ id: "1", content: long });

  /** A run's input, and one superstep that makes a message of it. */
  async function twoSteps(saver: Checkpointer): Promise<[first: string, second: string]> {
    const first = await put(saver, { __start__: { messages: [{ role: "user", content: long }] } });
    const at = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: first } };
    await saver.putWrites(at, [["messages", [{ role: "user", content: long }]]], "task");
    return [first, await put(saver, { messages: [answer] }, first)];
  }

  async function storedBytes(): Promise<number> {
    const tuples = await collect(storage.checkpoints.list({ threadId }));
    const own = tuples.flatMap(({ content, writes }) => [
      content.length,
      ...writes.map(({ value }) => value.bytes.length),
    ]);
    return [...own, ...stored.map(({ value }) => value.bytes.length)].reduce((a, b) => a + b);
  }

  test("is stored once as input, write and message, and reads back as all three", async () => {
    const [first] = await twoSteps(newSaver());
    expect(await storedBytes()).toBeLessThan(long.length * 1.5);
    const tuple = await newSaver().getTuple({
      configurable: { thread_id: threadId, checkpoint_id: first },
    });
    const input = { messages: [{ role: "user", content: long }] };
    expect(tuple!.checkpoint.channel_values).toEqual({ __start__: input });
    expect(tuple!.pendingWrites).toEqual([["task", "messages", input.messages]]);
    expect(texts(await read(newSaver()))).toEqual([long]);
  });

  test("is there whole as soon as it is written, though no message has it yet", async () => {
    const saver = newSaver();
    const id = await put(saver, { a: 1 });
    const at = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: id } };
    await saver.putWrites(at, [["messages", [{ role: "user", content: long }]]], "task");
    const tuple = await newSaver().getTuple(at);
    expect(tuple!.pendingWrites![0]![2]).toEqual([{ role: "user", content: long }]);
  });

  test("is waited for where its write is still on the way", async () => {
    const { checkpoints } = storage;
    const { putWrites } = checkpoints;
    let arrive: () => void = () => {};
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    checkpoints.putWrites = async (params) => {
      await arrived;
      return putWrites.call(checkpoints, params);
    };
    const saver = newSaver();
    const id = await put(saver, { a: 1 });
    const at = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: id } };
    const writing = saver.putWrites(at, [["messages", [{ content: long }]]], "task");
    const putting = put(saver, { messages: [answer] }, id);
    arrive();
    await Promise.all([writing, putting]);
    expect(await storedBytes()).toBeLessThan(long.length * 1.5);
  });

  test("is stored again by a run that did not write it itself", async () => {
    const saver = newSaver();
    const id = await put(saver, { a: 1 });
    const at = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: id } };
    const write: [string, unknown][] = [["messages", [{ content: long }]]];
    await saver.putWrites(at, write, "task");
    const other = newSaver();
    await other.putWrites(at, write, "task");
    await put(other, { messages: [answer] }, id);
    const tuple = await newSaver().getTuple(at);
    expect(tuple!.pendingWrites).toEqual([["task", "messages", [{ content: long }]]]);
    expect(await storedBytes()).toBeGreaterThan(long.length * 2);
  });
});

describe("the cache", () => {
  test("spares what the last run has decoded", async () => {
    const cache = new ItemCache(1_000_000);
    await put(newSaver(cache), { messages: manyMessages(50) });
    await read(newSaver(cache));
    loaded = 0;
    const saver = newSaver(cache);
    const { messages } = await read(saver);
    expect(loaded).toBe(0);
    await put(saver, { messages: [...(messages as HumanMessage[]), message("50")] });
    expect(stored).toHaveLength(51);
    expect(texts(await read(newSaver(cache))).at(-1)).toBe("50");
    expect(loaded).toBe(1);
  });

  test("knows its elements where a run moves or removes them", async () => {
    const cache = new ItemCache(1_000_000);
    await put(newSaver(cache), { messages: manyMessages(50) });
    await read(newSaver(cache));
    const saver = newSaver(cache);
    const messages = (await read(saver))["messages"] as HumanMessage[];
    await put(saver, { messages: messages.toSpliced(20, 3) });
    await put(saver, { messages: [...messages.slice(30), ...messages.slice(0, 30)] });
    expect(stored).toHaveLength(50);
    expect(loaded).toBe(50);
    expect(texts(await read(newSaver()))[0]).toBe("30");
  });

  test("does not give out what a node changed in place", async () => {
    const cache = new ItemCache(1_000_000);
    await put(newSaver(cache), { messages: manyMessages(3) });
    const { messages } = await read(newSaver(cache));
    (messages as HumanMessage[])[1]!.content = "changed";
    expect(texts(await read(newSaver(cache)))).toEqual(["0", "1", "2"]);
  });

  test("gives two for what is stored twice in one checkpoint", async () => {
    const cache = new ItemCache(1_000_000);
    const twice = message("twice");
    await put(newSaver(cache), { messages: [twice, twice], others: [twice] });
    for (let time = 0; time < 2; time++) {
      const values = await read(newSaver(cache));
      const [one, two] = values["messages"] as HumanMessage[];
      const [three] = values["others"] as HumanMessage[];
      expect(new Set([one, two, three]).size).toBe(3);
    }
  });

  test("does not take an item for one that was freed before it", async () => {
    const cache = new ItemCache(1_000_000);
    const run = await storeRunning(storage);
    threadId = run.threadId;
    const list = manyMessages(3);
    const writer = (by: typeof run) =>
      new Checkpointer(storage.checkpoints, by, { serializer, cache });
    const first = await put(writer(run), { messages: list });
    await end(storage, run);
    const append = async (text: string): Promise<typeof run> => {
      await storage.threads.transact(threadId, () => ({ insert: [newRun(threadId)] }));
      const next = (await claim(storage))!;
      const saver = writer(next);
      const { messages } = await read(saver, first);
      await put(saver, { messages: [...(messages as HumanMessage[]), message(text)] }, first);
      await end(storage, next);
      return next;
    };
    const rolledBack = await append("rolled back");
    expect(texts(await read(newSaver(cache))).at(-1)).toBe("rolled back");
    await storage.threads.transact(threadId, () => ({ rollback: [rolledBack.runId] }));
    await append("again");
    const places = stored.slice(-2).map(({ lineage, position }) => [lineage, position]);
    expect(places[1]).toEqual(places[0]);
    expect(texts(await read(newSaver(cache))).at(-1)).toBe("again");
  });

  test("stays within its bytes, the threads used last", async () => {
    const cache = new ItemCache(20_000);
    const threads = Array.from({ length: 10 }, () => randomIds.thread());
    for (threadId of threads) {
      await put(newSaver(cache), { messages: manyMessages(20) });
      await read(newSaver(cache));
      expect(cache.bytes).toBeLessThanOrEqual(20_000);
    }
    loaded = 0;
    await read(newSaver(cache));
    expect(loaded).toBe(0);
    threadId = threads[0]!;
    await read(newSaver(cache));
    expect(loaded).toBe(20);
  });
});

describe("what was freed while a run was under way", () => {
  test("is stored again by the run that still needs it", async () => {
    const run = await storeRunning(storage);
    threadId = run.threadId;
    await put(new Checkpointer(storage.checkpoints, run), {
      messages: manyMessages(5),
      other: "x".repeat(500),
    });
    const saver = newSaver();
    const tuple = (await saver.getTuple({ configurable: { thread_id: threadId } }))!;
    await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
    const checkpoint = { ...tuple.checkpoint, id: uuid6(++clock) };
    const metadata = { source: "loop" as const, step: 2, parents: {} };
    await saver.put(tuple.config, checkpoint, metadata, {});
    expect(texts(await read(newSaver()))).toEqual(["0", "1", "2", "3", "4"]);
    expect((await read(newSaver()))["other"]).toBe("x".repeat(500));
  });
});

describe("a checkpointer without lists", () => {
  test("reads everything but what is in them, apart from texts", async () => {
    await put(newSaver(), { messages: manyMessages(5), flag: true, log: ["a"] });
    const saver = new Checkpointer(storage.checkpoints, null, { omitLists: true });
    expect(await read(saver)).toEqual({ messages: Array(5).fill(null), flag: true, log: ["a"] });
    expect(loaded).toBe(1);
  });
});

test("older checkpoints' other fields come back", async () => {
  const saver = newSaver();
  const checkpoint = {
    v: 4,
    id: uuid6(1),
    ts: new Date(0).toISOString(),
    channel_values: {},
    channel_versions: {},
    versions_seen: {},
    pending_sends: [{ node: "a", args: new Map([[1, 2]]) }],
  };
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  await saver.put(config, checkpoint, { source: "loop", step: 0, parents: {} }, {});
  const tuple = await newSaver().getTuple(config);
  expect(tuple!.checkpoint).toStrictEqual(checkpoint);
});

test("a write that is nothing but bytes comes back as bytes", async () => {
  const saver = newSaver();
  const id = await put(saver, { a: 1 });
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: id } };
  await saver.putWrites(config, [["a", new Uint8Array([1, 2])]], "task");
  const tuple = await newSaver().getTuple(config);
  expect(tuple!.pendingWrites).toEqual([["task", "a", new Uint8Array([1, 2])]]);
});

test("the serializer is that of the graph's own library, also for what is cached", async () => {
  const cache = new ItemCache(1_000_000);
  await put(newSaver(cache), { messages: manyMessages(3) });
  await read(newSaver(cache));
  const { serde } = new MemorySaver();
  const other = {
    dumpsTyped: serde.dumpsTyped.bind(serde),
    loadsTyped: async (type: string, data: Uint8Array | string) => {
      const value: unknown = await serde.loadsTyped(type, data);
      return value instanceof HumanMessage ? { ofTheOther: value.content } : value;
    },
  };
  const values = await read(
    new Checkpointer(storage.checkpoints, null, { serializer: other, cache }),
  );
  const messages = values["messages"] as object[];
  expect(messages).toHaveLength(3);
  for (const one of messages) expect(one).toHaveProperty("ofTheOther");
});

test("a special write that was replaced stays so when its text becomes a message", async () => {
  const saver = newSaver();
  const answer = "An answer that is long. ".repeat(20);
  const parent = await put(saver, { messages: [message("question")] });
  const config = {
    configurable: { thread_id: threadId, checkpoint_ns: "", checkpoint_id: parent },
  };
  await saver.putWrites(config, [["__resume__", [answer]]], "task");
  await saver.putWrites(config, [["__resume__", ["short"]]], "task");
  await put(saver, { messages: [message("question"), message(answer)] }, parent);
  const tuple = await saver.getTuple(config);
  expect(tuple!.pendingWrites).toEqual([["task", "__resume__", ["short"]]]);
});
