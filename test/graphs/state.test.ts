// oxlint-disable vitest/expect-expect -- expectSame expects
import { tmpdir } from "node:os";
import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import {
  Annotation,
  BinaryOperatorAggregate,
  END,
  interrupt,
  messagesStateReducer,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultExpiryPolicy } from "../../src/core/expiry.ts";
import { noItemIndex } from "../../src/core/ports/item-index.ts";
import { textOf } from "../../src/core/json-text.ts";
import type { ThreadState } from "../../src/core/ports/graphs.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import type { Thread } from "../../src/core/thread.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { attach, type DrivenGraph } from "../../src/graphs/driven.ts";
import { DeployedGraphs } from "../../src/graphs/graphs.ts";
import type { CompiledGraph } from "../../src/graphs/load.ts";
import { serverPeers } from "../../src/graphs/peers.ts";
import { readHistory, readState } from "../../src/graphs/state.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { newThread } from "../contract/storage/fixtures.ts";
import { silentLog } from "../support/engine.ts";

/**
 * What clients see of a state is made without making the messages. Here it is compared with what the
 * graph library makes of the objects.
 */

let storage: Storage;
beforeEach(async () => void (storage = await openSqlite({ directory: null })));
afterEach(() => storage[Symbol.asyncDispose]());

interface Runnable extends DrivenGraph {
  invoke(input: unknown, config: object): Promise<unknown>;
}

function over(graph: unknown): Runnable {
  const checkpointer = new Checkpointer(storage.checkpoints, null);
  return attach(graph as DrivenGraph, { checkpointer, store: undefined as never }) as Runnable;
}

function deployed(graph: unknown): DeployedGraphs {
  const loaded = {
    kind: "graph" as const,
    graphId: "graph",
    file: import.meta.filename,
    exportName: "graph",
    description: null,
    graph: graph as CompiledGraph,
    peers: serverPeers,
  };
  return new DeployedGraphs({
    loaded: { generation: 1, graphs: new Map([["graph", loaded]]), files: [] },
    checkpoints: storage.checkpoints,
    items: storage.items,
    itemIndex: noItemIndex,
    expiry: defaultExpiryPolicy,
    clock: { now: () => 0 },
    log: silentLog,
    cacheDirectory: tmpdir(),
    schemaTimeoutMs: 1_000,
    itemCacheBytesMax: 1_000_000,
    models: { aliases: {}, environment: {} },
  });
}

/** Once its text has been compared with its values. */
function data(state: ThreadState): ThreadState {
  expect(textOf(state.values)).toBe(JSON.stringify(state.values));
  return state;
}

/** Runs `graph` on each input in turn; then everything one can see of the thread has to agree. */
async function expectSame(graph: unknown, inputs: unknown[]): Promise<Thread> {
  const thread = newThread({ metadata: { graph_id: "graph" } });
  const config = { configurable: { thread_id: thread.threadId } };
  for (const input of inputs) await over(graph).invoke(input, config);
  await using graphs = deployed(graph);
  const latest = data(await readState(over(graph), thread, { subgraphs: false }));
  // Twice: the first of a kind is read with its object.
  for (let times = 0; times < 2; times++) {
    expect(data(await graphs.state({ thread, subgraphs: false }))).toEqual(latest);
    expect(await graphs.values(thread)).toEqual(latest.values);
  }
  expect(data(await graphs.state({ thread, subgraphs: true }))).toEqual(
    data(await readState(over(graph), thread, { subgraphs: true })),
  );
  const history = (await readHistory(over(graph), thread, { limit: 100 })).map(data);
  expect((await graphs.history({ thread, limit: 100 })).map(data)).toEqual(history);
  for (const { checkpoint } of history) {
    const query = { checkpoint: checkpoint!, subgraphs: false };
    expect(data(await graphs.state({ thread, ...query }))).toEqual(
      data(await readState(over(graph), thread, query)),
    );
  }
  return thread;
}

const conversation = [
  new SystemMessage("Be brief."),
  new HumanMessage({ content: "What time is it?", id: "question" }),
  new AIMessage({ content: "", id: "asks", tool_calls: [{ id: "1", name: "clock", args: {} }] }),
  new ToolMessage({ content: "noon", tool_call_id: "1", artifact: new Map([["zone", "UTC"]]) }),
  new AIMessage({ content: [{ type: "text", text: "Noon." }], usage_metadata: undefined }),
];

test("messages, texts, numbers and objects", async () => {
  const graph = new StateGraph(
    Annotation.Root({
      ...MessagesAnnotation.spec,
      texts: Annotation<string[]>(),
      rows: Annotation<object[]>({ reducer: (left, right) => [...left, ...right] }),
      long: Annotation<string>(),
      odd: Annotation<unknown>(),
      'a "name"\n': Annotation<unknown>(),
    }),
  )
    .addNode("reply", () => ({ messages: [new AIMessage("yes")], rows: [{ of: new Set([1]) }] }))
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile();
  await expectSame(graph, [
    { messages: conversation, texts: ["a", "b"], rows: [{ a: 1, b: undefined }, { c: [null] }] },
    { messages: [new RemoveMessage({ id: "question" })], long: "x".repeat(500), 'a "name"\n': 1 },
    { odd: { message: new HumanMessage("inside".repeat(50)), bytes: new Uint8Array(200) } },
  ]);
});

test("what a task wrote while another one waits for a person is part of the latest state only", async () => {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("says", () => ({ messages: [new AIMessage({ content: "I am done.", id: "done" })] }))
    .addNode("asks", () => ({ messages: [new AIMessage(String(interrupt("may I?")))] }))
    .addEdge(START, "says")
    .addEdge(START, "asks")
    .addEdge("says", END)
    .addEdge("asks", END)
    .compile();
  const thread = await expectSame(graph, [{ messages: conversation }]);
  const { values, interrupts } = await deployed(graph).state({ thread, subgraphs: false });
  expect((values as { messages: unknown[] }).messages).toHaveLength(conversation.length + 1);
  expect(interrupts).toHaveLength(1);
});

