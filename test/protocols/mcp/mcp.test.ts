import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invalid } from "../../../src/core/error.ts";
import type { Graphs } from "../../../src/core/ports/graphs.ts";
import type { Ports } from "../../../src/core/ports/ports.ts";
import { createMcpApp } from "../../../src/protocols/mcp/app.ts";
import { eventsOf, openApi, readUntil, type TestApi } from "../../support/api.ts";
import { engineFixture } from "../../support/engine.ts";
import { post, rpc } from "../../support/rpc.ts";

let api: TestApi;
let app: ReturnType<typeof createMcpApp>;
beforeAll(async () => {
  // No two things are made at the same time.
  let last = 0;
  const clock = { now: () => (last = Math.max(last + 1, Date.now())) };
  api = await openApi({ limits: { heartbeatMs: 20, bodyBytesMax: 10_000 }, ports: { clock } });
  app = createMcpApp(withSchemas(quickSchema), { version: "1.2.3" });
});
afterAll(() => api[Symbol.asyncDispose]());

type Schemas = Graphs["schemas"];

/** Reading schemas from types takes seconds; here they are what the test says. */
function withSchemas(schemas: Schemas): Ports {
  const graphs = new Proxy(api.ports.graphs, {
    get(target, name) {
      if (name === "schemas") return schemas;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...api.ports, graphs };
}

const quickSchema: Schemas = (graphId) => {
  const properties = { [`from_${graphId}`]: { type: "string" } };
  // One that names no type, and one that clients would not take.
  const input = {
    steps: { type: "object", properties },
    chat: { properties },
    fan: { type: "array" },
  };
  const none = { output: null, state: null, config: null, context: null };
  return Promise.resolve({ input: input[graphId as "steps"] ?? null, ...none });
};

const send = (body: unknown, headers: Record<string, string | null> = {}) =>
  post(app, "/mcp", body, headers);
const call = (name: string, input: unknown = { input: "x" }, more: object = {}) =>
  send(rpc("tools/call", { name, arguments: input, ...more }));

const revision = (version: string) => ({ "mcp-protocol-version": version });

interface Tool {
  name: string;
  title: string;
  description: string;
  inputSchema: object;
}

async function tools(): Promise<Tool[]> {
  return (await send(rpc("tools/list"))).json.result.tools as Tool[];
}

async function makeAssistant(body: object): Promise<string> {
  return (await api.call("POST", "/assistants", { graph_id: "steps", ...body })).json.assistant_id;
}

async function runsInFlight(): Promise<number> {
  const { pending, running } = await api.ports.storage.runs.counts();
  return pending + running;
}

/** Resolves when a node of that name has begun to wait since. */
function nextWaiting(node: string): Promise<string> {
  const fixture = engineFixture();
  const before = fixture.onWait;
  return new Promise((resolve) => {
    fixture.onWait = (name) => {
      before(name);
      if (!name.startsWith(`${node}:`)) return;
      fixture.onWait = before;
      resolve(name);
    };
  });
}

describe("initialize", () => {
  test.for([
    ["2025-03-26", "2025-03-26"],
    ["2025-06-18", "2025-06-18"],
    ["2025-11-25", "2025-11-25"],
    ["2024-11-05", "2025-11-25"],
    ["2099-01-01", "2025-11-25"],
  ])("a client of %s and this server agree on %s", async ([asked, agreed]) => {
    const params = { protocolVersion: asked, capabilities: {}, clientInfo: {} };
    const { status, json, headers } = await send(rpc("initialize", params, "first"));
    expect(status).toBe(200);
    expect(json).toEqual({
      jsonrpc: "2.0",
      id: "first",
      result: {
        protocolVersion: agreed,
        capabilities: { tools: {} },
        serverInfo: { name: "adjutant", title: "Adjutant", version: "1.2.3" },
      },
    });
    expect(headers.has("mcp-session-id")).toBe(false);
  });

  test("without a version is a wrong parameter", async () => {
    const { status, json } = await send(rpc("initialize", {}));
    expect([status, json.error]).toEqual([
      200,
      { code: -32602, message: expect.stringContaining("`protocolVersion`") },
    ]);
  });

  test("notifications and answers are taken note of, and a ping is answered", async () => {
    for (const noted of [
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } },
      { jsonrpc: "2.0", method: "tools/call", params: { name: "steps" } },
      { jsonrpc: "2.0", id: 3, result: {} },
    ]) {
      const { status, text } = await send(noted);
      expect([status, text]).toEqual([202, ""]);
    }
    expect((await send(rpc("ping", undefined, 0))).json).toEqual({
      jsonrpc: "2.0",
      id: 0,
      result: {},
    });
    expect(await runsInFlight()).toBe(0);
  });
});

