import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { a2aDialect, createA2aApp } from "../../../src/protocols/a2a/app.ts";
import { openApi, type TestApi } from "../../support/api.ts";
import { ownedByUser, TestAuth } from "../../support/auth.ts";
import { post, rpc } from "../../support/rpc.ts";

/** The walk of authorization.test.ts over the routes and methods of A2A, on the same threads. */

const auth = new TestAuth();
const secret = "adas-secret";
let api: TestApi;
let app: ReturnType<typeof createA2aApp>;
let assistant: string;
let task: { id: string; contextId: string };

const part = { kind: "data", data: { input: secret } };
const message = (more: object = {}) => ({ message: { messageId: "m", parts: [part], ...more } });

beforeAll(async () => {
  api = await openApi({ ports: { auth } });
  app = createA2aApp(api.ports);
  auth.decide = ownedByUser;
  const body = { graph_id: "asking", name: secret, metadata: { note: secret } };
  const made = await api.call("POST", "/assistants", body, { "x-user": "ada" });
  assistant = made.json.assistant_id;
});
beforeEach(async () => {
  auth.decide = ownedByUser;
  task = (await send("ada", rpc("message/send", message()))).json.result;
  auth.asked.length = 0;
});
afterAll(() => api[Symbol.asyncDispose]());

const send = (user: string | null, body: unknown, at = assistant) =>
  post(app, `/a2a/${at}`, body, { "x-user": user, accept: null });
const card = async (user: string | null, path: string) => {
  const answered = await app.request(path, { headers: user ? { "x-user": user } : {} });
  return { status: answered.status, text: await answered.text() };
};
const cards = () => [
  `/.well-known/agent-card.json?assistant_id=${assistant}`,
  `/a2a/${assistant}/.well-known/agent-card.json`,
];

/** Every method about what is Ada's, with the events its handlers are asked about. */
const methods = (): [method: string, params: object, events: string[]][] => [
  ["message/send", message(), ["threads:create_run"]],
  ["SendMessage", message({ contextId: task.contextId }), ["threads:create_run"]],
  ["message/stream", message(), ["threads:create_run"]],
  ["SendStreamingMessage", message(), ["threads:create_run"]],
  ["message/send", message({ taskId: task.id }), ["threads:read", "threads:create_run"]],
  ["GetTask", { id: task.id }, ["threads:read"]],
  ["tasks/get", { id: task.id }, ["threads:read"]],
  ["CancelTask", { id: task.id }, ["threads:update"]],
  ["tasks/cancel", { id: task.id }, ["threads:update"]],
  ["ListTasks", {}, ["threads:search"]],
  ["ListTasks", { contextId: task.contextId }, ["threads:search"]],
];

/** All that is Ada's, as it is stored. */
async function adas(): Promise<string> {
  const { storage } = api.engine.ports;
  const page = { limit: 1000, offset: 0 };
  const sort = { by: "created_at", order: "asc" } as const;
  const threads = await storage.threads.search({ filter: {}, sort, page });
  return JSON.stringify([threads, (await storage.runs.search({ filter: {}, page })).items]);
}

test("every route says what it does to what", () => {
  const actions = a2aDialect(api.ports).routes.map(({ method, action }) => [method, action]);
  expect(actions).toEqual([
    ["POST", "threads:create_run"],
    ["GET", "assistants:read"],
    ["GET", "assistants:read"],
  ]);
});

test("nobody comes in without saying who they are", async () => {
  for (const [method, params] of methods()) {
    const { status, json } = await send(null, rpc(method, params));
    expect([status, json.error.code], method).toEqual([401, -32000]);
  }
  for (const path of cards()) expect((await card(null, path)).status).toBe(401);
});

test("a handler that denies everything closes every method and card, and nothing is changed", async () => {
  const before = await adas();
  auth.decide = () => ({ kind: "deny" });
  for (const at of [assistant, "asking"]) {
    for (const [method, params] of methods()) {
      const { status, text } = await send("bob", rpc(method, params), at);
      expect(status, `${method} ${text}`).toBe(403);
    }
  }
  for (const path of cards()) expect((await card("bob", path)).status).toBe(403);
  expect(await adas()).toBe(before);
});

test("another neither sees nor changes what is Ada's, by any method", async () => {
  const before = await adas();
  for (const path of cards()) {
    const { status, text } = await card("bob", path);
    expect([status, text]).toEqual([404, expect.not.stringContaining(secret)]);
  }
  for (const [method, params] of methods()) {
    const atAdas = await send("bob", rpc(method, params));
    expect([atAdas.status, atAdas.text]).toEqual([404, expect.not.stringContaining(secret)]);
  }
  // Of an assistant that is everybody's.
  const named = methods().filter(([, params]) => JSON.stringify(params).includes(task.contextId));
  for (const [method, params] of named) {
    const { text } = await send("bob", rpc(method, params), "asking");
    expect(text, method).not.toContain(secret);
    const { result, error } = JSON.parse(text);
    const answered = method === "ListTasks" ? result.tasks.length : error.code;
    expect([0, -32001, -32602], method).toContain(answered);
  }
  expect(await adas()).toBe(before);
  expect(api.errors).toEqual([]);
});

test("Ada goes through every method, and her handlers are told what it is about", async () => {
  for (const path of cards()) {
    expect(await card("ada", path)).toMatchObject({ status: 200 });
  }
  for (const [method, params, events] of methods()) {
    const fresh = (await send("ada", rpc("message/send", message()))).json.result;
    const asked = JSON.parse(
      JSON.stringify(params)
        .replaceAll(task.id, fresh.id)
        .replaceAll(task.contextId, fresh.contextId),
    );
    auth.asked.length = 0;
    const { status, text } = await send("ada", rpc(method, asked));
    expect([status, text], method).toEqual([200, expect.not.stringContaining('"error"')]);
    const about = { thread_id: fresh.contextId };
    const values: Record<string, object> = {
      "threads:create_run": { assistant_id: assistant },
      "threads:read": about,
      "threads:update": about,
      "threads:search": {},
    };
    for (const action of events) {
      const value = expect.objectContaining(values[action]!);
      expect(auth.asked).toContainEqual(expect.objectContaining({ action, value }));
    }
  }
});
