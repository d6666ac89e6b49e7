import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Client as FirstClient } from "@langchain/langgraph-sdk";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

const noon = Date.parse("2030-01-01T12:00:00Z");

let api: TestApi;
let server: Server;
let url: string;

beforeAll(async () => {
  api = await openApi({ worker: false, ports: { clock: { now: () => noon } } });
  server = createServer(getRequestListener(api.app.fetch));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await api[Symbol.asyncDispose]();
});

const minimal = { assistant_id: "steps", schedule: "*/10 * * * *" };
const create = async (change: object = {}) =>
  (await api.call("POST", "/runs/crons", { ...minimal, ...change })).json;

describe("a cron over the wire", () => {
  test("has exactly the keys of the specification", async () => {
    const { status, json } = await api.call("POST", "/runs/crons", minimal);
    expect(status).toBe(200);
    expect(json).toEqual({
      cron_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      assistant_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      thread_id: null,
      on_run_completed: "delete",
      end_time: null,
      schedule: "*/10 * * * *",
      timezone: null,
      created_at: "2030-01-01T12:00:00.000Z",
      updated_at: "2030-01-01T12:00:00.000Z",
      user_id: null,
      payload: {
        assistant_id: json.assistant_id,
        input: null,
        metadata: {},
        stream_mode: ["values"],
        stream_subgraphs: false,
        stream_resumable: false,
        durability: "async",
      },
      next_run_date: "2030-01-01T12:10:00.000Z",
      metadata: {},
      enabled: true,
    });
    expect((await api.call("GET", `/runs/crons/${json.cron_id}`)).json).toEqual(json);
  });

  test("keeps every field that it was given", async () => {
    const json = await create({
      timezone: "Asia/Seoul",
      end_time: "2030-06-01T00:00:00+09:00",
      input: { input: "x" },
      metadata: { team: "blue" },
      config: { tags: ["a"], system_prompt: "Hi" },
      context: { depth: 1 },
      webhook: "https://example.org/hook",
      interrupt_before: "*",
      interrupt_after: ["one"],
      on_run_completed: "keep",
      enabled: false,
      stream_mode: "updates",
      stream_subgraphs: true,
      stream_resumable: true,
      checkpoint_during: false,
      unknown: 1,
    });
    expect(json).toMatchObject({
      timezone: "Asia/Seoul",
      end_time: "2030-05-31T15:00:00.000Z",
      on_run_completed: "keep",
      enabled: false,
      next_run_date: null,
      metadata: { team: "blue" },
      payload: {
        input: { input: "x" },
        config: { tags: ["a"], configurable: { system_prompt: "Hi" } },
        context: { depth: 1 },
        webhook: "https://example.org/hook",
        interrupt_before: "*",
        interrupt_after: ["one"],
        stream_mode: ["updates"],
        stream_subgraphs: true,
        stream_resumable: true,
        durability: "exit",
      },
    });
  });

  test("may pin a version of its assistant", async () => {
    const { json: assistant } = await api.call("POST", "/assistants", { graph_id: "steps" });
    const pinned = await create({ assistant_id: `${assistant.assistant_id}@1` });
    expect(pinned.payload).toMatchObject({ assistant_version: 1 });
    const following = await create({ assistant_id: assistant.assistant_id });
    expect(following.payload).not.toHaveProperty("assistant_version");
  });

  test("on a thread shows its strategy, and is created with the thread when asked to", async () => {
    const threadId = crypto.randomUUID();
    const path = `/threads/${threadId}/runs/crons`;
    expect((await api.call("POST", path, minimal)).status).toBe(404);
    const { json } = await api.call("POST", path, {
      ...minimal,
      if_not_exists: "create",
      multitask_strategy: "rollback",
    });
    expect(json).toMatchObject({ thread_id: threadId, on_run_completed: null });
    expect(json.payload.multitask_strategy).toBe("rollback");
    expect((await api.call("GET", `/threads/${threadId}`)).status).toBe(200);
    await api.call("DELETE", `/threads/${threadId}`);
    expect((await api.call("GET", `/runs/crons/${json.cron_id}`)).status).toBe(404);
  });
});

