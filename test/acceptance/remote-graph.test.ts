import { Annotation, Command, END, START, StateGraph } from "@langchain/langgraph";
import { RemoteGraph } from "@langchain/langgraph/remote";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../support/server-process.ts";
import { logOf } from "./methods/scenarios.ts";
import { allGraphs } from "./project.ts";

let server: ServerProcess;
const project = allGraphs();
beforeAll(async () => {
  server = await ServerProcess.start({ config: project.config });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

describe("RemoteGraph", () => {
  const remote = (graphId: string) => new RemoteGraph({ graphId, url: server.url });

  it("invokes, streams and reads the state of a thread", async () => {
    const threadId = crypto.randomUUID();
    const config = { configurable: { thread_id: threadId } };
    const graph = remote("steps");
    const result: unknown = await graph.invoke({ input: "x" }, config);
    expect(result).toEqual({ log: ["one", "two", "three"], input: "x" });

    const chunks = await Array.fromAsync(
      await graph.stream({ input: "y" }, { ...config, streamMode: "updates" }),
    );
    expect(chunks).toEqual([
      { one: { log: ["one"] } },
      { two: { log: ["two"] } },
      { three: { log: ["three"] } },
    ]);
    const state = await graph.getState(config);
    expect(logOf(state.values)).toHaveLength(6);
    expect(state.next).toEqual([]);
    const history = await Array.fromAsync(graph.getStateHistory(config));
    expect(history[0]!.values).toEqual(state.values);
  });

  it("updates a state, and raises what the remote graph threw", async () => {
    const config = { configurable: { thread_id: crypto.randomUUID() } };
    const graph = remote("steps");
    const stopped = graph.invoke({ input: "x" }, { ...config, interruptAfter: ["one"] });
    await expect(stopped).rejects.toMatchObject({ name: "GraphInterrupt" });
    await graph.updateState(config, { log: ["by hand"] }, "two");
    expect(logOf(await graph.invoke(null, config))).toEqual(["one", "by hand", "three"]);
    await expect(remote("thrower").invoke({ input: "x" })).rejects.toThrow("boom!");
  });

  it("answers an interrupt of the remote graph", async () => {
    const config = { configurable: { thread_id: crypto.randomUUID() } };
    const graph = remote("asking");
    await expect(graph.invoke({ input: "x" }, config)).rejects.toMatchObject({
      name: "GraphInterrupt",
      interrupts: [{ value: { question: "how old?" } }],
    });
    expect((await graph.getState(config)).next).toEqual(["ask"]);
    expect(await graph.invoke(new Command({ resume: 7 }), config)).toEqual({
      input: "x",
      log: ["answer 7", "after"],
    });
  });

  it("is a node of a graph that runs elsewhere, whose steps are streamed with its own", async () => {
    const State = Annotation.Root({
      input: Annotation<string>,
      log: Annotation<string[]>({ reducer: (_before, after) => after, default: () => [] }),
    });
    const graph = new StateGraph(State)
      .addNode("far", remote("steps"))
      .addNode("near", ({ log }) => ({ log: [...log, "near"] }))
      .addEdge(START, "far")
      .addEdge("far", "near")
      .addEdge("near", END)
      .compile();
    const stream = await graph.stream({ input: "x" }, { streamMode: "updates", subgraphs: true });
    const steps = (await Array.fromAsync(stream)) as unknown as [string[], object][];
    expect(steps.map(([namespace]) => namespace.map((name) => name.split(":")[0]))).toEqual([
      ["far"],
      ["far"],
      ["far"],
      [],
      [],
    ]);
    expect(steps.map(([, update]) => update)).toEqual([
      { one: { log: ["one"] } },
      { two: { log: ["two"] } },
      { three: { log: ["three"] } },
      { far: { input: "x", log: ["one", "two", "three"] } },
      { near: { log: ["one", "two", "three", "near"] } },
    ]);
  });

  it("streams events of version 3, and ends with the output", async () => {
    const input = { messages: [{ role: "user", content: "안녕하세요" }] };
    const run = await remote("agent").streamEvents(input, { version: "v3" });
    const methods = new Set<string>();
    for await (const { method } of run) methods.add(method);
    expect([...methods].toSorted()).toEqual([
      "checkpoints",
      "lifecycle",
      "messages",
      "tasks",
      "updates",
      "values",
    ]);
    const output = (await run.output) as { messages: { content: string }[] };
    expect(output.messages.map(({ content }) => content)).toEqual([
      "안녕하세요",
      expect.stringContaining("안녕"),
    ]);
  });

  it("streams messages of the example graph by token", async () => {
    const input = { messages: [{ role: "user", content: "안녕하세요" }] };
    const stream = await remote("agent").stream(input, { streamMode: "messages" });
    const pieces = (await Array.fromAsync(stream)) as unknown as [{ content: string }, unknown][];
    expect(pieces.length).toBeGreaterThan(3);
    expect(pieces.map(([{ content }]) => content).join("")).toMatch(/안녕/);
  });

  it("draws the remote graph", async () => {
    const drawing = await remote("agent").getGraphAsync();
    expect(Object.keys(drawing.nodes)).toEqual(
      expect.arrayContaining(["__start__", "call_model", "tools", "__end__"]),
    );
  });
});
