import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApi, readUntil, type TestApi } from "../../support/api.ts";
import { engineFixture, waiting } from "../../support/engine.ts";
import { EventStream, told, type WireEvent } from "../../support/thread-events.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api[Symbol.asyncDispose]());

/** Lets the gate's next visitor be waited for, not the one before. */
function nextWaiting(threadId: string): Promise<void> {
  engineFixture().gates.delete(`gate:${threadId}`);
  return waiting(`gate:${threadId}`);
}

function openGate(threadId: string): void {
  const { gates } = engineFixture();
  const open = gates.get(`gate:${threadId}`)!;
  gates.delete(`gate:${threadId}`);
  open();
}

const unknown = "00000000-0000-4000-8000-00000000abcd";
let lastId = 0;

async function command(threadId: string, method: string, params: object = {}) {
  const body = { id: (lastId += 1), method, params };
  const { status, json } = await api.call("POST", `/threads/${threadId}/commands`, body);
  expect(status).toBe(200);
  expect(json.id).toBe(lastId);
  return json;
}

async function started(threadId: string, assistant: string, params: object = {}): Promise<string> {
  const given = { assistant_id: assistant, input: { input: "x" }, ...params };
  const { type, result, message } = await command(threadId, "run.start", given);
  expect(type, message).toBe("success");
  return result.run_id;
}

function sequences(events: WireEvent[]): number[] {
  return events.map(({ seq }) => seq);
}

/** Runs a graph on a thread of its own, to its end. */
async function ran(assistant: string, params: object = {}) {
  const threadId = crypto.randomUUID();
  await using stream = await EventStream.open(api, threadId);
  const runId = await started(threadId, assistant, params);
  return { threadId, runId, events: await stream.run() };
}