describe("tools", () => {
  test("are the assistants, with the input schema of their graph", async () => {
    await makeAssistant({ name: "My Helper!", description: "Helps." });
    const found = await tools();
    expect(found).toContainEqual({
      name: "My_Helper",
      title: "My Helper!",
      description: "Helps.",
      inputSchema: { type: "object", properties: { from_steps: { type: "string" } } },
    });
    const schemaOf = (name: string) => found.find((one) => one.name === name)?.inputSchema;
    expect(schemaOf("chat")).toEqual({
      type: "object",
      properties: { from_chat: { type: "string" } },
    });
    expect([schemaOf("fan"), schemaOf("nested")]).toEqual([{ type: "object" }, { type: "object" }]);
    const names = found.map(({ name }) => name);
    // However fast their assistants were made, one behind the other.
    expect(names.slice(0, api.ports.graphs.ids().length)).toEqual(api.ports.graphs.ids());
    expect(new Set(names).size).toBe(names.length);
    for (const { name, description, inputSchema } of found) {
      expect(name).toMatch(/^[\w-]{1,64}$/);
      expect(description).not.toBe("");
      expect(inputSchema).toMatchObject({ type: "object" });
    }
  });

  test("of one name are told apart, and nobody takes an older one's or a graph's name", async () => {
    const long = "n".repeat(100);
    const made: { name: string; id: string }[] = [];
    for (const name of ["twin", "twin", "twin", "steps", "도우미", "", long, long]) {
      const context: object = { system_prompt: String(made.length) };
      made.push({ name, id: await makeAssistant({ name, graph_id: "context", context }) });
    }
    const names = (await tools()).map(({ name }) => name);
    const suffix = (at: number) => made[at]!.id.replaceAll("-", "").slice(-12);
    const expected = [
      "twin",
      `twin_${suffix(1)}`,
      `twin_${suffix(2)}`,
      `steps_${suffix(3)}`,
      `context_${suffix(4)}`,
      `context_${suffix(5)}`,
      "n".repeat(64),
      `${"n".repeat(51)}_${suffix(7)}`,
    ];
    expect(names).toEqual(expect.arrayContaining(expected));
    for (const [at, name] of expected.entries()) {
      const { json } = await call(name);
      expect(json.result.structuredContent.log[0], name).toBe(`context ${at}`);
    }
  });

  test("with a schema that takes long are listed with an open one, those of broken graphs not at all", async () => {
    const schemas: Schemas = (graphId) => {
      if (graphId === "steps") return new Promise(() => {});
      if (graphId === "fan") return Promise.reject(invalid("The file is broken."));
      return quickSchema(graphId);
    };
    const impatient = createMcpApp(withSchemas(schemas), { version: "1", schemaWaitMs: 100 });
    const { json } = await post(impatient, "/mcp", rpc("tools/list"));
    const found = json.result.tools as Tool[];
    const schemaOf = (name: string) => found.find((one) => one.name === name)?.inputSchema;
    expect(schemaOf("steps")).toEqual({ type: "object" });
    expect(schemaOf("chat")).toMatchObject({ properties: { from_chat: {} } });
    expect(schemaOf("fan")).toBeUndefined();
  });

  test("come a hundred at a time", async () => {
    await using own = await openApi({ worker: false });
    const ownApp = createMcpApp(own.ports, { version: "1", schemaWaitMs: 1 });
    for (let at = 0; at < 120; at += 1) {
      await own.call("POST", "/assistants", { graph_id: "steps", name: `a${at}` });
    }
    const names: string[] = [];
    let cursor: string | undefined;
    const sizes: number[] = [];
    do {
      const { json } = await post(ownApp, "/mcp", rpc("tools/list", { cursor }));
      names.push(...json.result.tools.map(({ name }: Tool) => name));
      sizes.push(json.result.tools.length);
      cursor = json.result.nextCursor;
    } while (cursor !== undefined);
    expect(sizes[0]).toBe(100);
    expect(sizes).toHaveLength(2);
    expect(new Set(names).size).toBe(120 + own.ports.graphs.ids().length);
    const wrong = await post(ownApp, "/mcp", rpc("tools/list", { cursor: "gone" }));
    expect(wrong.json.error).toMatchObject({ code: -32602 });
  });
});

