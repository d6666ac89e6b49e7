import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const steps = { assistant_id: "steps", input: { input: "x" } };

async function ranThread(): Promise<string> {
  const thread = await api.thread();
  await api.call("POST", `/threads/${thread}/runs/wait`, steps);
  return thread;
}

describe("threads", () => {
  test("a created thread has exactly the keys of the specification", async () => {
    const { status, json } = await api.call("POST", "/threads", { metadata: { owner: "a" } });
    expect(status).toBe(200);
    expect(json).toEqual({
      thread_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      created_at: expect.stringMatching(/Z$/),
      updated_at: json.created_at,
      state_updated_at: json.created_at,
      metadata: { owner: "a" },
      config: {},
      status: "idle",
      values: null,
      interrupts: {},
    });
    expect((await api.call("GET", `/threads/${json.thread_id}?include=ttl,foo`)).json).toEqual(
      json,
    );
  });

  test.for([
    ["no body", undefined, {}],
    ["an empty text", "", { "content-type": "application/json" }],
    ["text/plain", '{"metadata":{"a":1}}', { "content-type": "text/plain;charset=UTF-8" }],
    [
      "what curl says",
      '{"ttl":{"ttl":5}}',
      { "content-type": "application/x-www-form-urlencoded" },
    ],
    ["null for what is unset", '{"thread_id":null,"metadata":null,"supersteps":null}', {}],
  ] as const)("are created from %s", async ([, body, headers]) => {
    expect((await api.call("POST", "/threads", body, headers)).status).toBe(200);
  });

  test("ids are UUIDs in either case, and a taken one is a conflict", async () => {
    const id = "0199C0DE-0000-7000-8000-000000000001";
    const made = await api.call("POST", "/threads", { thread_id: id });
    expect(made.json.thread_id).toBe(id.toLowerCase());
    expect((await api.call("GET", `/threads/${id}`)).status).toBe(200);
    expect((await api.call("POST", "/threads", { thread_id: id })).status).toBe(409);
    const kept = await api.call("POST", "/threads", { thread_id: id, if_exists: "do_nothing" });
    expect(kept.json).toEqual(made.json);
  });

  test("supersteps are a state to begin with; when one fails there is no thread", async () => {
    const supersteps = [{ updates: [{ values: { log: ["given"] }, as_node: "one" }] }];
    const metadata = { graph_id: "steps" };
    const made = await api.call("POST", "/threads", { metadata, supersteps });
    expect(made.json).toMatchObject({ values: { log: ["given"] }, status: "interrupted" });
    const before = (await api.call("POST", "/threads/count")).json;
    const homeless = await api.call("POST", "/threads", { supersteps });
    expect([homeless.status, homeless.json.detail]).toEqual([
      422,
      expect.stringContaining("metadata.graph_id"),
    ]);
    const wrong = [{ updates: [{ values: {}, as_node: "nobody" }] }];
    expect((await api.call("POST", "/threads", { metadata, supersteps: wrong })).status).toBe(422);
    expect((await api.call("POST", "/threads/count")).json).toBe(before);
  });

  test("metadata is merged, with or without an answer", async () => {
    const thread = await api.thread({ metadata: { a: 1, b: 1 } });
    const patched = await api.call("PATCH", `/threads/${thread}`, { metadata: { b: 2 } });
    expect(patched.json.metadata).toEqual({ a: 1, b: 2 });
    const minimal = await api.call(
      "PATCH",
      `/threads/${thread}`,
      { metadata: { c: 3 } },
      { prefer: "return=minimal" },
    );
    expect([minimal.status, minimal.text]).toEqual([204, ""]);
    expect(minimal.headers.get("preference-applied")).toBe("return=minimal");
    expect((await api.call("GET", `/threads/${thread}`)).json.metadata).toEqual({
      a: 1,
      b: 2,
      c: 3,
    });
  });

  test("search filters, selects and tells of the next page; count agrees", async () => {
    const metadata = { searched: true };
    const ids = [];
    for (let at = 0; at < 3; at += 1) ids.push(await api.thread({ metadata }));
    ids.sort();
    await api.call("POST", `/threads/${ids[1]}/runs/wait`, steps);
    const page = await api.call("POST", "/threads/search", {
      metadata,
      limit: 2,
      sort_by: "thread_id",
      sort_order: "asc",
      select: ["thread_id"],
    });
    expect(page.json).toEqual([{ thread_id: ids[0] }, { thread_id: ids[1] }]);
    expect(page.headers.get("x-pagination-total")).toBe("3");
    expect(page.headers.get("x-pagination-next")).toBe("2");
    const values = { log: ["two"] };
    const byValues = await api.call("POST", "/threads/search", { metadata, values });
    expect(byValues.json.map((one: { thread_id: string }) => one.thread_id)).toEqual([ids[1]]);
    expect((await api.call("POST", "/threads/count", { metadata, values })).text).toBe("1");
    const byId = await api.call("POST", "/threads/search", { ids: [ids[2]], status: "idle" });
    expect(byId.json).toHaveLength(1);
  });

  test.for([
    ["return=minimal", 204],
    ['respond-async, return="minimal"; foo=bar', 204],
    ["RETURN = MINIMAL", 204],
    ["return=representation", 200],
    ["x-return=minimal", 200],
    ["", 200],
  ] as const)("an update with `Prefer: %s` is answered with %i", async ([prefer, status]) => {
    const thread = await api.thread();
    const answered = await api.call("PATCH", `/threads/${thread}`, {}, { prefer });
    expect(answered.status).toBe(status);
  });

  test("`state_updated_at` says when the state changed, `updated_at` when anything did", async () => {
    const thread = await api.thread();
    const at = async () => {
      const { json } = await api.call("GET", `/threads/${thread}`);
      return [Date.parse(json.updated_at), Date.parse(json.state_updated_at)] as const;
    };
    const [made] = await at();
    const later = async () => {
      while (Date.now() <= Math.max(...(await at()))) await new Promise(setImmediate);
    };
    await later();
    await api.call("PATCH", `/threads/${thread}`, { metadata: { a: 1 } });
    const [patched, state] = await at();
    expect([patched > made, state]).toEqual([true, made]);
    await later();
    await api.call("POST", `/threads/${thread}/runs/wait`, steps);
    const [ran, stateOfRun] = await at();
    expect([ran > patched, stateOfRun]).toEqual([true, ran]);
    await later();
    await api.call("POST", `/threads/${thread}/state`, { values: { log: ["x"] }, as_node: "one" });
    const [written, stateWritten] = await at();
    expect([written > ran, stateWritten]).toEqual([true, written]);
    const sorted = await api.call("POST", "/threads/search", {
      sort_by: "state_updated_at",
      limit: 1,
      select: ["thread_id", "state_updated_at"],
    });
    expect(sorted.json).toEqual([
      { thread_id: thread, state_updated_at: new Date(written).toISOString() },
    ]);
  });

  test("search extracts what lies at a path, whatever is selected", async () => {
    const thread = await api.thread({ metadata: { "a b": [{ ㄱ: 1 }], n: null } });
    await api.call("POST", `/threads/${thread}/runs/wait`, steps);
    const extracted = async (extract: object, more: object = {}) => {
      const found = await api.call("POST", "/threads/search", { ids: [thread], extract, ...more });
      expect(found.status, found.text).toBe(200);
      return found.json[0];
    };
    const table: [string, unknown][] = [
      ["values.log", ["one", "two", "three"]],
      ["values.log[0]", "one"],
      ["values.log[-1]", "three"],
      ["values.log[3]", null],
      ["values.log[-4]", null],
      ["values.log.length", null],
      ["values.input", "x"],
      ["values.input[0]", null],
      ["values.input.length", null],
      ["values.constructor", null],
      ["metadata.a b[0].ㄱ", 1],
      ["metadata.n", null],
      ["metadata.graph_id", "steps"],
      ["config", {}],
      ["interrupts", {}],
      ["interrupts.none[0].value", null],
    ];
    for (const [path, wanted] of table) {
      const { extracted: got } = await extracted({ it: path });
      expect([path, got]).toEqual([path, { it: wanted }]);
    }
    const selected = await extracted({ last: "values.log[-1]" }, { select: ["status"] });
    expect(selected).toEqual({ status: "idle", extracted: { last: "three" } });
    expect(await extracted({}, { select: ["status"] })).toEqual({ status: "idle", extracted: {} });
  });

  test.for([
    ["a number", 5, "delete", 5],
    ["minutes", { ttl: 0.5 }, "delete", 0.5],
    ["minutes and what then", { ttl: 7, strategy: "keep_latest" }, "keep_latest", 7],
  ] as const)(
    "take a time to live as %s, and tell it when asked",
    async ([, ttl, strategy, minutes]) => {
      const made = await api.call("POST", "/threads", { ttl });
      expect(made.json).not.toHaveProperty("ttl");
      const path = `/threads/${made.json.thread_id}`;
      const told = {
        strategy,
        ttl_minutes: minutes,
        expires_at: new Date(Date.parse(made.json.updated_at) + minutes * 60_000).toISOString(),
      };
      for (const query of ["include=ttl", "include=foo&include=ttl", 'include=["ttl"]']) {
        expect((await api.call("GET", `${path}?${query}`)).json.ttl, query).toEqual(told);
      }
      const ids = [made.json.thread_id];
      const search = async (more: object) =>
        (await api.call("POST", "/threads/search", { ids, ...more })).json[0];
      expect(await search({})).not.toHaveProperty("ttl");
      expect((await search({ include: ["ttl"] })).ttl).toEqual(told);
      expect(await search({ select: ["ttl"] })).toEqual({ ttl: told });
      expect(await search({ select: ["status"], include: ["ttl"] })).toEqual({
        status: "idle",
        ttl: told,
      });
      await api.call("PATCH", path, { ttl: null });
      expect((await api.call("GET", `${path}?include=ttl`)).json).not.toHaveProperty("ttl");
    },
  );

  test("tell what their checkpoints take up, the shared once", async () => {
    const thread = await api.thread();
    const empty = { count: 0, bytes: 0 };
    const storage = async (id = thread) => (await api.call("GET", `/threads/${id}/storage`)).json;
    expect(await storage()).toEqual({
      thread_id: thread,
      total_bytes: 0,
      checkpoints: empty,
      channel_values: { ...empty, by_channel: {} },
      pending_writes: empty,
    });
    const input = "x".repeat(10_000);
    await api.call("POST", `/threads/${thread}/runs/wait`, { ...steps, input: { input } });
    const {
      checkpoints,
      channel_values: values,
      pending_writes: writes,
      ...rest
    } = await storage();
    expect(checkpoints).toEqual({ count: 5, bytes: expect.any(Number) });
    // The input is held by four checkpoints, and once by the step that brought it in.
    expect(values.by_channel.input.versions).toBe(1);
    expect(values.by_channel.input.bytes).toBeGreaterThan(input.length);
    expect(values.by_channel.input.bytes).toBeLessThan(1.1 * input.length);
    expect(values.by_channel.log.versions).toBe(3);
    const all = Object.values<{ versions: number; bytes: number }>(values.by_channel);
    expect(values.count).toBe(all.reduce((sum, one) => sum + one.versions, 0));
    expect(values.bytes).toBe(all.reduce((sum, one) => sum + one.bytes, 0));
    expect(writes.count).toBeGreaterThan(0);
    expect(rest.total_bytes).toBe(checkpoints.bytes + values.bytes + writes.bytes);
    const copy = (await api.call("POST", `/threads/${thread}/copy`)).json.thread_id;
    expect((await storage(copy)).channel_values).toEqual(values);
    await api.call("POST", "/threads/prune", { thread_ids: [thread], strategy: "keep_latest" });
    expect((await storage()).checkpoints.count).toBe(1);
    expect((await storage(copy)).checkpoints.count).toBe(5);
  });

  test("a copy has the state and history; a missing thread cannot be copied", async () => {
    const thread = await ranThread();
    const copy = (await api.call("POST", `/threads/${thread}/copy`)).json;
    expect(copy.thread_id).not.toBe(thread);
    expect(copy).toMatchObject({ status: "idle", values: { log: ["one", "two", "three"] } });
    const history = await api.call("GET", `/threads/${copy.thread_id}/history`);
    expect(history.json[0].checkpoint.thread_id).toBe(copy.thread_id);
    const missing = await api.call("POST", "/threads/00000000-0000-4000-8000-000000000000/copy");
    expect(missing.status).toBe(404);
  });

  test("deleting takes state and runs along", async () => {
    const thread = await ranThread();
    const { status, text } = await api.call("DELETE", `/threads/${thread}`);
    expect([status, text]).toEqual([204, ""]);
    for (const path of ["", "/state", "/history", "/runs"]) {
      expect((await api.call("GET", `/threads/${thread}${path}`)).status).toBe(404);
    }
  });
});