describe("the events of a thread", () => {
  test("may be waited for before the thread is, and go on over its runs", async () => {
    const threadId = crypto.randomUUID();
    await using stream = await EventStream.open(api, threadId, { channels: ["lifecycle"] });
    const first = await started(threadId, "steps");
    const one = await stream.run();
    const second = await started(threadId, "steps");
    const other = await stream.run();
    expect([...one, ...other].map(({ event_id }) => event_id)).toEqual(
      [first, second].flatMap((runId) =>
        ["running", "completed"].map((event) => `synth:${runId}:lc||${event}`),
      ),
    );
  });

  test("have growing numbers and are the same for every reader, also behind `since`", async () => {
    const { threadId, events: first } = await ran("nested");
    await started(threadId, "nested");
    const read = async (filter: object) => {
      await using stream = await EventStream.open(api, threadId, filter);
      return [...(await stream.run()), ...(await stream.run())];
    };
    const whole = await read({});
    expect(sequences(whole)).toEqual([...new Set(sequences(whole))].toSorted((a, b) => a - b));
    const known = (event: WireEvent) => [event.event_id, event.seq];
    expect(whole.slice(0, first.length).map(known)).toEqual(first.map(known));
    expect((await read({})).map(known)).toEqual(whole.map(known));
    expect(new Set(whole.map(({ event_id }) => event_id)).size).toBe(whole.length);
    const since = whole[5]!.seq;
    expect((await read({ since })).map(known)).toEqual(whole.slice(6).map(known));
    await using behind = await EventStream.open(api, threadId, { since: first.at(-1)!.seq });
    expect((await behind.run()).map(known)).toEqual(whole.slice(first.length).map(known));
  });

  test("a checkpoint comes before the state that it holds", async () => {
    const { events } = await ran("steps");
    const root = events.filter(({ method }) => ["values", "checkpoints"].includes(method));
    expect(told(root)).toEqual([
      "checkpoints []",
      ...Array.from({ length: 4 }, () => ["checkpoints []", "values []"]).flat(),
    ]);
    const steps = root.filter(({ method }) => method === "checkpoints");
    const data = steps.map(({ params }) => params.data);
    expect(data.map(({ step, source }) => `${step} ${source}`)).toEqual([
      "-1 input",
      "0 loop",
      "1 loop",
      "2 loop",
      "3 loop",
    ]);
    expect(data.map(({ parent_id }) => parent_id)).toEqual([
      undefined,
      ...data.slice(0, -1).map(({ id }) => id),
    ]);
    expect(root.at(-1)!.params.data).toEqual({ input: "x", log: ["one", "two", "three"] });
  });

  test("an update is the node's own, with its name beside it", async () => {
    const { events } = await ran("steps");
    const updates = events.filter(({ method }) => method === "updates");
    expect(updates.map(({ params }) => [params.node, params.data])).toEqual(
      ["one", "two", "three"].map((node) => [node, { log: [node] }]),
    );
  });

  test("a run that fails says why; a subgraph has a life of its own", async () => {
    const failed = await ran("thrower");
    expect(failed.events.at(-1)!.params.data).toMatchObject({ event: "failed", error: "boom!" });
    const { events } = await ran("nested");
    expect(told(events.filter(({ method }) => method === "lifecycle"))).toEqual([
      "lifecycle running []",
      "lifecycle started [child]",
      "lifecycle completed [child]",
      "lifecycle completed []",
    ]);
  });

  test("runs of the older routes are told as far as their modes go", async () => {
    const threadId = await api.thread();
    await using stream = await EventStream.open(api, threadId);
    const input = { messages: [{ role: "user", content: "hi" }] };
    const run = { assistant_id: "speaking", input, stream_mode: ["messages"] };
    await api.call("POST", `/threads/${threadId}/runs/wait`, run);
    const kinds = told(await stream.run());
    expect(kinds).toContain("messages message-start [speaker speak]");
    expect(kinds.filter((one) => one.includes("content-block-delta"))).toHaveLength(7);
    expect(kinds.at(-1)).toBe("lifecycle completed []");
    expect(kinds).not.toContain("values []");
  });

  test("a run that was cancelled before it began has its place, too", async () => {
    const threadId = crypto.randomUUID();
    await using stream = await EventStream.open(api, threadId, { channels: ["lifecycle"] });
    const first = await started(threadId, "obedient");
    await waiting(`gate:${threadId}`);
    const second = await started(threadId, "obedient");
    const third = await started(threadId, "obedient");
    await api.call("POST", `/threads/${threadId}/runs/${second}/cancel`);
    openGate(threadId);
    const events = [...(await stream.run()), ...(await stream.run())];
    await waiting(`gate:${threadId}`);
    openGate(threadId);
    events.push(...(await stream.run()));
    expect(events.map(({ event_id }) => event_id)).toEqual([
      `synth:${first}:lc||running`,
      `synth:${first}:lc||completed`,
      `synth:${second}:lc||running`,
      `synth:${second}:lc||interrupted`,
      `synth:${third}:lc||running`,
      `synth:${third}:lc||completed`,
    ]);
  });

  test("a delayed run takes its place when it begins", async () => {
    const threadId = await api.thread();
    await using stream = await EventStream.open(api, threadId, { channels: ["lifecycle"] });
    const body = { assistant_id: "steps", input: { input: "x" } };
    const create = async (more: object) =>
      (await api.call("POST", `/threads/${threadId}/runs`, { ...body, ...more })).json.run_id;
    const delayed = await create({ after_seconds: 0.3 });
    const prompt = await create({});
    const events = [...(await stream.run()), ...(await stream.run())];
    expect(events.map(({ event_id }) => event_id.split(":")[1])).toEqual([
      prompt,
      prompt,
      delayed,
      delayed,
    ]);
    expect(sequences(events)).toEqual(sequences(events).toSorted((a, b) => a - b));
  });

  test.each<[string, object, string[]]>([
    ["one channel", { channels: ["values"] }, ["values []", "values [child]"]],
    ["the root alone", { channels: ["values"], namespaces: [[]], depth: 0 }, ["values []"]],
    [
      "one level below it",
      { channels: ["lifecycle"], depth: 1 },
      [
        "lifecycle running []",
        "lifecycle started [child]",
        "lifecycle completed [child]",
        "lifecycle completed []",
      ],
    ],
    [
      "a node in whichever task",
      { channels: ["updates"], namespaces: [["child"]] },
      ["updates [child]"],
    ],
    ["no such node", { channels: ["updates", "tasks"], namespaces: [["other"]] }, []],
    ["no such custom stream", { channels: ["custom:other"] }, []],
  ])("a filter lets through %s", async (_, filter, expected) => {
    const { threadId } = await ran("nested");
    // The end of a second run says that all of the first has come.
    const marker = await started(threadId, "nested", { input: { input: "marker" } });
    await using whole = await EventStream.open(api, threadId);
    await whole.run();
    await whole.run();
    await using stream = await EventStream.open(api, threadId, filter);
    const first: WireEvent[] = [];
    const wanted = expected.length === 0 ? 0 : Infinity;
    while (first.length < wanted) {
      const event = await stream.next();
      if (event.event_id.includes(marker)) break;
      first.push(event);
    }
    expect(new Set(told(first))).toEqual(new Set(expected));
  });

  test("silence is broken by heartbeats", async () => {
    await using quick = await openApi({ limits: { heartbeatMs: 10 } });
    const response = await quick.app.request(`/threads/${crypto.randomUUID()}/stream/events`, {
      method: "POST",
      body: JSON.stringify({ channels: ["values"] }),
    });
    const reader = response.body!.getReader();
    expect(await readUntil(reader, "heartbeat\n: heart")).toBe(": heartbeat\n: heartbeat\n");
    await reader.cancel();
  });
});

