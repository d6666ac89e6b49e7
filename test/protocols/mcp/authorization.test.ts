import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readFilter } from "../../../src/core/condition.ts";
import { createMcpApp, mcpDialect } from "../../../src/protocols/mcp/app.ts";
import { openApi, type TestApi } from "../../support/api.ts";
import { ownedByUser, TestAuth } from "../../support/auth.ts";
import { post, rpc } from "../../support/rpc.ts";

/** The walk of authorization.test.ts over the methods of MCP: the gate, the handlers and the filters are the same. */

const auth = new TestAuth();
let api: TestApi;
let app: ReturnType<typeof createMcpApp>;
beforeAll(async () => {
  api = await openApi({ ports: { auth } });
  app = createMcpApp(api.ports, { version: "1", schemaWaitMs: 1 });
  auth.decide = ownedByUser;
  const body = { graph_id: "steps", name: "adas", metadata: { note: "secret" } };
  await api.call("POST", "/assistants", body, { "x-user": "ada" });
});
beforeEach(() => {
  auth.decide = ownedByUser;
  auth.asked.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const send = (user: string | null, body: unknown) => post(app, "/mcp", body, { "x-user": user });
const callAdas = rpc("tools/call", { name: "adas", arguments: { input: "x" } });
const asked = () => auth.asked.map(({ action }) => action);

test("every route says what it does to what, and nobody comes in without saying who they are", async () => {
  for (const { method, action } of mcpDialect(api.ports, { version: "1" }).routes) {
    expect(action).toBe(method === "POST" ? "threads:create_run" : null);
  }
  for (const body of [rpc("initialize"), rpc("ping"), rpc("tools/list"), callAdas, "{"]) {
    const { status, json, headers } = await send(null, body);
    expect([status, json.error.code]).toEqual([401, -32000]);
    expect(headers.get("www-authenticate")).toBe("Bearer");
  }
});

test("a handler that denies everything closes every method that reads or runs", async () => {
  auth.decide = () => ({ kind: "deny" });
  for (const body of [rpc("tools/list"), callAdas, [rpc("ping"), callAdas]]) {
    const { status, json } = await send("bob", body);
    expect([status, json.error.code]).toEqual([403, -32000]);
  }
  expect(asked()).toEqual(["assistants:search", "assistants:search", "assistants:search"]);
});

test("an assistant that is filtered away is no tool", async () => {
  const { json } = await send("bob", rpc("tools/list"));
  expect(json.result.tools).toEqual([]);
  const called = await send("bob", callAdas);
  expect(called.json.error).toMatchObject({ code: -32602, message: expect.stringMatching("adas") });
  expect(called.text).not.toContain("secret");
  expect((await api.engine.ports.storage.runs.counts()).pending).toBe(0);
});

test("Ada's is hers, and her handlers are told which assistant she runs with what", async () => {
  const { json } = await send("ada", rpc("tools/list"));
  expect(json.result.tools.map(({ name }: { name: string }) => name)).toEqual(["adas"]);
  auth.asked.length = 0;
  const called = await send("ada", callAdas);
  expect(called.json.result.structuredContent.log).toEqual(["one", "two", "three"]);
  expect(asked()).toEqual(["assistants:search", "threads:create_run", "assistants:read"]);
  const [, creation] = auth.asked;
  const assistants = await api.engine.ports.storage.assistants.search({
    filter: { name: "adas" },
    sort: { by: "created_at", order: "asc" },
    page: { limit: 1, offset: 0 },
  });
  expect(creation!.value).toMatchObject({
    assistant_id: assistants.items[0]!.assistantId,
    thread_id: null,
    kwargs: { input: { input: "x" } },
  });
});

test("a handler may close the runs of one assistant alone, and change what the others are given", async () => {
  auth.decide = ({ action, value }) => {
    if (action !== "threads:create_run") return { kind: "allow" };
    (value["kwargs"] as Record<string, unknown>)["input"] = { input: "changed" };
    const isOpen = value["assistant_id"] === "fixed";
    return isOpen ? { kind: "deny" } : { kind: "filter", condition: readFilter({ owner: "bob" }) };
  };
  const called = await send("bob", rpc("tools/call", { name: "steps", arguments: {} }));
  expect(called.json.result?.structuredContent?.input ?? called.text).toBe("changed");
});