describe("tools/call", () => {
  test("runs the assistant, answers with its output, and leaves nothing", async () => {
    const { status, json, headers } = await call("steps", { input: "x" });
    expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    const { content, structuredContent, isError } = json.result;
    expect(isError).toBe(false);
    expect(structuredContent).toEqual({ log: ["one", "two", "three"], input: "x" });
    expect(JSON.parse(content[0].text)).toEqual(structuredContent);
    expect((await api.call("POST", "/threads/count", {})).json).toBe(0);
  });

  test("a run that fails is a result for the model to read", async () => {
    const { json } = await call("thrower");
    expect(json.result).toEqual({
      content: [{ type: "text", text: "RangeError: boom!" }],
      isError: true,
    });
  });

  test("an assistant that asks cannot be answered, and says so", async () => {
    const { json } = await call("asking");
    expect(json.result.isError).toBe(true);
    expect(json.result.content[0].text).toMatch(/stopped to ask.*how old\?.*A2A/s);
    expect((await api.call("POST", "/threads/count", {})).json).toBe(0);
  });

  test("tells of its steps when it is asked to", async () => {
    const { text, headers } = await call(
      "steps",
      { input: "x" },
      { _meta: { progressToken: "p" } },
    );
    expect(headers.get("content-type")).toBe("text/event-stream");
    const messages = eventsOf(text).map(({ event, data }) => {
      expect(event).toBe("message");
      return data;
    });
    const progress = (step: number, message: string) => ({
      jsonrpc: "2.0",
      method: "notifications/progress",
      params: { progressToken: "p", progress: step, message },
    });
    expect(messages.slice(0, -1)).toEqual([
      progress(1, "one"),
      progress(2, "two"),
      progress(3, "three"),
    ]);
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { isError: false } });
  });

  test("an unknown tool and wrong parameters are errors of the protocol", async () => {
    for (const params of [
      { name: "nobody" },
      {},
      { name: 7 },
      { name: "steps", arguments: [] },
      { name: "steps", arguments: "x" },
      { name: "steps", _meta: { progressToken: {} } },
    ]) {
      const { status, json } = await send(rpc("tools/call", params, "id"));
      expect([status, json.id, json.error?.code], JSON.stringify(params)).toEqual([
        200,
        "id",
        -32602,
      ]);
      expect(json.error.message).toMatch(/^[A-Z].*\.$/);
    }
  });

  test("two calls at once have each their own answer", async () => {
    const inputs = ["a", "b", "c", "d"];
    const answered = await Promise.all(inputs.map((input) => call("steps", { input })));
    expect(answered.map(({ json }) => json.result.structuredContent.input)).toEqual(inputs);
  });

  test.for([
    ["JSON", undefined, "\n"],
    ["an event stream", "p", ": heartbeat"],
  ])("a client that goes away from %s ends the run", async ([, progressToken, sign]) => {
    const begun = nextWaiting("gate");
    const params = { name: "obedient", arguments: {}, _meta: { progressToken } };
    const response = await app.request("/mcp", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
      },
      body: JSON.stringify(rpc("tools/call", params)),
    });
    const reader = response.body!.getReader();
    await begun;
    await readUntil(reader, sign!);
    expect(await runsInFlight()).toBe(1);
    await reader.cancel();
    await expect.poll(runsInFlight, { timeout: 10_000 }).toBe(0);
    expect((await api.call("POST", "/threads/count", {})).json).toBe(0);
  });

  test("a cancellation that names another client's request by number ends nothing", async () => {
    const begun = nextWaiting("gate");
    const answered = call("obedient", {});
    const gate = await begun;
    const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled" };
    expect((await send({ ...cancelled, params: { requestId: 1 } })).status).toBe(202);
    engineFixture().gates.get(gate)!();
    expect((await answered).json.result.isError).toBe(false);
  });
});