describe("commands", () => {
  test("an interrupt is asked once, and answered by its id", async () => {
    const threadId = crypto.randomUUID();
    await using stream = await EventStream.open(api, threadId);
    await started(threadId, "nestedQuestion", { input: {} });
    const asked = await stream.run();
    const requests = asked.filter(({ method }) => method === "input.requested");
    expect(told(requests)).toEqual(["input.requested [child]"]);
    expect(told(asked).slice(-2)).toEqual(["input.requested [child]", "lifecycle interrupted []"]);
    const { interrupt_id, payload } = requests[0]!.params.data;
    expect(payload).toEqual({ question: "go on?" });

    const wrong = await command(threadId, "input.respond", {
      namespace: [],
      interrupt_id: "zzz",
      response: "yes",
    });
    expect(wrong).toMatchObject({ type: "error", error: "no_such_interrupt" });
    const runs = await api.call("GET", `/threads/${threadId}/runs`);
    expect(runs.json).toHaveLength(1);

    const answered = await command(threadId, "input.respond", {
      namespace: requests[0]!.params.namespace,
      interrupt_id,
      response: "yes",
    });
    expect(answered).toMatchObject({ type: "success", result: {} });
    expect(answered.meta.applied_through_seq).toBe(asked.at(-1)!.seq);
    const rest = await stream.run();
    expect(Math.min(...sequences(rest))).toBeGreaterThan(answered.meta.applied_through_seq);
    const last = rest.findLast(({ method, params }) => method === "values" && !params.namespace[0]);
    expect(last!.params.data.log).toContain("answer yes");
    const again = await command(threadId, "input.respond", { interrupt_id, response: "no" });
    expect(again).toMatchObject({
      error: "invalid_argument",
      message: "input.respond can only be used while the run is interrupted.",
    });
  });

  test("several answers go in one command", async () => {
    const { threadId, events } = await ran("asking", { input: {} });
    const { interrupt_id } = events.find(({ method }) => method === "input.requested")!.params.data;
    await using stream = await EventStream.open(api, threadId, { since: events.at(-1)!.seq });
    const responses = [{ namespace: [], interrupt_id, response: 42 }];
    const update = { input: "updated" };
    expect(await command(threadId, "input.respond", { responses, update })).toMatchObject({
      type: "success",
    });
    const last = (await stream.run()).findLast(({ method }) => method === "values");
    expect(last!.params.data).toEqual({ input: "updated", log: ["answer 42", "after"] });
  });

  test("input for a thread that waits is the answer; after a cancelled run it is input", async () => {
    const { threadId, events } = await ran("asking", { input: {} });
    await using stream = await EventStream.open(api, threadId, { since: events.at(-1)!.seq });
    await started(threadId, "asking", { input: "thirty" });
    const last = (await stream.run()).findLast(({ method }) => method === "values");
    expect(last!.params.data.log).toContain("answer thirty");

    const other = crypto.randomUUID();
    await using cancelled = await EventStream.open(api, other);
    const runId = await started(other, "obedient", { input: { input: "first" } });
    await waiting(`gate:${other}`);
    await api.call("POST", `/threads/${other}/runs/${runId}/cancel?wait=1`);
    expect((await cancelled.run()).at(-1)!.params.data.event).toBe("interrupted");
    const resumed = nextWaiting(other);
    await started(other, "obedient", { input: { input: "second" } });
    await resumed;
    openGate(other);
    const state = (await cancelled.run()).findLast(({ method }) => method === "values");
    expect(state!.params.data).toMatchObject({ input: "second" });
  });

  test.each([["multitaskStrategy"], ["multitask_strategy"]])(
    "the strategy counts when it is spelled %s",
    async (spelling) => {
      const threadId = crypto.randomUUID();
      const first = await started(threadId, "obedient");
      await waiting(`gate:${threadId}`);
      const params = { assistant_id: "obedient", input: { input: "y" } };
      const refused = await command(threadId, "run.start", { ...params, [spelling]: "reject" });
      expect(refused).toMatchObject({ type: "error", error: "invalid_argument" });
      expect(refused.message).toContain("already running");
      const again = nextWaiting(threadId);
      await command(threadId, "run.start", { ...params, [spelling]: "rollback" });
      const gone = await api.call("GET", `/threads/${threadId}/runs/${first}`);
      expect(gone.status).toBe(404);
      await again;
      await using stream = await EventStream.open(api, threadId);
      openGate(threadId);
      const last = (await stream.run()).findLast(({ method }) => method === "values");
      expect(last!.params.data).toEqual({ input: "y", log: ["before", "gate", "after"] });
    },
  );

  test("a thread keeps to the assistant that runs there", async () => {
    const { threadId } = await ran("steps");
    const other = await command(threadId, "run.start", { assistant_id: "asking", input: {} });
    expect(other.error).toBe("invalid_argument");
    expect(other.message).toMatch(/is bound to assistant .*; cannot run /);
  });

  test("state.get, state.listCheckpoints, state.fork and agent.getTree", async () => {
    const { threadId, runId, events } = await ran("steps");
    const whole = await command(threadId, "state.get", { namespace: [] });
    expect(whole.result.values).toEqual({ input: "x", log: ["one", "two", "three"] });
    expect(whole.meta.applied_through_seq).toBe(events.at(-1)!.seq);
    const part = await command(threadId, "state.get", { namespace: [], keys: ["input", "none"] });
    expect(part.result.values).toEqual({ input: "x" });
    expect(await command(threadId, "state.get", { namespace: ["child"] })).toMatchObject({
      error: "no_such_namespace",
    });
    const { checkpoints } = (await command(threadId, "state.listCheckpoints", { limit: 3 })).result;
    expect(checkpoints.map((one: { step: number }) => one.step)).toEqual([3, 2, 1]);
    expect(checkpoints[0].id).toBe(whole.result.checkpoint.id);
    const forked = await command(threadId, "state.fork", { checkpoint_id: checkpoints[2].id });
    expect(forked.result).toMatchObject({ thread_id: threadId });
    await using stream = await EventStream.open(api, threadId, { since: events.at(-1)!.seq });
    const kinds = (await stream.run()).filter(({ method }) => method === "updates");
    expect(kinds.map(({ params }) => params.node)).toEqual(["two", "three"]);
    expect(await command(threadId, "state.fork", { checkpoint_id: "none" })).toMatchObject({
      error: "no_such_checkpoint",
    });
    const tree = await command(threadId, "agent.getTree", { run_id: runId });
    expect(tree.result.tree).toEqual({
      namespace: [],
      status: "completed",
      graph_name: "steps",
      metadata: { run_id: runId },
    });
  });

  test("agent.getTree and state.get know the subgraphs that wait", async () => {
    const { threadId } = await ran("nestedQuestion", { input: {} });
    const { tree } = (await command(threadId, "agent.getTree")).result;
    expect(tree).toMatchObject({ status: "interrupted", graph_name: "nestedQuestion" });
    expect(tree.children).toMatchObject([{ status: "interrupted", graph_name: "child" }]);
    const inside = await command(threadId, "state.get", { namespace: ["child"] });
    expect(inside.result.values.log).toEqual(["one"]);
  });

  test("a message is injected into a state at rest", async () => {
    const { threadId } = await ran("chat", { input: { messages: [] } });
    const message = { role: "user", content: "by the way" };
    expect(await command(threadId, "input.inject", { namespace: [], message })).toMatchObject({
      type: "success",
      result: {},
    });
    const { values } = (await command(threadId, "state.get", { namespace: [] })).result;
    expect(values.messages.at(-1)).toMatchObject({ type: "human", content: "by the way" });
  });
});

