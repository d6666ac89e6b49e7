import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gates } from "../support/gates.ts";
import { everyDatabase } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig, Project } from "./project.ts";

/** The official MCP client, as it is, against a running server. */
async function connect(url: string, through: typeof fetch = fetch): Promise<Client> {
  const client = new Client({ name: "acceptance", version: "1.0.0" });
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: through });
  // The package's own types disagree under `exactOptionalPropertyTypes`.
  await client.connect(transport as Transport);
  return client;
}

/** The client's own transport, which sends what it is given and speaks the revision that is spoken without saying so. */
async function bare(url: string) {
  const transport = new StreamableHTTPClientTransport(new URL(url));
  const answers: JSONRPCMessage[] = [];
  Object.assign(transport, { onmessage: (message: JSONRPCMessage) => answers.push(message) });
  await transport.start();
  return {
    transport,
    answers,
    send: (messages: JSONRPCMessage[]) => transport.send(messages),
  };
}

/** A fetch, and when so many calls of tools have been told that the server is still there. */
function signsOfLife() {
  const told = new Set<symbol>();
  const heard = Promise.withResolvers<void>();
  let awaited = Infinity;
  const hear = (call: symbol) => {
    told.add(call);
    if (told.size >= awaited) heard.resolve();
  };
  const listening: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(init?.body).includes('"tools/call"')) return response;
    const call = Symbol("call");
    const body = response.body!.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, passed) {
          hear(call);
          passed.enqueue(chunk);
        },
      }),
    );
    return new Response(body, response);
  };
  const came = (calls: number) => {
    awaited = calls;
    if (told.size >= awaited) heard.resolve();
    return heard.promise;
  };
  return { fetch: listening, came };
}

/** Few, since a list of tools reads the types of each, which takes seconds. */
function fewGraphs(): Project {
  const directory = resolve(fixtureConfig, "..");
  return new Project({
    gated: join(directory, "gated.ts:gatedSteps"),
    chat: join(directory, "graphs.ts:chat"),
    thrower: join(directory, "graphs.ts:thrower"),
  });
}

