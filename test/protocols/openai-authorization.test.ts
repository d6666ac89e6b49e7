import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { ThreadId } from "../../src/core/ids.ts";
import { createOpenaiApp, openaiDialect } from "../../src/protocols/openai/app.ts";
import { encodeId } from "../../src/protocols/openai/ids.ts";
import { openApi, type TestApi } from "../support/api.ts";
import { ownedByUser, TestAuth } from "../support/auth.ts";

/** The walk of authorization.test.ts over the routes of the OpenAI dialect, on the same threads. */

const auth = new TestAuth();
const models = () => [{ id: "gpt", owner: "test" }];
const secret = "adas-secret";
let api: TestApi;
let app: ReturnType<typeof createOpenaiApp>;
let ids: Record<string, string>;
let threadId: ThreadId;

const routes = () => openaiDialect(api.ports, { models }).routes;

beforeAll(async () => {
  api = await openApi({ ports: { auth } });
  app = createOpenaiApp(api.ports, { models });
});
afterAll(() => api[Symbol.asyncDispose]());

beforeEach(async () => {
  auth.decide = ownedByUser;
  const ada = { "x-user": "ada" };
  const make = async (path: string, body: object) => (await api.call("POST", path, body, ada)).json;
  const metadata = { note: secret };
  const assistant = await make("/assistants", { graph_id: "steps", name: secret, metadata });
  const thread = await make("/threads", { metadata });
  const body = { assistant_id: "steps", input: { input: secret }, metadata };
  const run = await make(`/threads/${thread.thread_id}/runs`, { ...body, after_seconds: 3600 });
  threadId = thread.thread_id;
  ids = {
    assistant_id: encodeId("asst", assistant.assistant_id),
    thread_id: encodeId("thread", threadId),
    run_id: encodeId("run", run.run_id),
    message_id: "msg_000000000000000000000001",
    step_id: "step_00000000000000000000001",
    model: "gpt",
  };
});

async function call(user: string | null, method: string, path: string, body?: unknown) {
  const init: RequestInit = { method, headers: user ? { "x-user": user } : {} };
  if (body !== undefined) init.body = JSON.stringify(body);
  const answered = await app.request(path, init);
  return { status: answered.status, text: await answered.text() };
}

/** By the end of the path; all others are sent an empty object. */
const bodies: Record<string, () => unknown> = {
  "POST /threads/{thread_id}": () => ({ metadata: { owner: "bob" } }),
  "POST /threads/{thread_id}/messages": () => ({ role: "user", content: "x" }),
  "POST /threads/{thread_id}/messages/{message_id}": () => ({ metadata: {} }),
  "POST /threads/{thread_id}/runs": () => ({ assistant_id: ids["assistant_id"] }),
  "POST /threads/runs": () => ({ assistant_id: ids["assistant_id"] }),
  "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": () => ({
    tool_outputs: [{ tool_call_id: "a", output: "b" }],
  }),
  "POST /assistants/{assistant_id}": () => ({ name: "taken over" }),
};

function* calls() {
  for (const route of routes()) {
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => ids[key]!);
    const name = `${route.method} ${route.path}`;
    const own = `${route.method} ${route.path.replace(/^\/(openai\/v1|openai|v1)/, "")}`;
    const sent = route.body ? (bodies[own]?.() ?? {}) : undefined;
    const isAdas = /\{(thread|assistant)_id\}/.test(route.path) || own === "POST /threads/runs";
    yield { route, path, name, sent, isAdas };
  }
}

async function adas(): Promise<string> {
  const { storage } = api.engine.ports;
  const filter = { metadata: { owner: "ada" } };
  const query = {
    filter,
    sort: { by: "created_at", order: "asc" },
    page: { limit: 1000, offset: 0 },
  } as const;
  const threads = await storage.threads.search(query);
  const runs = await storage.runs.list({ threadId, page: query.page });
  return JSON.stringify([threads, runs, await storage.assistants.search(query)]);
}

test("every route says what it does to what, but for the list of models, which is for whoever is known", () => {
  const others = routes().filter(({ action }) => !action?.includes(":"));
  expect(others.map(({ action }) => action)).toEqual(Array(6).fill("member"));
  expect(others.every(({ path }) => path.includes("/models"))).toBe(true);
});

test("nobody comes in without saying who they are", async () => {
  for (const { route, path, name, sent } of calls()) {
    expect((await call(null, route.method, path, sent)).status, name).toBe(401);
  }
});

test("a handler that denies everything closes every route, and nothing is changed", async () => {
  const before = await adas();
  auth.decide = () => ({ kind: "deny" });
  for (const { route, path, name, sent } of calls()) {
    if (route.action === "member") continue;
    auth.asked.length = 0;
    expect((await call("bob", route.method, path, sent)).status, name).toBe(403);
    expect(
      auth.asked.map(({ action }) => action),
      name,
    ).toEqual([route.action]);
    const asked = auth.asked[0]!.value["thread_id"];
    expect(asked, name).toBe(route.path.includes("{thread_id}") ? threadId : undefined);
  }
  expect(await adas()).toBe(before);
});

test("another never sees or changes what Ada made, by any route", async () => {
  const before = await adas();
  for (const { route, path, name, sent, isAdas } of calls()) {
    const { status, text } = await call("bob", route.method, path, sent);
    const allowed = isAdas ? [404] : [200, 400, 404];
    expect(allowed, `${name}: ${text}`).toContain(status);
    expect(text, name).not.toContain(secret);
    expect(await adas(), name).toBe(before);
  }
  expect(api.errors).toEqual([]);
});

test("what is hers stays hers when Ada replaces all metadata, and is found by her", async () => {
  const { status } = await call("ada", "POST", `/v1/threads/${ids["thread_id"]}`, {
    metadata: { a: "b" },
  });
  expect(status).toBe(200);
  const thread = await api.ports.storage.threads.get(threadId);
  expect(thread?.metadata).toMatchObject({ owner: "ada", a: "b" });
  expect(thread?.metadata).not.toHaveProperty("note");
  const made = await call("ada", "POST", "/v1/threads", {});
  expect(made.status).toBe(200);
  const { id } = JSON.parse(made.text);
  expect((await call("ada", "GET", `/v1/threads/${id}`)).status).toBe(200);
  expect((await call("bob", "GET", `/v1/threads/${id}`)).status).toBe(404);
});
