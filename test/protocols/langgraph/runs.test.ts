import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventsOf, openApi, type TestApi } from "../../support/api.ts";
import { engineFixture, waiting } from "../../support/engine.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const steps = { assistant_id: "steps", input: { input: "x" } };
const gated = { assistant_id: "obedient", input: { input: "x" } };

/** A run that stands at its gate. */
async function gatedRun(thread: string, body: object = {}): Promise<string> {
  const { json } = await api.call("POST", `/threads/${thread}/runs`, { ...gated, ...body });
  await waiting(`gate:${thread}`);
  return json.run_id;
}

function open(thread: string): void {
  engineFixture().gates.get(`gate:${thread}`)!();
}

describe("creating a run", () => {
  test("answers with the run as the specification has it, and says where it is", async () => {
    const thread = await api.thread({ metadata: { owner: "a" } });
    const body = {
      ...steps,
      config: { configurable: { model: "m" }, recursion_limit: 7 },
      context: { tone: "dry" },
      metadata: { purpose: "test" },
      stream_mode: ["updates", "messages-tuple", "updates"],
      stream_subgraphs: true,
      stream_resumable: true,
      interrupt_before: "*",
      interrupt_after: ["one"],
      webhook: "/done",
      feedback_keys: "score",
      multitask_strategy: "interrupt",
      after_seconds: 3600,
      langsmith_tracer: { project_name: "p" },
      unknown_key: 1,
    };
    const headers = { "X-Tenant": "acme", "x-api-key": "secret", "user-agent": "tests" };
    const created = await api.call("POST", `/threads/${thread}/runs`, body, headers);
    expect(created.status).toBe(200);
    const run = created.json;
    const own = `/threads/${thread}/runs/${run.run_id}`;
    expect(created.headers.get("content-location")).toBe(own);
    expect(created.headers.get("location")).toBe(`${own}/stream`);
    const graph = { graph_id: "steps", assistant_id: run.assistant_id };
    const metadata = { created_by: "system", owner: "a", purpose: "test", ...graph };
    expect(run).toEqual({
      run_id: expect.any(String),
      thread_id: thread,
      assistant_id: expect.any(String),
      assistant_version: 1,
      attempt: 0,
      started_at: null,
      created_at: expect.stringMatching(/Z$/),
      updated_at: run.created_at,
      status: "pending",
      metadata,
      multitask_strategy: "interrupt",
      langsmith_session_name: "p",
      kwargs: {
        input: { input: "x" },
        config: {
          recursion_limit: 7,
          configurable: {
            model: "m",
            "x-tenant": "acme",
            "user-agent": "tests",
            langsmith_project: "p",
            run_id: run.run_id,
            thread_id: thread,
            ...graph,
          },
          metadata,
        },
        context: { model: "m", tone: "dry" },
        stream_mode: ["updates", "messages-tuple"],
        interrupt_before: "*",
        interrupt_after: ["one"],
        webhook: "/done",
        feedback_keys: ["score"],
        temporary: false,
        subgraphs: true,
        resumable: true,
      },
    });
    expect((await api.call("GET", own)).json).toEqual(run);
    expect((await api.call("GET", `/threads/${thread}`)).json.status).toBe("busy");
  });

  test.for<[string, object, number]>([
    ["an unknown assistant", { assistant_id: "nobody" }, 404],
    ["a version that is not there", { assistant_id: "steps@9" }, 404],
    ["the same in the body", { assistant_id: "steps", assistant_version: 9 }, 404],
  ])("%s is not found, and no thread is made of it", async ([, body, status]) => {
    const before = (await api.call("POST", "/threads/count")).text;
    for (const path of ["/runs", "/runs/stream", "/runs/wait"]) {
      expect((await api.call("POST", path, body)).status).toBe(status);
    }
    expect((await api.call("POST", "/threads/count")).text).toBe(before);
  });

  test("a missing thread is refused, or created where that is wished", async () => {
    const path = "/threads/00000000-0000-4000-8000-00000000000a/runs/wait";
    const refused = await api.call("POST", path, steps);
    expect([refused.status, refused.json.detail]).toEqual([404, expect.stringContaining("Thread")]);
    const made = await api.call("POST", path, { ...steps, if_not_exists: "create" });
    expect(made.json.log).toEqual(["one", "two", "three"]);
  });

  test("a run may pin a version of its assistant", async () => {
    const made = await api.call("POST", "/assistants", { graph_id: "context" });
    const id = made.json.assistant_id;
    await api.call("PATCH", `/assistants/${id}`, { context: { system_prompt: "second" } });
    const input = { input: "x" };
    const latest = await api.call("POST", "/runs/wait", { assistant_id: id, input });
    expect(latest.json.log[0]).toBe("context second");
    for (const pin of [{ assistant_id: `${id}@1` }, { assistant_id: id, assistant_version: 1 }]) {
      const pinned = await api.call("POST", "/runs/wait", { ...pin, input });
      expect(pinned.json.log[0]).toBe("context undefined");
    }
  });

  test("a busy thread: rejected with 409, else queued in order", async () => {
    const thread = await api.thread();
    const first = await gatedRun(thread);
    const path = `/threads/${thread}/runs`;
    const refused = await api.call("POST", path, { ...steps, multitask_strategy: "reject" });
    expect([refused.status, refused.json.message]).toEqual([
      409,
      expect.stringContaining("already running"),
    ]);
    expect((await api.call("POST", `/threads/${thread}/state`, { values: {} })).status).toBe(409);
    const second = (await api.call("POST", path, steps)).json.run_id;
    const runs = await api.call("GET", `${path}?limit=1&offset=1&select=run_id&select=status`);
    expect((await api.call("GET", `${path}?select=all`)).status).toBe(422);
    expect(runs.json).toEqual([{ run_id: first, status: "running" }]);
    expect((await api.call("GET", `${path}?status=pending`)).json).toHaveLength(1);
    open(thread);
    const { json } = await api.call("GET", `${path}/${second}/join`);
    expect(json.log).toEqual(["before", "gate", "after", "one", "two", "three"]);
  });
});