describe("what is wrong gets", () => {
  test.each<[string, object, string, RegExp]>([
    ["run.start", { input: {} }, "invalid_argument", /^run.start requires an assistant_id\.$/],
    ["run.start", { assistant_id: "nobody" }, "invalid_argument", /No assistant found/],
    ["run.start", { assistant_id: "steps", multitaskStrategy: "x" }, "invalid_argument", /enqueue/],
    [
      "run.start",
      { assistant_id: "steps", config: { configurable: { checkpoint_id: 1 } } },
      "invalid_argument",
      /checkpoint_id/,
    ],
    ["input.respond", {}, "invalid_argument", /^input.respond requires an interrupt_id\.$/],
    ["input.respond", { responses: [] }, "invalid_argument", /at least one response\.$/],
    [
      "input.respond",
      { responses: [{}] },
      "invalid_argument",
      /entries require an interrupt_id\.$/,
    ],
    ["input.respond", { interrupt_id: "a", response: 1 }, "no_such_run", /run.start/],
    ["input.inject", { message: { role: "ai", content: "x" } }, "invalid_argument", /role/],
    [
      "input.inject",
      { namespace: ["a"], message: { role: "user", content: "x" } },
      "not_supported",
      /root/,
    ],
    ["state.get", { namespace: [] }, "no_such_run", /run.start/],
    ["state.get", { namespace: "root" }, "invalid_argument", /namespace/],
    ["state.listCheckpoints", { limit: 0 }, "invalid_argument", /limit/],
    ["state.fork", {}, "invalid_argument", /checkpoint_id/],
    ["state.fork", { checkpoint_id: "x" }, "no_such_run", /run.start/],
    ["agent.getTree", {}, "no_such_run", /run.start/],
    ["subscription.subscribe", { channels: ["values"] }, "not_supported", /WebSocket/],
    ["run.stop", {}, "unknown_command", /Use run.start/],
    ["constructor", {}, "unknown_command", /constructor/],
  ])("%s %j: %s", async (method, params, error, message) => {
    const threadId = crypto.randomUUID();
    const answered = await command(threadId, method, params);
    expect(answered).toMatchObject({ type: "error", error });
    expect(answered.message).toMatch(message);
    expect((await api.call("GET", `/threads/${threadId}`)).status).toBe(404);
  });

  test.each<[string, string, unknown, number]>([
    ["POST", "/threads/mine/commands", { id: 1, method: "state.get" }, 422],
    ["POST", `/threads/${unknown}/commands`, "{", 400],
    ["POST", `/threads/${unknown}/commands`, {}, 422],
    ["POST", `/threads/${unknown}/commands`, { id: -1, method: "state.get" }, 422],
    ["POST", `/threads/${unknown}/commands`, { id: 1, method: "state.get", params: [] }, 422],
    ["POST", `/threads/${unknown}/stream/events`, "[", 400],
    ["POST", `/threads/${unknown}/stream/events`, {}, 422],
    ["POST", `/threads/${unknown}/stream/events`, { channels: [] }, 422],
    ["POST", `/threads/${unknown}/stream/events`, { channels: ["value"] }, 422],
    ["POST", `/threads/${unknown}/stream/events`, { channels: ["values"], depth: -1 }, 422],
    ["POST", `/threads/${unknown}/stream/events`, { channels: ["values"], namespaces: ["a"] }, 422],
    ["POST", `/threads/${unknown}/stream/events`, { channels: ["values"], since: "1" }, 422],
    ["POST", "/threads/mine/stream/events", { channels: ["values"] }, 422],
    ["GET", `/threads/${unknown}/stream/events`, undefined, 426],
    ["GET", `/threads/${unknown}/stream`, undefined, 404],
    ["GET", "/threads/mine/stream", undefined, 422],
    ["GET", `/threads/${unknown}/stream?stream_mode=values`, undefined, 422],
  ])("%s %s %j: %i", async (method, path, body, status) => {
    const answered = await api.call(method, path, body);
    expect(answered.status, answered.text).toBe(status);
    expect(answered.json.message).toMatch(/\w+ \w+/);
  });

  test("a place in the thread's stream that is none is refused", async () => {
    const threadId = await api.thread();
    const headers = { "last-event-id": "yesterday" };
    const answered = await api.call("GET", `/threads/${threadId}/stream`, undefined, headers);
    expect(answered).toMatchObject({ status: 422 });
    expect(answered.json.message).toContain("Last-Event-ID");
  });
});