describe("a change", () => {
  test("counts the next date anew and leaves what it does not name", async () => {
    const cron = await create({ input: { input: "x" }, metadata: { a: 1, b: 1 } });
    const path = `/runs/crons/${cron.cron_id}`;
    const change = { schedule: "0 9 * * *", timezone: "Asia/Seoul", metadata: { b: 2 } };
    const { status, json } = await api.call("PATCH", path, change);
    expect(status).toBe(200);
    expect(json).toEqual({
      ...cron,
      schedule: "0 9 * * *",
      timezone: "Asia/Seoul",
      metadata: { a: 1, b: 2 },
      next_run_date: "2030-01-02T00:00:00.000Z",
      payload: { ...cron.payload, metadata: { a: 1, b: 2 } },
    });
    expect((await api.call("GET", path)).json).toEqual(json);
  });

  test("of each field is kept; null clears those that can be absent", async () => {
    const cron = await create({ end_time: "2030-01-01T12:05:00" });
    const path = `/runs/crons/${cron.cron_id}`;
    expect(cron).toMatchObject({ end_time: "2030-01-01T12:05:00.000Z", next_run_date: null });
    const cleared = await api.call("PATCH", path, { end_time: null });
    expect(cleared.json).toMatchObject({
      end_time: null,
      next_run_date: "2030-01-01T12:10:00.000Z",
    });
    const all = await api.call("PATCH", path, {
      input: [1],
      config: { tags: ["b"] },
      context: { c: 1 },
      webhook: "/done",
      interrupt_before: ["one"],
      interrupt_after: "*",
      on_run_completed: "keep",
      enabled: false,
      stream_mode: ["messages"],
      stream_subgraphs: true,
      stream_resumable: true,
      durability: "sync",
    });
    expect(all.json).toMatchObject({
      on_run_completed: "keep",
      enabled: false,
      next_run_date: null,
      payload: {
        input: [1],
        config: { tags: ["b"] },
        context: { c: 1 },
        webhook: "/done",
        interrupt_before: ["one"],
        interrupt_after: "*",
        stream_mode: ["messages"],
        stream_subgraphs: true,
        stream_resumable: true,
        durability: "sync",
      },
    });
    const none = await api.call("PATCH", path, {
      webhook: null,
      config: null,
      context: null,
      interrupt_before: null,
      interrupt_after: null,
      enabled: true,
    });
    expect(Object.keys(none.json.payload)).not.toEqual(expect.arrayContaining(["webhook"]));
    expect(none.json).toMatchObject({ enabled: true, payload: { input: [1] } });
  });
});

describe("search and count", () => {
  test("filter, sort, page and select", async () => {
    const { json: assistant } = await api.call("POST", "/assistants", { graph_id: "steps" });
    const { assistant_id } = assistant;
    const one = await create({ assistant_id, metadata: { n: 1 }, schedule: "0 * * * *" });
    const two = await create({ assistant_id, metadata: { n: 2 }, enabled: false });
    const three = await create({ assistant_id, metadata: { n: 1 }, schedule: "30 * * * *" });
    const search = async (body: object) => {
      const answer = await api.call("POST", "/runs/crons/search", { assistant_id, ...body });
      expect(answer.status).toBe(200);
      return answer;
    };
    const ids = async (body: object) =>
      (await search(body)).json.map((cron: { cron_id: string }) => cron.cron_id);
    expect((await ids({})).toSorted()).toEqual([one, two, three].map((c) => c.cron_id).toSorted());
    expect(await ids({ enabled: false })).toEqual([two.cron_id]);
    expect(await ids({ metadata: { n: 1 }, sort_by: "next_run_date", sort_order: "asc" })).toEqual([
      three.cron_id,
      one.cron_id,
    ]);
    const page = await search({ sort_by: "cron_id", sort_order: "asc", limit: 2 });
    expect(page.headers.get("x-pagination-total")).toBe("3");
    expect(page.headers.get("x-pagination-next")).toBe("2");
    expect((await search({ select: ["cron_id", "enabled"], enabled: false })).json).toEqual([
      { cron_id: two.cron_id, enabled: false },
    ]);
    const count = async (body: object) =>
      (await api.call("POST", "/runs/crons/count", { assistant_id, ...body })).json;
    expect(await count({})).toBe(3);
    expect(await count({ metadata: { n: 1 } })).toBe(2);
    expect(await count({ thread_id: crypto.randomUUID() })).toBe(0);
    expect(await count({ assistant_id: crypto.randomUUID() })).toBe(0);
  });

  test("a graph's id stands for its default assistant", async () => {
    const cron = await create({ assistant_id: "nested" });
    const { json } = await api.call("POST", "/runs/crons/search", { assistant_id: "nested" });
    expect(json).toEqual([cron]);
  });
});

