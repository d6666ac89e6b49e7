import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
let now = Date.now();
beforeAll(async () => {
  api = await openApi({ ports: { clock: { now: () => now } } });
});
afterAll(() => api[Symbol.asyncDispose]());

const newKey = () => crypto.randomUUID();
const body = { assistant_id: "steps", input: { input: "x" } };
const keyed = (path: string, key: string, content: unknown = body) =>
  api.call("POST", path, content, { "Idempotency-Key": key, "x-request-id": crypto.randomUUID() });

describe("a creation that is sent again", () => {
  test("with its key finds the run it made, however often and at the same time", async () => {
    const thread = await api.thread();
    const key = newKey();
    const path = `/threads/${thread}/runs`;
    const answers = await Promise.all(Array.from({ length: 5 }, () => keyed(path, key)));
    const ids = new Set(answers.map(({ json }) => json.run_id));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(ids.size).toBe(1);
    expect((await api.call("GET", path)).json).toHaveLength(1);
    const locations = new Set(answers.map(({ headers }) => headers.get("content-location")));
    expect([...locations]).toEqual([`${path}/${[...ids][0]}`]);
  });

  test("without a key makes a run each time, and so do two keys", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs`;
    await api.call("POST", path, body);
    await api.call("POST", path, body);
    await keyed(path, newKey());
    await keyed(path, newKey());
    expect((await api.call("GET", path)).json).toHaveLength(4);
  });

  test("finds the run also when that run would now be refused", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs`;
    const content = { ...body, after_seconds: 3600, multitask_strategy: "reject" };
    const key = newKey();
    const first = await keyed(path, key, content);
    expect((await keyed(path, newKey(), content)).status).toBe(409);
    expect((await keyed(path, key, content)).json.run_id).toBe(first.json.run_id);
  });

  test("waits for the run's result, or streams it, again", async () => {
    const key = newKey();
    const path = `/threads/${await api.thread()}/runs`;
    const first = await keyed(`${path}/wait`, key);
    const second = await keyed(`${path}/wait`, key);
    expect(second.json).toEqual({ log: ["one", "two", "three"], input: "x" });
    expect(second.text.trim()).toBe(first.text.trim());
    const streamed = await keyed(`${path}/stream`, newKey());
    expect(streamed.text).toContain("event: end");
    expect((await api.call("GET", path)).json).toHaveLength(2);
  });

  test("finds a stateless run that has ended and is gone, and its result while that is kept", async () => {
    const key = newKey();
    const first = await keyed("/runs/wait", key);
    const again = await keyed("/runs/wait", key);
    expect(again.json).toEqual(first.json);
    expect(again.headers.get("content-location")).toBe(first.headers.get("content-location"));
    const created = await keyed("/runs", key);
    expect(created.json.run_id).toBe(first.headers.get("content-location")!.split("/").at(-1));
  });

  test("makes a new run when a day has passed", async () => {
    const path = `/threads/${await api.thread()}/runs`;
    const key = newKey();
    const first = await keyed(path, key);
    now += 24 * 60 * 60 * 1000 - 1;
    expect((await keyed(path, key)).json.run_id).toBe(first.json.run_id);
    now += 1;
    expect((await keyed(path, key)).json.run_id).not.toBe(first.json.run_id);
  });
});

describe("a key that is used for something else is refused", () => {
  test.each([
    ["another input", { ...body, input: { input: "y" } }],
    ["another assistant", { ...body, assistant_id: "nested" }],
    ["another webhook", { ...body, webhook: "/done" }],
  ])("%s", async (_what, other) => {
    const path = `/threads/${await api.thread()}/runs`;
    const key = newKey();
    const first = await keyed(path, key);
    const { status, json } = await keyed(path, key, other);
    expect(status).toBe(409);
    expect(json.detail).toContain(`has made run ${first.json.run_id} from a different request`);
    expect((await api.call("GET", path)).json).toHaveLength(1);
  });

  test("another thread", async () => {
    const key = newKey();
    await keyed(`/threads/${await api.thread()}/runs`, key);
    expect((await keyed(`/threads/${await api.thread()}/runs`, key)).status).toBe(409);
    expect((await keyed("/runs", key)).status).toBe(409);
  });

  test.each(["", "k".repeat(256)])("a key %j of a length that is not allowed", async (key) => {
    const { status, json } = await keyed(`/threads/${await api.thread()}/runs`, key);
    expect([status, json.detail]).toEqual([422, expect.stringContaining("1 to 255 characters")]);
  });

  test("a key of 255 characters is fine", async () => {
    const path = `/threads/${await api.thread()}/runs`;
    expect((await keyed(path, "k".repeat(255))).status).toBe(200);
  });
});