interface Told {
  id: unknown;
  params?: { progressToken: string; message: string };
  result?: { structuredContent?: object };
  error?: { code: number };
}

describe("a batch", () => {
  const batch = async (messages: unknown[], headers = {}) => {
    const answered = await send(messages, headers);
    expect(answered.status).toBe(200);
    expect(answered.headers.get("content-type")).toBe("text/event-stream");
    return eventsOf(answered.text).map(({ data }) => data as Told);
  };
  const steps = (id: unknown, more = {}) =>
    rpc("tools/call", { name: "steps", arguments: { input: String(id) }, ...more }, id);

  test.for([
    ["no revision", {}],
    ["2025-03-26", revision("2025-03-26")],
  ] as const)("with %s is answered one by one", async ([, headers]) => {
    const noted = { jsonrpc: "2.0", method: "notifications/initialized" };
    const answers = await batch([steps("a"), noted, rpc("ping", {}, 2), steps(3)], headers);
    const byId = new Map(answers.map((one) => [one.id, one.result]));
    expect(answers).toHaveLength(3);
    expect(byId.get("a")?.structuredContent).toMatchObject({ input: "a" });
    expect(byId.get(2)).toEqual({});
    expect(byId.get(3)?.structuredContent).toMatchObject({ input: "3" });
  });

  test("tells of the progress of each, and of each error in its place", async () => {
    const answers = await batch([
      steps("a", { _meta: { progressToken: "of a" } }),
      steps("b", { _meta: { progressToken: "of b" } }),
      rpc("nonsense", {}, 3),
      rpc("initialize", { protocolVersion: "2025-03-26" }, 4),
      rpc("tools/call", { name: "nobody" }, 5),
    ]);
    for (const token of ["of a", "of b"]) {
      const told = answers.filter(({ params }) => params?.progressToken === token);
      expect(told.map(({ params }) => params?.message)).toEqual(["one", "two", "three"]);
    }
    const codes = answers.flatMap(({ id, error }) => (error ? [[id, error.code]] : []));
    expect(codes.toSorted()).toEqual([
      [3, -32601],
      [4, -32600],
      [5, -32602],
    ]);
  });

  test("of notifications alone is taken note of", async () => {
    const noted = { jsonrpc: "2.0", method: "notifications/initialized" };
    const { status, text } = await send([noted, noted]);
    expect([status, text]).toEqual([202, ""]);
  });
});