describe("what is wrong is said in a sentence", () => {
  const unknown = crypto.randomUUID();

  test.each<[string, string, unknown, number, RegExp]>([
    ["POST", "/runs/crons", {}, 422, /`schedule`.*required.*`assistant_id`/],
    ["POST", "/runs/crons", "{", 400, /Malformed JSON/],
    ["POST", "/runs/crons", { ...minimal, schedule: "daily" }, 422, /five fields/],
    ["POST", "/runs/crons", { ...minimal, schedule: "99 * * * *" }, 422, /minute: 99/],
    ["POST", "/runs/crons", { ...minimal, schedule: "0 0 30 2 *" }, 422, /never comes/],
    ["POST", "/runs/crons", { ...minimal, timezone: "Mars/Base" }, 422, /Invalid timezone/],
    ["POST", "/runs/crons", { ...minimal, end_time: "tomorrow" }, 422, /`end_time`.*ISO/],
    ["POST", "/runs/crons", { ...minimal, enabled: "yes" }, 422, /`enabled`/],
    ["POST", "/runs/crons", { ...minimal, on_run_completed: "x" }, 422, /`on_run_completed`/],
    ["POST", "/runs/crons", { ...minimal, multitask_strategy: "x" }, 422, /`multitask_strategy`/],
    ["POST", "/runs/crons", { ...minimal, stream_mode: "x" }, 422, /`stream_mode`/],
    ["POST", "/runs/crons", { ...minimal, webhook: "ftp://x" }, 422, /http or https/],
    ["POST", "/runs/crons", { ...minimal, assistant_id: "nobody" }, 404, /No assistant found/],
    ["POST", `/threads/${unknown}/runs/crons`, minimal, 404, /Thread with ID/],
    ["POST", "/threads/x/runs/crons", minimal, 422, /`thread_id`.*UUID/],
    ["POST", "/runs/crons/search", { sort_by: "x" }, 422, /`sort_by`/],
    ["POST", "/runs/crons/search", { limit: 0 }, 422, /`limit`/],
    ["POST", "/runs/crons/search", { limit: 1001 }, 422, /`limit`/],
    ["POST", "/runs/crons/search", { offset: -1 }, 422, /`offset`/],
    ["POST", "/runs/crons/search", { select: ["x"] }, 422, /`select/],
    ["POST", "/runs/crons/search", { thread_id: "x" }, 422, /`thread_id`/],
    ["POST", "/runs/crons/count", { metadata: 1 }, 422, /`metadata`/],
    ["GET", "/runs/crons/x", undefined, 422, /`cron_id`.*UUID/],
    ["GET", `/runs/crons/${unknown}`, undefined, 404, /Cron not found/],
    ["PATCH", `/runs/crons/${unknown}`, {}, 404, /Cron not found/],
    ["DELETE", `/runs/crons/${unknown}`, undefined, 404, /Cron not found/],
  ])("%s %s %j", async (method, path, body, status, sentence) => {
    const answer = await api.call(method, path, body);
    expect([answer.status, answer.json.detail]).toEqual([status, expect.stringMatching(sentence)]);
  });

  test.each([
    [{ schedule: "daily" }, /five fields/],
    [{ timezone: "Mars/Base" }, /Invalid timezone/],
    [{ webhook: "ftp://x" }, /http or https/],
    [{ end_time: 5 }, /`end_time`/],
  ])("a change %j leaves the cron as it was", async (change, sentence) => {
    const cron = await create();
    const path = `/runs/crons/${cron.cron_id}`;
    const { status, json } = await api.call("PATCH", path, change);
    expect([status, json.detail]).toEqual([422, expect.stringMatching(sentence)]);
    expect((await api.call("GET", path)).json).toEqual(cron);
  });
});

test("a server says that it has crons", async () => {
  expect((await api.call("GET", "/info")).json.flags.crons).toBe(true);
});

describe.each([
  ["version 1", () => new FirstClient({ apiUrl: url })],
  ["version 2", () => new SecondClient({ apiUrl: url }) as unknown as FirstClient],
])("the SDK's client, %s", (_version, connect) => {
  test("calls every method of client.crons", async () => {
    const { crons, threads } = connect();
    const { thread_id } = await threads.create();
    const stateless = await crons.create("steps", {
      schedule: "0 9 * * *",
      input: { input: "x" },
      metadata: { by: thread_id },
      onRunCompleted: "keep",
    });
    const onThread = await crons.createForThread(thread_id, "steps", {
      schedule: "0 9 * * *",
      metadata: { by: thread_id },
      multitaskStrategy: "interrupt",
    });
    expect(onThread).toMatchObject({ thread_id, next_run_date: "2030-01-02T09:00:00.000Z" });
    const found = await crons.search({ threadId: thread_id });
    expect(found.map(({ cron_id }) => cron_id)).toEqual([onThread.cron_id]);
    expect(await crons.count({ threadId: thread_id })).toBe(1);
    const updated = await crons.update(stateless.cron_id, {
      schedule: "0 10 * * *",
      enabled: false,
    });
    expect(updated).toMatchObject({ schedule: "0 10 * * *", enabled: false, next_run_date: null });
    await crons.delete(stateless.cron_id);
    await expect(crons.delete(stateless.cron_id)).rejects.toThrow(/404/);
  });
});