describe.each(await everyDatabase())("on $name", ({ postgres, skipped, because }) => {
  describe.skipIf(skipped)(`the MCP SDK${because}`, () => {
    let server: ServerProcess;
    let project: Project;
    let client: Client;
    let gates: Gates;
    beforeAll(async () => {
      project = fewGraphs();
      server = await ServerProcess.start({
        config: project.config,
        postgres,
        environment: { ADJUTANT_HEARTBEAT_MS: "100" },
      });
      client = await connect(`${server.url}/mcp`);
    });
    afterAll(async () => {
      await client?.close();
      await server?.[Symbol.asyncDispose]();
      project?.[Symbol.dispose]();
    });
    beforeEach(async () => {
      gates = await Gates.listen();
      return () => gates[Symbol.asyncDispose]();
    });

    const runsInFlight = async () => {
      const answered = await fetch(`${server.url}/metrics?format=prometheus`);
      const counts = (await answered.text()).matchAll(/^adjutant_runs\{.*\} (\d+)$/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };

    it("connects, lists the tools and pings", async () => {
      expect(client.getServerVersion()).toMatchObject({ name: "adjutant" });
      expect(client.getServerCapabilities()).toEqual({ tools: {} });
      const { tools } = await client.listTools();
      const names = tools.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(["gated", "chat", "thrower"]));
      await client.ping();
    });

    it("calls a tool and gets its output; an error of the run is one of the tool", async () => {
      const { content, structuredContent, isError } = await client.callTool({
        name: "chat",
        arguments: { messages: [{ role: "user", content: "hello" }] },
      });
      expect(isError).toBe(false);
      expect(structuredContent).toMatchObject({
        messages: [{ content: "hello" }, { type: "ai", content: "You said: hello" }],
      });
      expect(content).toEqual([{ type: "text", text: JSON.stringify(structuredContent) }]);
      const failed = await client.callTool({ name: "thrower", arguments: {} });
      expect(failed.isError).toBe(true);
      await expect(client.callTool({ name: "nobody" })).rejects.toThrow(/Unknown tool/);
    });

    it("waits for a slow tool, several at a time", async () => {
      const waiting = signsOfLife();
      const patient = await connect(`${server.url}/mcp`, waiting.fetch);
      const calls = ["a", "b"].map((name) =>
        patient.callTool({ name: "gated", arguments: { gates: gates.url, name } }),
      );
      const [first, second] = await Promise.all(
        ["a:one", "b:one"].map((one) => gates.arrival(one)),
      );
      await waiting.came(2);
      first!.release();
      second!.release();
      gates.openAll();
      for (const result of await Promise.all(calls)) {
        expect(result.structuredContent).toMatchObject({ log: ["one", "two", "three"] });
      }
      await patient.close();
    });

    it("is told of progress", async () => {
      const steps: unknown[] = [];
      gates.openAll();
      const { isError } = await client.callTool(
        { name: "gated", arguments: { gates: gates.url } },
        undefined,
        { onprogress: (step) => void steps.push(step) },
      );
      expect(isError).toBe(false);
      expect(steps).toEqual([
        { progress: 1, message: "one" },
        { progress: 2, message: "two" },
        { progress: 3, message: "three" },
      ]);
    });

    it("sends several requests at once, as revision 2025-03-26 has it", async () => {
      const { transport, answers, send } = await bare(`${server.url}/mcp`);
      gates.openAll();
      const chat = { name: "chat", arguments: { messages: [{ role: "user", content: "hi" }] } };
      const gated = { name: "gated", arguments: { gates: gates.url }, _meta: { progressToken: 7 } };
      await send([
        { jsonrpc: "2.0", id: 1, method: "tools/call", params: chat },
        { jsonrpc: "2.0", method: "notifications/initialized" },
        { jsonrpc: "2.0", id: 2, method: "tools/call", params: gated },
        { jsonrpc: "2.0", id: 3, method: "ping" },
      ]);
      await expect.poll(() => answers.filter((one) => "id" in one).length).toBe(3);
      expect(answers.filter((one) => "method" in one)).toMatchObject([
        { params: { progressToken: 7, progress: 1, message: "one" } },
        { params: { progressToken: 7, progress: 2, message: "two" } },
        { params: { progressToken: 7, progress: 3, message: "three" } },
      ]);
      expect(answers).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ id: 1, result: expect.objectContaining({ isError: false }) }),
          expect.objectContaining({ id: 2, result: expect.objectContaining({ isError: false }) }),
          { jsonrpc: "2.0", id: 3, result: {} },
        ]),
      );
      await transport.close();
    });

    it("ends all runs of a batch when it closes", async () => {
      const { transport, send } = await bare(`${server.url}/mcp`);
      const call = (id: number, name: string) => ({
        jsonrpc: "2.0" as const,
        id,
        method: "tools/call",
        params: { name: "gated", arguments: { gates: gates.url, name } },
      });
      await send([call(1, "a"), call(2, "b")]);
      const arrived = await Promise.all(["a:one", "b:one"].map((one) => gates.arrival(one)));
      await transport.close();
      await Promise.all(arrived.map(({ gone }) => gone));
      await expect.poll(runsInFlight, { timeout: 10_000 }).toBe(0);
    });

    it("ends its run when it closes", async () => {
      const leaving = await connect(`${server.url}/mcp`);
      const call = leaving.callTool({ name: "gated", arguments: { gates: gates.url } });
      const failed = call.then(
        () => "an answer",
        () => "an error",
      );
      const { gone } = await gates.arrival("one");
      await leaving.close();
      expect(await failed).toBe("an error");
      await gone;
      await expect.poll(runsInFlight, { timeout: 10_000 }).toBe(0);
    });
  });
});

describe("langgraph.json", () => {
  const graphs = { steps: resolve(fixtureConfig, "..", "graphs.ts:steps") };
  const withHttp = (http: object, description?: string) => {
    const graph = description ? { path: graphs.steps, description } : graphs.steps;
    const manifest = JSON.stringify({ graphs: { steps: graph }, http });
    return new Project(graphs, { "langgraph.json": manifest });
  };
  const documented = async (url: string) => {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    return Object.keys(paths);
  };

  it("a prefix is before MCP as well, and a graph's description is its tool's", async () => {
    using project = withHttp({ mount_prefix: "/api" }, "Takes three steps.");
    await using server = await ServerProcess.start({ config: project.config });
    expect(server.url).toMatch(/\/api$/);
    const client = await connect(`${server.url}/mcp`);
    const { tools } = await client.listTools();
    expect(tools.find(({ name }) => name === "steps")?.description).toBe("Takes three steps.");
    await client.close();
    expect(await documented(server.url)).toContain("/mcp");
  });

  it("disable_mcp takes it away", async () => {
    using project = withHttp({ disable_mcp: true });
    await using server = await ServerProcess.start({ config: project.config });
    expect((await fetch(`${server.url}/mcp`, { method: "POST" })).status).toBe(404);
    expect(await documented(server.url)).not.toContain("/mcp");
    await expect(connect(`${server.url}/mcp`)).rejects.toThrow(/There is no POST/);
  });
});