describe("a caller's own run id", () => {
  test("is the run's, and finds it again", async () => {
    const path = `/threads/${await api.thread()}/runs`;
    const content = { ...body, run_id: crypto.randomUUID().toUpperCase() };
    const first = await api.call("POST", path, content);
    expect(first.json.run_id).toBe(content.run_id.toLowerCase());
    const second = await api.call("POST", path, content);
    expect([second.status, second.json.run_id]).toEqual([200, first.json.run_id]);
    expect((await api.call("GET", path)).json).toHaveLength(1);
  });

  test("that is taken by another request or an older run is refused", async () => {
    const path = `/threads/${await api.thread()}/runs`;
    const { json: run } = await api.call("POST", path, body);
    const taken = await api.call("POST", path, { ...body, run_id: run.run_id });
    expect([taken.status, taken.json.detail]).toEqual([
      409,
      expect.stringContaining(`Run ${run.run_id} exists already`),
    ]);
    const run_id = crypto.randomUUID();
    await api.call("POST", path, { ...body, run_id });
    const other = await api.call("POST", path, { ...body, run_id, input: null });
    expect(other.status).toBe(409);
  });

  test("must be a UUID", async () => {
    const { status, json } = await api.call("POST", "/runs", { ...body, run_id: "mine" });
    expect([status, json.detail]).toEqual([422, expect.stringMatching(/`run_id`.*UUID/)]);
  });

  test("and a key may come together: either finds the run", async () => {
    const path = `/threads/${await api.thread()}/runs`;
    const content = { ...body, run_id: crypto.randomUUID() };
    const key = newKey();
    await keyed(path, key, content);
    expect((await keyed(path, key, content)).json.run_id).toBe(content.run_id);
    expect((await api.call("POST", path, content)).json.run_id).toBe(content.run_id);
    expect((await keyed(path, newKey(), content)).json.run_id).toBe(content.run_id);
    expect((await api.call("GET", path)).json).toHaveLength(1);
  });
});

describe("a batch", () => {
  const bodies = [body, body, { ...body, input: { input: "y" } }];

  test("with a key is made once, each run of its own", async () => {
    const key = newKey();
    const ids = async () =>
      (await keyed("/runs/batch", key, bodies)).json.map((run: { run_id: string }) => run.run_id);
    const first = await ids();
    expect(new Set(first).size).toBe(3);
    expect(await ids()).toEqual(first);
  });

  test("that was refused can be sent again with the same key", async () => {
    const key = newKey();
    const broken = [...bodies.slice(0, 2), { ...body, assistant_id: "nobody" }];
    expect((await keyed("/runs/batch", key, broken)).status).toBe(404);
    const { status, json } = await keyed("/runs/batch", key, bodies);
    expect(status).toBe(200);
    for (const run of json) {
      const explained = await api.call("GET", `/runs/${run.run_id}/explain`);
      expect([200, 404]).toContain(explained.status);
    }
  });

  test("that repeats another and then fails leaves the runs of the first alone", async () => {
    const key = newKey();
    const slow = { ...body, after_seconds: 3600, on_completion: "keep" };
    const { json: first } = await keyed("/runs/batch", key, [slow, slow]);
    const failed = await keyed("/runs/batch", key, [
      slow,
      slow,
      { ...body, assistant_id: "nobody" },
    ]);
    expect(failed.status).toBe(404);
    for (const { thread_id, run_id } of first) {
      expect((await api.call("GET", `/threads/${thread_id}/runs/${run_id}`)).status).toBe(200);
    }
  });
});

describe("a run's webhook", () => {
  test.each([
    ["ftp://example.org", /http or https/],
    ["somewhere", /http or https/],
  ])("%s is refused when the run is created", async (webhook, sentence) => {
    const { status, json } = await api.call("POST", "/runs", { ...body, webhook });
    expect([status, json.detail]).toEqual([422, expect.stringMatching(sentence)]);
  });
});
