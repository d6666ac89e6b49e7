import { Client as CurrentClient } from "@langchain/langgraph-sdk";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { Gates } from "../support/gates.ts";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf, newThread } from "./methods/scenarios.ts";
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