describe("stateless runs", () => {
  test("leave no thread behind, unless it is to be kept", async () => {
    const gone = await api.call("POST", "/runs/wait", steps);
    expect(gone.json.log).toEqual(["one", "two", "three"]);
    const place = /^\/threads\/(.*)\/runs\/(.*)\/join$/.exec(gone.headers.get("location")!)!;
    expect(gone.headers.get("content-location")).toBe(`/runs/${place[2]}`);
    expect((await api.call("GET", `/threads/${place[1]}`)).status).toBe(404);
    // Its log is there for a while, so a client that lost the answer can still fetch it.
    expect((await api.call("GET", gone.headers.get("location")!)).json).toEqual(gone.json);

    const spelling = { ...steps, on_completion: "continue" };
    expect((await api.call("POST", "/runs", spelling)).json.kwargs.temporary).toBe(false);
    const kept = await api.call("POST", "/runs", { ...steps, on_completion: "keep" });
    expect(kept.json.kwargs.temporary).toBe(false);
    const own = `/threads/${kept.json.thread_id}/runs/${kept.json.run_id}`;
    expect((await api.call("GET", `${own}/join`)).json.log).toHaveLength(3);
    expect((await api.call("GET", own)).json.status).toBe("success");
  });

  test("a batch is created as a whole or not at all", async () => {
    const camel = { ...steps, assistantId: "steps", streamMode: "updates", on_completion: "keep" };
    const { status, json } = await api.call("POST", "/runs/batch", [camel, steps]);
    expect(status).toBe(200);
    expect(json.map((run: { kwargs: { temporary: boolean } }) => run.kwargs.temporary)).toEqual([
      false,
      true,
    ]);
    for (const run of json) await api.call("GET", `/runs/${run.run_id}/stream`);
    const before = (await api.call("POST", "/threads/count")).text;
    const half = [{ ...steps, after_seconds: 60 }, { assistant_id: "nobody" }];
    expect((await api.call("POST", "/runs/batch", half)).status).toBe(404);
    expect((await api.call("POST", "/threads/count")).text).toBe(before);
  });
});

describe("waiting", () => {
  test("an interrupted run's values say so; the answer to it resumes", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs/wait`;
    const asked = await api.call("POST", path, { assistant_id: "asking", input: { input: "x" } });
    expect(asked.json.__interrupt__).toEqual([
      { id: expect.any(String), value: { question: "how old?" } },
    ]);
    const state = (await api.call("GET", `/threads/${thread}`)).json;
    expect([state.status, Object.values(state.interrupts)]).toEqual([
      "interrupted",
      [asked.json.__interrupt__],
    ]);
    const resumed = await api.call("POST", path, {
      assistant_id: "asking",
      command: { resume: 42 },
    });
    expect(resumed.json.log).toEqual(["answer 42", "after"]);
  });

  test("a failure is 200 with its class and message; the thread stays usable", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs/wait`;
    const failed = await api.call("POST", path, { ...steps, assistant_id: "thrower" });
    expect([failed.status, failed.json]).toEqual([
      200,
      { __error__: { error: "RangeError", message: "boom!" } },
    ]);
    const [run] = (await api.call("GET", `/threads/${thread}/runs`)).json;
    expect(run).toMatchObject({
      status: "error",
      error: { error: "RangeError", message: "boom!" },
    });
    expect((await api.call("GET", `/threads/${thread}`)).json).toMatchObject({
      status: "error",
      error: { error: "RangeError", message: "boom!" },
    });
    expect((await api.call("POST", path, steps)).json.log).toContain("three");
  });

  test("joining a run that ended long ago gives the thread's last state, never null", async () => {
    const thread = await api.thread();
    const { json: run } = await api.call("POST", `/threads/${thread}/runs`, {
      ...steps,
      stream_mode: "updates",
    });
    const path = `/threads/${thread}/runs/${run.run_id}/join`;
    expect((await api.call("GET", path)).json.log).toEqual(["one", "two", "three"]);
    const again = await api.call("GET", path);
    expect(again.headers.get("location")).toBe(path);
    expect(again.headers.get("content-type")).toBe("application/json");
    expect(again.json.log).toEqual(["one", "two", "three"]);
  });
});

