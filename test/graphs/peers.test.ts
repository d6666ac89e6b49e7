import { beforeAll, afterAll, expect, test } from "vitest";
import * as ours from "@langchain/langgraph";
import * as ourCheckpoint from "@langchain/langgraph-checkpoint";
import { invoke, load, loadReady, temporaryProject, type TemporaryProject } from "./project.ts";

const files = {
  "langgraph.json": '{ "graphs": { "g": "./src/g.ts:graph" } }',
  "src/g.ts": `import { AIMessage, BaseMessage } from "@langchain/core/messages";
import { Command, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { MemorySaver } from "@langchain/langgraph-checkpoint";
export const graph = Object.assign(
  new StateGraph(MessagesAnnotation)
    .addNode("check", (state) => ({
      messages: [new AIMessage(String(state.messages.every((one) => one instanceof BaseMessage)))],
    }))
    .addEdge(START, "check")
    .compile(),
  { seen: { Command, MemorySaver, BaseMessage } },
);`,
};

let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject(files, "own");
});
afterAll(() => project[Symbol.asyncDispose]());

test("a project with its own LangGraph gets its own classes, those its graph imports", async () => {
  const { graph, peers } = await loadReady(project.directory, "g");
  const { seen } = graph as unknown as { seen: Record<string, unknown> };
  expect(peers.own).toBe(true);
  expect(peers.langgraph.Command).toBe(seen["Command"]);
  expect(peers.checkpoint.MemorySaver).toBe(seen["MemorySaver"]);
  expect(peers.langgraph.Command).not.toBe(ours.Command);
  expect(peers.checkpoint.MemorySaver).not.toBe(ourCheckpoint.MemorySaver);
});

test("messages revived by its serializer are instances of its own classes", async () => {
  const { graph, peers } = await loadReady(project.directory, "g");
  const { seen } = graph as unknown as { seen: { BaseMessage: new () => object } };
  const { serde } = new peers.checkpoint.MemorySaver();
  const [type, bytes] = await serde.dumpsTyped(new ours.Command({ resume: 1 }));
  expect(type).toBe("json");
  expect(bytes.length).toBeGreaterThan(0);
  const result = (await invoke(await loadReady(project.directory, "g"), {
    messages: [{ role: "user", content: "hello" }],
  })) as { messages: unknown[] };
  const dumped = await serde.dumpsTyped(result.messages);
  const revived = (await serde.loadsTyped(...dumped)) as unknown[];
  expect(revived).toHaveLength(2);
  for (const message of revived) expect(message).toBeInstanceOf(seen.BaseMessage);
  expect(revived[1]).toMatchObject({ content: "true" });
});

test("a project without packages is told to install them, and is not given ours", async () => {
  await using bare = await temporaryProject(files, "none");
  expect(await load(bare.directory, "g")).toMatchObject({
    kind: "broken",
    error: {
      message: `src/g.ts:1: imports "@langchain/core/messages", which is not installed: run npm install in ${bare.directory}`,
      line: 1,
    },
  });
});

test("a graph that needs no LangGraph of the project's is driven with ours", async () => {
  await using bare = await temporaryProject(
    {
      "langgraph.json": '{ "graphs": { "g": "./g.ts:graph" } }',
      "g.ts": `const nothing = () => null;
export const graph = {
  nodes: {}, channels: {}, stream: nothing, invoke: nothing, getState: nothing, updateState: nothing,
};`,
    },
    "none",
  );
  const { peers } = await loadReady(bare.directory, "g");
  expect(peers.own).toBe(false);
  expect(peers.langgraph.Command).toBe(ours.Command);
  expect(peers.checkpoint.MemorySaver).toBe(ourCheckpoint.MemorySaver);
});