describe("bad input", () => {
  test.for<[string, unknown, Record<string, string | null>, number, number]>([
    ["no JSON", "{", {}, 400, -32700],
    ["nothing", "", {}, 400, -32600],
    ["a text", '"x"', {}, 400, -32600],
    ["null", "null", {}, 400, -32600],
    ["a batch in a revision without", [rpc("ping")], revision("2025-06-18"), 400, -32600],
    ["a batch in the newest revision", [rpc("ping")], revision("2025-11-25"), 400, -32600],
    ["an empty batch", [], {}, 400, -32600],
    ["a batch with what is no message", [rpc("ping"), "x"], {}, 400, -32600],
    ["a batch with an id that is null", [rpc("ping"), rpc("ping", {}, null)], {}, 400, -32600],
    ["a gigantic batch", Array(101).fill(rpc("ping")), {}, 400, -32600],
    ["JSON-RPC 1", { id: 1, method: "ping" }, {}, 400, -32600],
    ["an id that is null", rpc("ping", {}, null), {}, 400, -32600],
    ["an id that is an object", rpc("ping", {}, {}), {}, 400, -32600],
    ["params that are a list", rpc("ping", []), {}, 400, -32600],
    ["no method", { jsonrpc: "2.0", id: 1 }, {}, 400, -32600],
    ["a gigantic body", rpc("ping", { x: "x".repeat(10_000) }), {}, 413, -32000],
    ["an unknown method", rpc("resources/list"), {}, 200, -32601],
    ["the name of a built-in property", rpc("constructor"), {}, 200, -32601],
    ["another content type", rpc("ping"), { "content-type": "text/plain" }, 415, -32600],
    ["no Accept", rpc("ping"), { accept: null }, 400, -32600],
    ["only JSON accepted", rpc("ping"), { accept: "application/json" }, 400, -32600],
    ["only events accepted", rpc("ping"), { accept: "text/event-stream" }, 400, -32600],
    ["an unknown version", rpc("ping"), { "mcp-protocol-version": "1999-01-01" }, 400, -32600],
  ])("%s", async ([name, body, headers, status, code]) => {
    const answered = await send(body, headers);
    expect([answered.status, answered.json?.error?.code], name).toEqual([status, code]);
    expect(answered.headers.get("content-type")).toBe("application/json");
    expect(answered.json).toMatchObject({ jsonrpc: "2.0" });
    expect(answered.json.error.message).toMatch(/^[A-Z].{10,}[.!]$|^Malformed JSON/s);
    expect(await runsInFlight()).toBe(0);
  });

  test("a session that this server did not give is no reason to refuse", async () => {
    const headers = { "mcp-session-id": "somebody's", "content-type": null };
    expect((await send(rpc("ping"), headers)).json.result).toEqual({});
  });

  test("GET is not allowed, and there is no session to DELETE", async () => {
    for (const [method, status, allow] of [
      ["GET", 405, "POST"],
      ["PUT", 405, "POST"],
      ["DELETE", 404, null],
    ] as const) {
      for (const path of ["/mcp", "/mcp/"]) {
        const answered = await app.request(path, { method });
        expect([answered.status, answered.headers.get("allow")]).toEqual([status, allow]);
        expect(await answered.json()).toMatchObject({ jsonrpc: "2.0", error: {} });
      }
    }
    expect((await post(app, "/mcp/", rpc("ping"))).status).toBe(200);
  });

  test("nothing of it was a surprise to the server", () => {
    expect(api.errors).toEqual([]);
  });

  test("what was not foreseen is logged whole, and told without its insides", async () => {
    const assistants = { search: () => Promise.reject(new Error("password=hunter2")) } as never;
    const storage = { ...api.ports.storage, assistants };
    const errors: unknown[] = [];
    const log = { ...api.ports.log, error: (fields: unknown) => void errors.push(fields) };
    const broken = createMcpApp({ ...api.ports, storage, log }, { version: "1" });
    const { status, json, text } = await post(broken, "/mcp", rpc("tools/list", {}, 7));
    expect([status, json.id, json.error.code]).toEqual([500, 7, -32603]);
    expect(text).not.toContain("hunter2");
    expect(errors).toHaveLength(1);
  });
});
