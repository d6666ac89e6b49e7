import { Client as CurrentClient } from "@langchain/langgraph-sdk";
import { RemoteGraph } from "@langchain/langgraph/remote";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { Gates } from "../support/gates.ts";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf, logOf, newThread } from "./methods/scenarios.ts";
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

describe.each([
  { sdk: "1.x", Client: CurrentClient },
  { sdk: "2.0.0", Client: SecondClient as unknown as typeof CurrentClient },
])("a connection that breaks, with SDK $sdk", ({ Client }) => {
  it("the client comes back through Location and sees every event exactly once", async () => {
    await using gates = await Gates.listen();
    await using proxy = await CuttingProxy.before(server.url);
    const client = new Client({ apiUrl: proxy.url, apiKey: null });
    const threadId = await newThread(client);
    let runId = "";
    const cut = proxy.cutOnceAfter('{"two":');
    const streamed = collect(
      client.runs.stream(threadId, "gated", {
        input: { gates: gates.url },
        streamMode: ["updates", "custom"],
        streamResumable: true,
        onRunCreated: ({ run_id: id }) => void (runId = id),
      }),
    );
    (await gates.arrival("one")).release();
    (await gates.arrival("two")).release();
    await cut;
    // The node goes on while nobody listens.
    (await gates.arrival("three")).release();
    const parts = await streamed;
    const direct = new Client({ apiUrl: server.url, apiKey: null });
    const whole = await collect(direct.runs.joinStream(threadId, runId, { lastEventId: "-1" }));
    expect(parts).toEqual(whole);
    expect(dataOf(parts, "updates").flatMap((data) => Object.keys(data))).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(gates.nodes).toEqual(["one", "two", "three"]);
  });
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
