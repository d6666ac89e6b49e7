import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, StateGraph } from "@langchain/langgraph";
import { type Checkpoint, MemorySaver, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { randomIds, type ThreadId } from "../../src/core/ids.ts";
import type { Writer } from "../../src/core/ports/checkpoints.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { wholeTuple } from "../../src/graphs/excerpts.ts";
import { ItemCache } from "../../src/graphs/item-cache.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { claim, end, newRun, storeRunning } from "../contract/storage/fixtures.ts";

const { serde: serializer } = new MemorySaver();
const long = "A text that is long enough. ".repeat(40);

let storage: Storage;
let threadId: ThreadId;
let clock = 1;

beforeEach(async () => {
  storage = await openSqlite({ directory: null });
  threadId = randomIds.thread();
});

afterEach(() => storage[Symbol.asyncDispose]());

const newSaver = (writer: Writer = null, cache?: ItemCache): Checkpointer =>
  new Checkpointer(storage.checkpoints, writer, { serializer, ...(cache ? { cache } : {}) });

const at = (checkpointId?: string) => ({
  configurable: {
    thread_id: threadId,
    checkpoint_ns: "",
    ...(checkpointId ? { checkpoint_id: checkpointId } : {}),
  },
});

/** Stores a checkpoint with these values on top of `on`; returns its id. */
async function put(
  saver: Checkpointer,
  values: Record<string, unknown>,
  on?: string,
): Promise<string> {
  const channels = Object.keys(values);
  const versions = Object.fromEntries(channels.map((channel) => [channel, ++clock]));
  const checkpoint: Checkpoint = {
    v: 4,
    id: uuid6(++clock),
    ts: new Date(0).toISOString(),
    channel_values: values,
    channel_versions: versions,
    versions_seen: {},
  };
  await saver.put(at(on), checkpoint, { source: "loop", step: 1, parents: {} }, versions);
  return checkpoint.id;
}

function manyMessages(count: number): HumanMessage[] {
  return Array.from({ length: count }, (_, n) => {
    return new HumanMessage({ id: `${n}`, content: `${n} "\\" ${long}` });
  });
}

/** As it stands in the row, and as it is read. */
async function written(checkpointId: string): Promise<{ bytes: number; text: string }> {
  const tuple = await storage.checkpoints.get({ threadId, namespace: "", checkpointId });
  const [write] = wholeTuple(tuple!).writes;
  return {
    bytes: tuple!.writes[0]!.value.bytes.length,
    text: new TextDecoder().decode(write!.value.bytes),
  };
}

async function serialized(value: unknown): Promise<string> {
  const [, bytes] = await serializer.dumpsTyped(value);
  return new TextDecoder().decode(bytes);
}

/** Writes `value` where `messages` are stored. */
async function wrote(
  messages: unknown[],
  value: unknown,
): Promise<{ bytes: number; text: string }> {
  const saver = newSaver();
  const id = await put(saver, { messages });
  await saver.putWrites(at(id), [["channel", value]], "task");
  return written(id);
}

describe("a subgraph that shares its parent's messages", () => {
  function talk() {
    let said = 0;
    const say = () => ({ messages: [new AIMessage(`${(said += 1)} ${long}`)] });
    const child = new StateGraph(MessagesAnnotation)
      .addNode("say", say)
      .addEdge("__start__", "say")
      .compile();
    return new StateGraph(MessagesAnnotation).addNode("child", child).addEdge("__start__", "child");
  }

  test("costs the same in every turn, however long the thread is", async () => {
    const { checkpoints } = storage;
    const store = { put: checkpoints.put, putWrites: checkpoints.putWrites };
    let bytes = 0;
    const count = (value: unknown): number => (bytes += JSON.stringify(value ?? null).length);
    checkpoints.put = (params) => {
      count([params.checkpoint, params.texts]);
      for (const { value } of params.items) bytes += value.bytes.length;
      return store.put.call(checkpoints, params);
    };
    checkpoints.putWrites = (params) => {
      for (const { value, texts } of params.writes) {
        bytes += value.bytes.length;
        count(texts);
      }
      return store.putWrites.call(checkpoints, params);
    };
    const graph = talk();
    const oracle = talk().compile({ checkpointer: new MemorySaver() });
    const cache = new ItemCache(10_000_000);
    const perTurn: number[] = [];
    for (let turn = 0; turn < 60; turn++) {
      bytes = 0;
      const message = { role: "user", content: "go", id: `question ${turn}` };
      const app = graph.compile({ checkpointer: newSaver(null, cache) });
      await app.invoke({ messages: [message] }, at());
      await oracle.invoke({ messages: [message] }, at());
      perTurn.push(bytes);
    }
    expect(perTurn.at(-1)).toBeLessThan(perTurn[15]! * 1.05);
    const app = graph.compile({ checkpointer: newSaver() });
    const contents = (state: { values: Record<string, unknown> }): unknown[] =>
      (state.values["messages"] as HumanMessage[]).map(({ content }) => content);
    expect(contents(await app.getState(at()))).toEqual(contents(await oracle.getState(at())));
  });
});

describe("a write", () => {
  test("names the elements that are stored, in a list and in lists of an object", async () => {
    const messages = manyMessages(10);
    const fresh = new AIMessage({ content: "new" });
    const values = [
      [...messages, fresh],
      { some: messages.slice(2, 7), [`"`]: 1, others: [fresh, ...messages.toReversed()], no: null },
      [...messages, ...messages, undefined, "text", [messages[0]]],
    ];
    for (const value of values) {
      threadId = randomIds.thread();
      const { bytes, text } = await wrote(messages, value);
      expect(text).toBe(await serialized(value));
      expect(bytes).toBeLessThan(text.length / 4);
    }
  });

  test("is whole where the serializer makes something else of what is in it", async () => {
    const messages = manyMessages(6);
    class List extends Array<unknown> {}
    const circle: unknown[] = [...messages];
    circle.push({ circle });
    const withJson = Object.assign([...messages], { toJSON: () => "json" });
    const values = [
      List.from(messages),
      new Map([["messages", messages]]),
      circle,
      { circle, messages },
      withJson,
      { lg_name: "Send", node: "n", args: 1, messages },
      { messages, big: 1n },
      messages.map((message) => ({ ...message })),
    ];
    for (const value of values) {
      threadId = randomIds.thread();
      expect((await wrote(messages, value)).text).toBe(await serialized(value));
    }
  });

  test("has an element as it is now that contains the list it stands in", async () => {
    const list: unknown[] = [];
    const elements = Array.from({ length: 5 }, (_, n) => ({ n, list }));
    list.push(...elements);
    expect((await wrote([...list], list)).text).toBe(await serialized(list));
  });

  test("has what asks for its own place as it is there", async () => {
    const elements = Array.from({ length: 5 }, () => ({ toJSON: (key: string) => `at ${key}` }));
    expect((await wrote(elements, elements)).text).toBe(await serialized(elements));
    threadId = randomIds.thread();
    const bytes = Array.from({ length: 5 }, (_, n) => new Uint8Array([n]));
    expect((await wrote(bytes, bytes)).text).toBe(await serialized(bytes));
  });

  test("has elements as they were when it was made, whatever was stored of them before", async () => {
    const saver = newSaver();
    const messages = manyMessages(8);
    const id = await put(saver, { messages });
    messages[3]!.content = "changed";
    const expected = await serialized(messages);
    const writing = saver.putWrites(at(id), [["messages", messages]], "task");
    messages[3]!.content = "changed again";
    messages[5]!.content = "changed later";
    await writing;
    expect((await written(id)).text).toBe(expected);
  });

  test("keeps what it names, when the checkpoints that had it are gone", async () => {
    const messages = manyMessages(8);
    const saver = newSaver();
    const first = await put(saver, { messages });
    const next = await put(saver, { messages: [] }, first);
    await saver.putWrites(at(next), [["channel", messages]], "task");
    expect((await written(next)).bytes).toBeLessThan(100);
    await storage.checkpoints.prune({ threadId, keep: "latest" });
    expect((await written(next)).text).toBe(await serialized(messages));
  });

  test("is stored whole when what it would name was freed meanwhile", async () => {
    const first = await storeRunning(storage);
    threadId = first.threadId;
    const messages = manyMessages(8);
    await put(newSaver(first), { messages });
    await end(storage, first);
    await storage.threads.transact(threadId, () => ({ insert: [newRun(threadId)] }));
    const run = (await claim(storage))!;
    const saver = newSaver(run);
    const read = (await saver.getTuple(at()))!.checkpoint.channel_values["messages"];
    await storage.threads.transact(threadId, () => ({ rollback: [first.runId] }));
    const other = await put(newSaver(run), { a: 1 });
    await saver.putWrites(at(other), [["channel", read]], "task");
    const { bytes, text } = await written(other);
    expect(text).toBe(await serialized(messages));
    expect(bytes).toBe(Buffer.byteLength(text));
  });

  test("that names elements is shortened by a text that is stored later, too", async () => {
    const saver = newSaver();
    const messages = manyMessages(8);
    const fresh = new AIMessage({ content: `new ${long}` });
    const id = await put(saver, { messages });
    const expected = await serialized([...messages, fresh]);
    await saver.putWrites(at(id), [["messages", [...messages, fresh]]], "task");
    expect((await written(id)).bytes).toBeGreaterThan(long.length);
    fresh.id = "given by the reducer";
    fresh.lc_kwargs["id"] = fresh.id;
    await put(saver, { messages: [...messages, fresh] }, id);
    const { bytes, text } = await written(id);
    expect(bytes).toBeLessThan(500);
    expect(text).toBe(expected);
  });
});

test("a run's input names elements, also in a later checkpoint that still has it", async () => {
  const saver = newSaver();
  const messages = manyMessages(20);
  const first = await put(saver, { messages });
  const input = { messages: [...messages, new HumanMessage("new")] };
  const id = await put(saver, { messages, __start__: input }, first);
  const row = await storage.checkpoints.get({ threadId, namespace: "", checkpointId: id });
  expect(row!.content.length).toBeLessThan(1000);
  const tuple = await newSaver().getTuple(at(id));
  expect(await serialized(tuple!.checkpoint.channel_values["__start__"])).toBe(
    await serialized(input),
  );
  const { checkpoint } = tuple!;
  const next = { ...checkpoint, id: uuid6(++clock) };
  await saver.put(at(id), next, { source: "loop", step: 2, parents: {} }, {});
  await storage.checkpoints.prune({ threadId, keep: "latest" });
  const latest = (await newSaver().getTuple(at()))!.checkpoint;
  expect(latest.id).toBe(next.id);
  expect(await serialized(latest.channel_values)).toBe(await serialized(checkpoint.channel_values));
});