describe("cancelling", () => {
  test.for([
    ["", 202, ""],
    ["?wait=0", 202, ""],
    ["?wait=", 202, ""],
    ["?wait=1&action=interrupt&reason=taken", 200, "{}"],
    ["?wait=true", 200, "{}"],
  ] as const)(
    "with %s answers %i and ends the run; once more changes nothing",
    async (expected) => {
      const [query, status, text] = expected;
      const thread = await api.thread();
      const path = `/threads/${thread}/runs/${await gatedRun(thread)}`;
      for (let times = 0; times < 2; times += 1) {
        const cancelled = await api.call("POST", `${path}/cancel${query}`);
        expect([cancelled.status, cancelled.text]).toEqual([status, text]);
        expect((await api.call("GET", path)).json.status).toBe("interrupted");
      }
      expect((await api.call("GET", `/threads/${thread}`)).json.values.log).toEqual(["before"]);
    },
  );

  test("rollback takes the run and what it wrote away", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs/${await gatedRun(thread)}`;
    expect((await api.call("POST", `${path}/cancel?action=rollback`)).status).toBe(202);
    expect((await api.call("GET", path)).status).toBe(404);
    expect((await api.call("GET", `/threads/${thread}`)).json.values).toBeNull();
  });

  test("many: by their ids or by status", async () => {
    const thread = await api.thread();
    const run = await gatedRun(thread);
    const waits = (await api.call("POST", `/threads/${thread}/runs`, steps)).json.run_id;
    const ids = { thread_id: thread, run_ids: [waits] };
    expect((await api.call("POST", "/runs/cancel", ids)).status).toBe(204);
    const path = `/threads/${thread}/runs`;
    expect((await api.call("GET", `${path}/${waits}`)).json.status).toBe("interrupted");
    expect((await api.call("POST", "/runs/cancel", { status: "running" })).status).toBe(204);
    expect((await api.call("GET", `${path}/${run}`)).json.status).toBe("interrupted");
    expect((await api.call("POST", "/runs/cancel", { status: "running" })).status).toBe(404);
    const none = { thread_id: thread, run_ids: ["00000000-0000-4000-8000-000000000000"] };
    expect((await api.call("POST", "/runs/cancel?action=rollback", none)).status).toBe(404);
  });

  test("deleting stops a run in flight and removes it", async () => {
    const thread = await api.thread();
    const path = `/threads/${thread}/runs/${await gatedRun(thread)}`;
    const { status, text } = await api.call("DELETE", path);
    expect([status, text]).toEqual([204, ""]);
    expect((await api.call("GET", path)).status).toBe(404);
    expect((await api.call("DELETE", path)).status).toBe(404);
  });
});

describe("streaming", () => {
  const modes = { stream_mode: ["values", "updates"], stream_resumable: true };

  test("begins with metadata, ends with end, and numbers what is between", async () => {
    const thread = await api.thread();
    const streamed = await api.call("POST", `/threads/${thread}/runs/stream`, {
      ...steps,
      stream_mode: "updates",
    });
    expect(streamed.headers.get("content-type")).toBe("text/event-stream");
    const own = streamed.headers.get("content-location")!;
    const runId = own.split("/").at(-1);
    expect(streamed.headers.get("location")).toBe(`${own}/stream`);
    expect(eventsOf(streamed.text)).toEqual([
      { id: "0", event: "metadata", data: { run_id: runId, attempt: 1 } },
      { id: "1", event: "updates", data: { one: { log: ["one"] } } },
      { id: "2", event: "updates", data: { two: { log: ["two"] } } },
      { id: "3", event: "updates", data: { three: { log: ["three"] } } },
      { event: "end", data: { run_id: runId, status: "success" } },
    ]);
  });

  test("a stateless stream has ids too, and can be joined after its end", async () => {
    const streamed = await api.call("POST", "/runs/stream", { ...steps, ...modes });
    const location = streamed.headers.get("location")!;
    expect(location).toMatch(/^\/runs\/[^/]+\/stream$/);
    expect(eventsOf(streamed.text)[1]).toMatchObject({ id: "1" });
    const joined = await api.call("GET", location, undefined, { "last-event-id": "-1" });
    expect(joined.text).toBe(streamed.text);
  });

  test("a failure is an error event before the end", async () => {
    const failed = await api.call("POST", "/runs/stream", { ...steps, assistant_id: "thrower" });
    expect(failed.status).toBe(200);
    expect(eventsOf(failed.text).slice(-2)).toEqual([
      { event: "error", data: { error: "RangeError", message: "boom!" } },
      { event: "end", data: { run_id: expect.any(String), status: "error" } },
    ]);
  });

  test("joining: from the start, behind an event, or only what comes", async () => {
    const thread = await api.thread();
    const streamed = await api.call("POST", `/threads/${thread}/runs/stream`, {
      ...steps,
      ...modes,
    });
    const location = streamed.headers.get("location")!;
    const join = async (query: string, lastEventId?: string) =>
      api.call(
        "GET",
        location + query,
        undefined,
        lastEventId ? { "last-event-id": lastEventId } : {},
      );
    for (const start of ["-1", "-"]) expect((await join("", start)).text).toBe(streamed.text);
    const all = eventsOf(streamed.text);
    expect(eventsOf((await join("", "3")).text)).toEqual(all.slice(4));
    expect(eventsOf((await join("")).text)).toEqual(all.slice(-1));
    const names = async (query: string) =>
      new Set(eventsOf((await join(query, "-1")).text).map((one) => one.event));
    for (const query of [
      "?stream_mode=updates",
      '?stream_mode=["updates"]',
      "?stream_mode=updates&stream_mode=custom",
      "?cancel_on_disconnect=false&stream_mode=updates,tools",
    ]) {
      expect(await names(query), query).toEqual(new Set(["metadata", "updates", "end"]));
    }
    expect(await names("?stream_mode=")).toEqual(new Set(all.map((one) => one.event)));
    expect((await join("?stream_mode=nothing")).status).toBe(422);
    expect((await join("", "x1")).status).toBe(422);
  });

  test("a join that wants messages gets those of its own form", async () => {
    const run = {
      assistant_id: "chat",
      input: { messages: "hi" },
      stream_mode: ["messages", "messages-tuple"],
    };
    const streamed = await api.call("POST", "/runs/stream", run);
    const join = (mode: string) =>
      api.call("GET", `${streamed.headers.get("location")}?stream_mode=${mode}`, undefined, {
        "last-event-id": "-1",
      });
    const partial = eventsOf((await join("messages")).text).map((one) => one.event);
    expect(partial).toContain("messages/complete");
    expect(partial).not.toContain("messages");
    const tuples = eventsOf((await join("messages-tuple")).text).map((one) => one.event);
    expect(tuples).toContain("messages");
    expect(tuples.filter((name) => name.startsWith("messages/"))).toEqual([]);
  });

  test("a finished run whose log is gone is told by its end at once", async () => {
    const thread = await api.thread();
    const { json: run } = await api.call("POST", `/threads/${thread}/runs`, steps);
    await api.call("GET", `/threads/${thread}/runs/${run.run_id}/join`);
    await using forgetful = await forgetfulApi();
    const joined = await forgetful.call(
      "GET",
      `/threads/${thread}/runs/${run.run_id}/stream`,
      undefined,
      { "last-event-id": "-1" },
    );
    expect(eventsOf(joined.text)).toEqual([
      { event: "end", data: { run_id: run.run_id, status: "success" } },
    ]);
  });

  /** The same database behind a server that was started again. */
  function forgetfulApi() {
    const { storage, graphs } = api.ports;
    return openApi({ ports: { storage, graphs }, worker: false });
  }

  test("an unknown run, or another thread's, is not found", async () => {
    const thread = await api.thread();
    const { json: run } = await api.call("POST", "/runs", { ...steps, after_seconds: 3600 });
    for (const id of ["00000000-0000-4000-8000-000000000000", run.run_id]) {
      for (const path of ["", "/join", "/stream"]) {
        expect((await api.call("GET", `/threads/${thread}/runs/${id}${path}`)).status).toBe(404);
      }
    }
  });
});