describe("state", () => {
  test("of a thread that never ran is empty", async () => {
    const { json } = await api.call("GET", `/threads/${await api.thread()}/state`);
    expect(json).toEqual({
      values: {},
      next: [],
      tasks: [],
      metadata: {},
      created_at: null,
      checkpoint: null,
      parent_checkpoint: null,
      interrupts: [],
    });
  });

  test("is the same by its checkpoint, in both forms, and is cut to what is selected", async () => {
    const thread = await ranThread();
    const state = (await api.call("GET", `/threads/${thread}/state`)).json;
    expect(state).toMatchObject({ values: { log: ["one", "two", "three"] }, next: [] });
    const { checkpoint_id: id } = state.checkpoint;
    expect((await api.call("GET", `/threads/${thread}/state/${id}`)).json).toEqual(state);
    const { thread_id: _, ...checkpoint } = state.checkpoint;
    const posted = await api.call("POST", `/threads/${thread}/state/checkpoint`, { checkpoint });
    expect(posted.json).toEqual(state);
    const selected = await api.call(
      "GET",
      `/threads/${thread}/state?select=next&select=values.log`,
    );
    expect(selected.json).toEqual({ next: [], values: { log: state.values.log } });
    const nothing = await api.call(
      "GET",
      `/threads/${thread}/state?select=["values.input","next"]`,
    );
    expect(nothing.json).toEqual({ next: [], values: { input: "x" } });
    const values = await api.call("GET", `/threads/${thread}/state?select=values`);
    expect(values.json).toEqual({ values: state.values });
    expect((await api.call("GET", `/threads/${thread}/state?select=all`)).status).toBe(422);
  });

  test("an update writes a checkpoint and refreshes the thread", async () => {
    const thread = await ranThread();
    const updated = await api.call("POST", `/threads/${thread}/state`, {
      values: { log: ["edited"] },
      as_node: "one",
    });
    expect(updated.json).toEqual({
      checkpoint: expect.objectContaining({ thread_id: thread, checkpoint_ns: "" }),
      configurable: updated.json.checkpoint,
      checkpoint_id: updated.json.checkpoint.checkpoint_id,
    });
    const read = (await api.call("GET", `/threads/${thread}`)).json;
    expect(read).toMatchObject({ status: "interrupted" });
    expect(read.values.log).toEqual(["one", "two", "three", "edited"]);
    const homeless = await api.call("POST", `/threads/${await api.thread()}/state`, { values: {} });
    expect([homeless.status, homeless.json.detail]).toEqual([
      422,
      expect.stringContaining("no graph ID"),
    ]);
  });

  test("history comes in pages, before a checkpoint in all its shapes, and by metadata", async () => {
    const thread = await ranThread();
    const path = `/threads/${thread}/history`;
    const all = (await api.call("POST", path, {})).json;
    expect(all.map((one: { next: string[] }) => one.next[0])).toEqual([
      undefined,
      "three",
      "two",
      "one",
      "__start__",
    ]);
    const { checkpoint } = all[1];
    const shapes = [
      checkpoint.checkpoint_id,
      checkpoint,
      { configurable: { checkpoint_id: checkpoint.checkpoint_id } },
    ];
    for (const before of shapes) {
      expect((await api.call("POST", path, { before, limit: 2 })).json).toEqual(all.slice(2, 4));
    }
    const got = await api.call("GET", `${path}?limit=2&before=${checkpoint.checkpoint_id}`);
    expect(got.json).toEqual(all.slice(2, 4));
    const inputs = await api.call("POST", path, {
      metadata: { source: "input" },
      select: ["next"],
    });
    expect(inputs.json).toEqual([{ next: ["__start__"] }]);
  });

  test("patchState of the JavaScript SDK merges metadata into the thread's", async () => {
    const thread = await api.thread({ metadata: { a: 1 } });
    const { status, json } = await api.call("PATCH", `/threads/${thread}/state`, {
      metadata: { b: 2 },
    });
    expect([status, json.metadata]).toEqual([200, { a: 1, b: 2 }]);
  });
});
