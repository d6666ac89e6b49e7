import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, type TestApi } from "../../support/api.ts";
import { engineFixture, waiting } from "../../support/engine.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi({ limits: { jobsPerWorker: 1 } });
});
afterAll(() => api[Symbol.asyncDispose]());

const explain = async (runId: string) => api.call("GET", `/runs/${runId}/explain`);
const create = async (thread: string, body: object) =>
  (await api.call("POST", `/threads/${thread}/runs`, body)).json.run_id as string;

describe("a run is explained", () => {
  test("from its wait to its end", async () => {
    const thread = await api.thread();
    const first = await create(thread, { assistant_id: "obedient", input: {} });
    await waiting(`gate:${thread}`);
    const second = await create(thread, { assistant_id: "thrower", input: {} });
    const elsewhere = await create(await api.thread(), { assistant_id: "asking", input: {} });
    const later = await create(await api.thread(), {
      assistant_id: "steps",
      after_seconds: 3600,
    });

    const running = await explain(first);
    expect(running.status).toBe(200);
    expect(running.json).toEqual({
      run_id: first,
      thread_id: thread,
      status: "running",
      reason: "running",
      explanation: expect.stringContaining("Attempt 1 is running"),
      next: expect.any(String),
      blocked_by: null,
      not_before: null,
      attempt: 1,
      lost_attempts: 0,
      lease: { owner: "worker", expires_at: expect.stringMatching(/Z$/) },
      queue: null,
      error: null,
      webhook: null,
    });
    expect((await explain(second)).json).toMatchObject({
      status: "pending",
      reason: "thread_busy",
      blocked_by: { run_id: first, status: "running" },
    });
    expect((await explain(elsewhere)).json).toMatchObject({
      reason: "workers_full",
      queue: { ahead: 0, running: 1, slots: 1 },
    });
    expect((await explain(later)).json).toMatchObject({
      reason: "not_due",
      not_before: expect.stringMatching(/Z$/),
    });

    engineFixture().gates.get(`gate:${thread}`)!();
    await api.call("GET", `/threads/${thread}/runs/${second}/join`);
    await api.call("GET", `/threads/${running.json.thread_id}/runs/${first}/join`);
    expect((await explain(first)).json).toMatchObject({ status: "success", reason: "ended" });
    expect((await explain(second)).json).toMatchObject({
      status: "error",
      reason: "ended",
      explanation: expect.stringContaining("RangeError: boom!"),
      error: { error: "RangeError", message: "boom!" },
    });
    const asking = (await explain(elsewhere)).json;
    await api.call("GET", `/threads/${asking.thread_id}/runs/${elsewhere}/join`);
    expect((await explain(elsewhere)).json).toMatchObject({
      status: "success",
      reason: "waiting_for_input",
    });
  });

  test("with the webhook it waits for, also when it was stateless and is gone", async () => {
    const { headers } = await api.call("POST", "/runs/wait", {
      assistant_id: "steps",
      input: { input: "x" },
      webhook: "/done",
    });
    const runId = headers.get("content-location")!.split("/").at(-1)!;
    expect((await explain(runId)).json).toMatchObject({
      run_id: runId,
      status: "success",
      reason: "ended",
      webhook: { attempts: 0, next_attempt_at: expect.stringMatching(/Z$/), last_error: null },
    });
  });
});

test("a stateless run that is gone is explained by the end of its events", async () => {
  const body = { assistant_id: "thrower", input: {} };
  const { headers } = await api.call("POST", "/runs/wait", body);
  const runId = headers.get("content-location")!.split("/").at(-1)!;
  expect((await explain(runId)).json).toMatchObject({
    run_id: runId,
    thread_id: null,
    status: "error",
    reason: "ended",
    error: { error: "RangeError", message: "boom!" },
  });
});

test.each([
  [crypto.randomUUID(), 404, /Run not found/],
  ["x", 422, /`run_id`.*UUID/],
])("a run %s that there cannot be", async (runId, status, sentence) => {
  const answer = await explain(runId);
  expect([answer.status, answer.json.detail]).toEqual([status, expect.stringMatching(sentence)]);
});