test("a thread that waits for a person at once", async () => {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("asks", () => ({ messages: [new AIMessage(String(interrupt("may I?")))] }))
    .addEdge(START, "asks")
    .addEdge("asks", END)
    .compile();
  await expectSame(graph, [{ messages: conversation }]);
});

test("values that are one list, not channels by name", async () => {
  const list = { reducer: messagesStateReducer, default: () => [] };
  const graph = new StateGraph({ channels: { __root__: list } } as never)
    .addNode("reply", () => [new AIMessage("yes")] as never)
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile();
  await expectSame(graph, [conversation]);
});

test("a channel of the user's own that looks into what it holds", async () => {
  class Contents extends BinaryOperatorAggregate<BaseMessage[]> {
    override fromCheckpoint(checkpoint?: BaseMessage[]): this {
      const channel = new Contents(messagesStateReducer as never, () => []);
      if (checkpoint) channel.value = checkpoint;
      return channel as this;
    }
    override get(): never {
      return super.get().map((message) => message.text.toUpperCase()) as never;
    }
  }
  const channel = (): Contents => new Contents(messagesStateReducer as never, () => []);
  const graph = new StateGraph(Annotation.Root({ messages: channel }))
    .addNode("reply", () => ({ messages: [new AIMessage("yes")] }))
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile();
  const thread = await expectSame(graph, [{ messages: conversation }]);
  const { values } = await deployed(graph).state({ thread, subgraphs: false });
  expect(values).toMatchObject({ messages: expect.arrayContaining(["BE BRIEF.", "YES"]) });
});

test("a graph in a graph, which waits inside", async () => {
  const inner = new StateGraph(MessagesAnnotation)
    .addNode("asks", () => ({ messages: [new AIMessage(String(interrupt("may I?")))] }))
    .addEdge(START, "asks")
    .addEdge("asks", END)
    .compile();
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("says", () => ({ messages: [new AIMessage("First.")] }))
    .addNode("inner", inner)
    .addEdge(START, "says")
    .addEdge("says", "inner")
    .addEdge("inner", END)
    .compile();
  const thread = await expectSame(graph, [{ messages: conversation }]);
  const { tasks } = await deployed(graph).state({ thread, subgraphs: false });
  const checkpoint = (tasks[0] as { checkpoint: never }).checkpoint;
  const query = { checkpoint, subgraphs: false };
  expect(data(await deployed(graph).state({ thread, ...query }))).toEqual(
    data(await readState(over(graph), thread, query)),
  );
});

test("what is shown again is loaded once, and what was freed is not shown", async () => {
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("reply", () => ({ messages: [new AIMessage("yes")] }))
    .addEdge(START, "reply")
    .addEdge("reply", END)
    .compile();
  const thread = newThread({ metadata: { graph_id: "graph" } });
  const config = { configurable: { thread_id: thread.threadId } };
  const { checkpoints } = storage;
  let loaded = 0;
  await using graphs = deployed(graph);
  const show = async () => {
    const expected = data(await readState(over(graph), thread, { subgraphs: false }));
    const { items } = checkpoints;
    loaded = 0;
    checkpoints.items = async (spans) => {
      const found = await items.call(checkpoints, spans);
      loaded += found.length;
      return found;
    };
    expect(data(await graphs.state({ thread, subgraphs: false }))).toEqual(expected);
    checkpoints.items = items;
  };
  await over(graph).invoke({ messages: conversation }, config);
  await show();
  expect(loaded).toBe(conversation.length + 1);
  await show();
  expect(loaded).toBe(0);
  await over(graph).invoke({ messages: [new HumanMessage("and now?")] }, config);
  await show();
  expect(loaded).toBe(2);

  // An earlier state goes on: the places of what is freed may be taken again.
  const history = await readHistory(over(graph), thread, { limit: 100 });
  const parent = history.find(({ metadata }) => metadata?.["step"] === 1)!.checkpoint!;
  const before = { configurable: { ...config.configurable, ...parent } };
  await over(graph).invoke({ messages: [new HumanMessage("or now?")] }, before);
  await show();
  await checkpoints.prune({ threadId: thread.threadId, keep: "latest" });
  await show();
  await over(graph).invoke({ messages: [new HumanMessage("at last")] }, config);
  await show();
});

test("values asked for while tasks write are not those that are shown later", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const [entered, quickMayEnd] = gates as [(typeof gates)[0], (typeof gates)[0]];
  const graph = new StateGraph(
    Annotation.Root({
      said: Annotation<string[]>({ reducer: (left, right) => [...left, ...right] }),
    }),
  )
    .addNode("quick", async () => {
      entered.resolve();
      await quickMayEnd.promise;
      return { said: ["quick"] };
    })
    .addNode("asks", async () => {
      await quickMayEnd.promise;
      return { said: [String(interrupt("well?"))] };
    })
    .addEdge(START, "quick")
    .addEdge(START, "asks")
    .compile();
  const thread = newThread({ metadata: { graph_id: "graph" } });
  const config = { configurable: { thread_id: thread.threadId }, durability: "sync" };
  await using graphs = deployed(graph);
  const run = over(graph).invoke({ said: ["input"] }, config);
  await entered.promise;
  expect(await graphs.values(thread)).toEqual({ said: ["input"] });
  quickMayEnd.resolve();
  await run;
  expect(await graphs.values(thread)).toEqual({ said: ["input", "quick"] });
});
