import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createA2aApp } from "../../../src/protocols/a2a/app.ts";
import { eventsOf, openApi, readUntil, type TestApi } from "../../support/api.ts";
import { engineFixture, waiting } from "../../support/engine.ts";
import { post, rpc } from "../../support/rpc.ts";

let api: TestApi;
let app: ReturnType<typeof createA2aApp>;
beforeAll(async () => {
  api = await openApi({ limits: { heartbeatMs: 20, bodyBytesMax: 10_000 } });
  app = createA2aApp(api.ports);
});
afterAll(() => api[Symbol.asyncDispose]());

type Headers = Record<string, string | null>;
const json = { accept: "application/json" };
const call = async (assistant: string, method: string, params: object, headers: Headers = json) =>
  post(app, `/a2a/${assistant}`, rpc(method, params), headers);

let messages = 0;
function message(text: string, more: object = {}) {
  messages += 1;
  const messageId = `message-${messages}`;
  return { message: { messageId, role: "user", parts: [{ kind: "text", text }], ...more } };
}
function data(value: unknown, more: object = {}) {
  return { message: { ...message("").message, parts: [{ kind: "data", data: value }], ...more } };
}

const uuid = /^[0-9a-f-]{36}$/;

describe("message/send", () => {
  test("answers with the task of 0.3 once it is completed", async () => {
    const { status, json: answered } = await call("chat", "message/send", message("hello"));
    expect(status).toBe(200);
    const task = answered.result;
    expect(task).toEqual({
      kind: "task",
      id: expect.stringMatching(/^[0-9a-f-]{36}:[0-9a-f-]{36}$/),
      contextId: expect.stringMatching(uuid),
      status: { state: "completed", timestamp: expect.stringMatching(/Z$/) },
      artifacts: [
        {
          artifactId: expect.any(String),
          name: "response",
          parts: [{ kind: "text", text: "You said: hello" }],
        },
      ],
      history: [
        {
          kind: "message",
          messageId: `message-${messages}`,
          role: "user",
          parts: [{ kind: "text", text: "hello" }],
          contextId: task.contextId,
          taskId: task.id,
        },
        expect.objectContaining({ role: "agent" }),
      ],
      metadata: { assistant_id: expect.stringMatching(uuid) },
    });
    expect(task.id.split(":")[0]).toBe(task.contextId);
  });

  test("SendMessage answers the same in the spelling of 1.0", async () => {
    const params = message("hello", { role: "ROLE_USER", parts: [{ text: "hello" }] });
    const { json: answered } = await call("chat", "SendMessage", params);
    const { task } = answered.result;
    expect(task).not.toHaveProperty("kind");
    expect(task.status.state).toBe("TASK_STATE_COMPLETED");
    expect(task.artifacts[0].parts).toEqual([{ text: "You said: hello" }]);
    expect(task.history.map((one: { role: string }) => one.role)).toEqual([
      "ROLE_USER",
      "ROLE_AGENT",
    ]);
    const got = (await call("chat", "GetTask", { id: task.id })).json.result;
    expect(got).toEqual(task);
    const older = (await call("chat", "tasks/get", { id: task.id })).json.result;
    expect(older).toMatchObject({ kind: "task", id: task.id, status: { state: "completed" } });
  });

  test("a context is a thread: the next turn goes on with it, and other clients see it", async () => {
    const first = (await call("chat", "message/send", message("one"))).json.result;
    const { contextId } = first;
    const second = (await call("chat", "message/send", message("two", { contextId }))).json.result;
    expect(second.contextId).toBe(contextId);
    expect(second.id).not.toBe(first.id);
    const texts = (task: { history: { parts: { text: string }[] }[] }) =>
      task.history.map(({ parts }) => parts[0]!.text);
    expect(texts(second)).toEqual(["one", "You said: one", "two", "You said: two"]);
    expect(second.artifacts).toHaveLength(1);
    const state = (await api.call("GET", `/threads/${contextId}/state`)).json;
    expect(state.values.messages).toHaveLength(4);
    // The first task is what it was, although the thread has gone on.
    const again = (await call("chat", "tasks/get", { id: first.id })).json.result;
    expect(again.artifacts).toEqual(first.artifacts);
    expect(texts(again)).toEqual(["one", "You said: one"]);
    for (const wish of [{ historyScope: "task" }, { configuration: { historyScope: "task" } }]) {
      const sent = await call("chat", "message/send", { ...message("x", { contextId }), ...wish });
      expect(texts(sent.json.result)).toEqual(["x", "You said: x"]);
    }
    const header = { ...json, "langgraph-a2a-history-scope": "task" };
    const byHeader = await call("chat", "tasks/get", { id: second.id }, header);
    expect(texts(byHeader.json.result)).toEqual(["two", "You said: two"]);
    const short = await call("chat", "tasks/get", { id: second.id, historyLength: 1 });
    expect(texts(short.json.result)).toEqual(["You said: two"]);
    const none = await call("chat", "tasks/get", { id: second.id, historyLength: 0 });
    expect(none.json.result.history).toEqual([]);
  });

  test("a client's own context is made", async () => {
    const contextId = crypto.randomUUID();
    const { json: answered } = await call("chat", "message/send", message("x", { contextId }));
    expect(answered.result.contextId).toBe(contextId);
  });

  test("data is the graph's input, and the output of a graph without messages", async () => {
    const { json: answered } = await call("steps", "message/send", data({ input: "x" }));
    expect(answered.result.artifacts).toEqual([
      {
        artifactId: expect.any(String),
        name: "response",
        parts: [{ kind: "data", data: { log: ["one", "two", "three"], input: "x" } }],
      },
    ]);
  });

  test.for<[string, object[], object[]]>([
    [
      "message/send",
      [
        { kind: "text", text: "look" },
        { kind: "file", file: { bytes: "aGk=", mimeType: "image/png", name: "a.png" } },
        { kind: "file", file: { uri: "https://example.com/a.pdf", mimeType: "application/pdf" } },
      ],
      [
        { type: "text", text: "look" },
        { type: "image", mimeType: "image/png", data: "aGk=", metadata: { name: "a.png" } },
        { type: "file", mimeType: "application/pdf", url: "https://example.com/a.pdf" },
      ],
    ],
    [
      "SendMessage",
      [
        { text: "look" },
        { raw: "aGk=", mediaType: "image/png", filename: "a.png" },
        { url: "https://example.com/a.pdf", mediaType: "application/pdf" },
      ],
      [
        { type: "text", text: "look" },
        { type: "image", mimeType: "image/png", data: "aGk=", metadata: { name: "a.png" } },
        { type: "file", mimeType: "application/pdf", url: "https://example.com/a.pdf" },
      ],
    ],
  ])("files go in and come out as %s spells them", async ([method, parts, blocks]) => {
    const { json: answered } = await call("chat", method, message("", { parts }));
    const task = answered.result.task ?? answered.result;
    const { values } = (await api.call("GET", `/threads/${task.contextId}/state`)).json;
    expect(values.messages[0].content).toEqual(blocks);
    expect(task.history[0].parts).toEqual(parts);
  });

  test("a run that fails is a task that failed, and says why", async () => {
    const { json: answered } = await call("thrower", "message/send", data({ input: "x" }));
    expect(answered.result.status).toMatchObject({
      state: "failed",
      message: { role: "agent", parts: [{ kind: "text", text: "RangeError: boom!" }] },
    });
  });

  test.for([
    ["message/send", { configuration: { blocking: false } }],
    ["SendMessage", { configuration: { returnImmediately: true } }],
  ] as const)("%s does not wait where that is wished", async ([method, wish]) => {
    const { json: answered } = await call("obedient", method, { ...data({ input: "x" }), ...wish });
    const task = answered.result.task ?? answered.result;
    expect(task.status.state).toMatch(/submitted|working/i);
    await waiting(`gate:${task.contextId}`);
    const { result } = (await call("obedient", "tasks/get", { id: task.id })).json;
    expect(result.status.state).toBe("working");
    const busy = await call("obedient", "message/send", data({}, { taskId: task.id }));
    expect(busy.json.error).toMatchObject({ code: -32004 });
    engineFixture().gates.get(`gate:${task.contextId}`)!();
    await expect
      .poll(async () => (await call("obedient", "tasks/get", { id: task.id })).json.result.status)
      .toMatchObject({ state: "completed" });
  });

  test("a client that goes away does not end its task", async () => {
    const contextId = crypto.randomUUID();
    const response = await app.request("/a2a/obedient", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(rpc("message/send", data({ input: "x" }, { contextId }))),
    });
    const reader = response.body!.getReader();
    await waiting(`gate:${contextId}`);
    await readUntil(reader, "\n");
    await reader.cancel();
    engineFixture().gates.get(`gate:${contextId}`)!();
    const states = async () => {
      const { result } = (await call("obedient", "ListTasks", { contextId })).json;
      return result.tasks.map(({ status }: { status: { state: string } }) => status.state);
    };
    await expect.poll(states).toEqual(["TASK_STATE_COMPLETED"]);
  });
});

describe("message/stream", () => {
  test.for(["message/stream", "SendStreamingMessage"])(
    "%s tells of the task, its answer and its end",
    async (method) => {
      const { text, headers } = await call("speaking", method, message("hello"), {
        accept: "text/event-stream",
      });
      expect(headers.get("content-type")).toBe("text/event-stream");
      const results = eventsOf(text).map((frame) => {
        expect(frame.data).toMatchObject({ jsonrpc: "2.0", id: 1 });
        return frame.data.result;
      });
      const isNew = method === "SendStreamingMessage";
      const first = isNew ? results[0].task : results[0];
      expect(first.status.state).toMatch(/submitted/i);
      const updates = results.slice(1).map((one) => one.statusUpdate ?? one.artifactUpdate ?? one);
      const kinds = isNew ? [undefined] : ["status-update", "artifact-update"];
      expect(new Set(updates.map(({ kind }) => kind))).toEqual(new Set(kinds));
      expect(new Set(updates.map(({ taskId }) => taskId))).toEqual(new Set([first.id]));
      const states = updates.filter((one) => one.status).map((one) => one.status.state);
      expect(states).toEqual(
        isNew ? ["TASK_STATE_WORKING", "TASK_STATE_COMPLETED"] : ["working", "completed"],
      );
      expect(updates.at(-1).final).toBe(isNew ? undefined : true);
      const chunks = updates.filter((one) => one.artifact);
      expect(chunks.map(({ append }) => append)).toEqual([
        false,
        ...chunks.slice(1).map(() => true),
      ]);
      expect(chunks.map(({ lastChunk }) => lastChunk)).toEqual([
        ...chunks.slice(1).map(() => false),
        true,
      ]);
      const said = chunks.map(({ artifact }) => artifact.parts[0].text).join("");
      const task = (await call("speaking", "tasks/get", { id: first.id })).json.result;
      expect(said).toBe(task.artifacts[0].parts[0].text);
      expect(chunks.length).toBeGreaterThan(2);
    },
  );

  test("an error before it begins is told on it", async () => {
    const stream = { accept: "text/event-stream" };
    const params = message("x", { taskId: "nonsense" });
    const { status, text } = await call("chat", "message/stream", params, stream);
    expect([status, eventsOf(text)[0]!.data.error.code]).toEqual([200, -32001]);
  });
});

describe("a task that asks", () => {
  const ask = async () => (await call("asking", "message/send", data({ input: "x" }))).json.result;

  test("waits for input, tells what it asks, and goes on with a text", async () => {
    const task = await ask();
    expect(task.status.state).toBe("input-required");
    const [question, interrupts] = task.status.message.parts;
    expect(JSON.parse(question.text)).toEqual({ question: "how old?" });
    expect(interrupts).toEqual({
      kind: "data",
      data: { interrupts: [{ id: expect.any(String), value: { question: "how old?" } }] },
    });
    const { id: taskId, contextId } = task;
    const answer = message("42", { taskId, contextId });
    const answered = (await call("asking", "message/send", answer)).json.result;
    expect(answered.id).toBe(taskId);
    expect(answered.status.state).toBe("completed");
    expect(answered.artifacts[0].parts[0].data.log).toEqual(["answer 42", "after"]);
    const late = await call("asking", "message/send", message("43", { taskId }));
    expect(late.json.error).toMatchObject({ code: -32004, message: /completed/ });
  });

  test("goes on with an answer by id, or with data", async () => {
    const first = await ask();
    const { id } = first.status.message.parts[1].data.interrupts[0];
    const byId = data({ resume: [{ id, value: 7 }] }, { taskId: first.id });
    const answered = (await call("asking", "SendMessage", byId)).json.result.task;
    expect(answered.artifacts[0].parts[0].data.log).toEqual(["answer 7", "after"]);
    const second = await ask();
    const plain = data(["a", "b"], { taskId: second.id });
    const next = (await call("asking", "message/send", plain)).json.result;
    expect(next.artifacts[0].parts[0].data.log).toEqual(["answer a,b", "after"]);
  });

  test("refuses answers to what it did not ask, and another context", async () => {
    const task = await ask();
    for (const wrong of [
      data({ resume: [{ id: "x".repeat(32), value: 1 }] }, { taskId: task.id }),
      data({ resume: [{ id: "a" }] }, { taskId: task.id }),
      data({ resume: [] }, { taskId: task.id }),
      message("42", { taskId: task.id, contextId: crypto.randomUUID() }),
    ]) {
      const { json: answered } = await call("asking", "message/send", wrong);
      expect(answered.error, JSON.stringify(wrong)).toMatchObject({ code: -32602 });
    }
    const { result } = (await call("asking", "tasks/get", { id: task.id })).json;
    expect(result.status.state).toBe("input-required");
  });

  test("that asks several things at once wants its answers named", async () => {
    const sent = await call("askingTwice", "message/send", data({ input: "a" }));
    const task = sent.json.result;
    const { interrupts } = task.status.message.parts.at(-1).data;
    expect(interrupts).toHaveLength(2);
    const one = await call("askingTwice", "message/send", message("yes", { taskId: task.id }));
    expect(one.json.error).toMatchObject({ code: -32602, message: /Name them/ });
    const resume = interrupts.map(({ id }: { id: string }) => ({ id, value: "yes" }));
    const all = data({ resume }, { taskId: task.id });
    const answered = await call("askingTwice", "message/send", all);
    expect(answered.json.result.status.state).toBe("completed");
  });

  test("is canceled for good", async () => {
    const task = await ask();
    const canceled = (await call("asking", "tasks/cancel", { id: task.id })).json.result;
    expect(canceled.status.state).toBe("canceled");
    const thread = (await api.call("GET", `/threads/${task.contextId}`)).json;
    expect([thread.status, thread.interrupts]).toEqual(["idle", {}]);
    const again = await call("asking", "CancelTask", { id: task.id });
    expect(again.json.error).toMatchObject({ code: -32002 });
    const late = await call("asking", "message/send", message("42", { taskId: task.id }));
    expect(late.json.error).toMatchObject({ code: -32004 });
    const { result } = (await call("asking", "GetTask", { id: task.id })).json;
    expect(result.status.state).toBe("TASK_STATE_CANCELED");
  });

  test("answered twice at once goes on once", async () => {
    const task = await ask();
    const both = await Promise.all(
      ["1", "2"].map((text) => call("asking", "message/send", message(text, { taskId: task.id }))),
    );
    const states = both.map(({ json: { result, error } }) => error?.code ?? result.status.state);
    expect(states.toSorted()).toEqual([-32004, "completed"]);
  });
});

test("a task that works is canceled at once, and tells on its stream", async () => {
  const contextId = crypto.randomUUID();
  const streaming = call("stubborn", "message/stream", data({ input: "x" }, { contextId }), {
    accept: "text/event-stream",
  });
  await waiting(`gate:${contextId}`);
  const [task] = (await call("stubborn", "ListTasks", { contextId })).json.result.tasks;
  const { result } = (await call("stubborn", "CancelTask", { id: task.id })).json;
  expect(result.status.state).toBe("TASK_STATE_CANCELED");
  const last = eventsOf((await streaming).text).at(-1)!.data.result;
  expect(last).toMatchObject({ status: { state: "canceled" }, final: true });
});

describe("ListTasks", () => {
  test("lists an assistant's tasks, newest first, by context, state and page", async () => {
    await using own = await openApi();
    const ownApp = createA2aApp(own.ports);
    const ask = async (assistant: string, method: string, params: object) =>
      (await post(ownApp, `/a2a/${assistant}`, rpc(method, params), json)).json.result;
    const asked = await ask("asking", "message/send", data({ input: "x" }));
    const answer = message("1", { taskId: asked.id });
    const done = await ask("asking", "message/send", answer);
    const open = await ask("asking", "message/send", data({ input: "y" }));
    await ask("chat", "message/send", message("other"));
    const ids = (list: { tasks: { id: string }[] }) => list.tasks.map(({ id }) => id);
    const all = await ask("asking", "ListTasks", {});
    expect(ids(all)).toEqual([open.id, done.id]);
    expect(all).toMatchObject({ nextPageToken: "", pageSize: 50 });
    expect(all.tasks[0].artifacts).toEqual([]);
    const waits = { status: "TASK_STATE_INPUT_REQUIRED" };
    expect(ids(await ask("asking", "ListTasks", waits))).toEqual([open.id]);
    const within = { contextId: done.contextId, includeArtifacts: true };
    const inContext = await ask("asking", "ListTasks", within);
    expect(ids(inContext)).toEqual([done.id]);
    expect(inContext.tasks[0].artifacts).toHaveLength(1);
    const page = await ask("asking", "ListTasks", { pageSize: 1 });
    expect(ids(page)).toEqual([open.id]);
    const rest = await ask("asking", "ListTasks", { pageSize: 1, pageToken: page.nextPageToken });
    expect(ids(rest)).toEqual([done.id]);
  });
});

describe("the agent card", () => {
  test("tells both kinds of clients where and how to speak to an assistant", async () => {
    const metadata = {
      a2a: { input_modes: ["text/plain"], output_modes: ["image/png"], a2ui: true },
    };
    const body = { graph_id: "chat", name: "Helper", description: "Helps.", metadata };
    const { assistant_id } = (await api.call("POST", "/assistants", body)).json;
    const url = `http://agents.example:8123/a2a/${assistant_id}`;
    for (const path of [
      `/.well-known/agent-card.json?assistant_id=${assistant_id}`,
      `/a2a/${assistant_id}/.well-known/agent-card.json`,
    ]) {
      const answered = await app.request(`http://agents.example:8123${path}`);
      expect(await answered.json()).toMatchObject({
        name: "Helper",
        description: "Helps.",
        version: "1",
        supportedInterfaces: [{ url, protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
        url,
        protocolVersion: "0.3.0",
        preferredTransport: "JSONRPC",
        capabilities: {
          streaming: true,
          pushNotifications: false,
          extensions: [{ required: false }],
        },
        defaultInputModes: ["text/plain"],
        defaultOutputModes: ["image/png"],
        skills: [{ name: "Helper", description: "Helps.", tags: ["assistant", "chat"] }],
      });
    }
    const extended = await call(assistant_id, "agent/getAuthenticatedExtendedCard", {});
    expect(extended.json.result).toMatchObject({ name: "Helper", protocolVersion: "0.3.0" });
    const behind = await app.request("/a2a/chat/.well-known/agent-card.json", {
      headers: { "x-forwarded-proto": "https", "x-forwarded-host": "agents.example" },
    });
    expect(await behind.json()).toMatchObject({ url: "https://agents.example/a2a/chat" });
  });

  test("of nobody is not found, and an assistant has to be named", async () => {
    for (const [path, status] of [
      ["/.well-known/agent-card.json", 400],
      ["/.well-known/agent-card.json?assistant_id=nobody", 404],
      ["/a2a/nobody/.well-known/agent-card.json", 404],
    ] as const) {
      const answered = await app.request(path);
      expect(answered.status, path).toBe(status);
      const { detail, message: told } = (await answered.json()) as Record<string, string>;
      expect([detail, told]).toEqual([told, expect.stringMatching(/^[A-Z].{10,}\.$/)]);
    }
  });
});

describe("bad input", () => {
  const good = () => rpc("message/send", message("x"));
  test.for<[string, unknown, Headers, number, number]>([
    ["no JSON", "{", {}, 400, -32700],
    ["nothing", "", {}, 400, -32600],
    ["a batch", [good()], {}, 400, -32600],
    ["JSON-RPC 1", { id: 1, method: "tasks/get" }, {}, 400, -32600],
    ["no method", { jsonrpc: "2.0", id: 1 }, {}, 400, -32600],
    ["a gigantic body", rpc("tasks/get", { id: "x".repeat(10_000) }), {}, 413, -32000],
    ["another content type", good(), { "content-type": "text/plain" }, 400, -32600],
    ["only events accepted", good(), { accept: "text/event-stream" }, 400, -32600],
    ["only JSON accepted", rpc("message/stream", message("x")), json, 400, -32600],
    ["an unknown method", rpc("tasks/eat", {}), {}, 200, -32601],
    ["a stream to take up again", rpc("tasks/resubscribe", { id: "x" }), {}, 200, -32601],
    ["SubscribeToTask", rpc("SubscribeToTask", { id: "x" }), {}, 200, -32601],
    ["push", rpc("tasks/pushNotificationConfig/set", {}), {}, 200, -32601],
    ["CreateTaskPushNotificationConfig", rpc("CreateTaskPushNotificationConfig"), {}, 200, -32601],
    ["no message", rpc("message/send", {}), {}, 200, -32602],
    ["no params", rpc("message/send"), {}, 200, -32602],
    ["no parts", rpc("message/send", message("x", { parts: [] })), {}, 200, -32602],
    ["an empty part", rpc("message/send", message("x", { parts: [{}] })), {}, 200, -32602],
    [
      "bytes that are none",
      rpc("SendMessage", message("x", { parts: [{ raw: "%" }] })),
      {},
      200,
      -32602,
    ],
    ["data without keys", rpc("message/send", data([1])), {}, 200, -32602],
    ["an agent's message", rpc("message/send", message("x", { role: "agent" })), {}, 200, -32602],
    ["no message id", rpc("message/send", message("x", { messageId: "" })), {}, 200, -32602],
    [
      "a context that is no UUID",
      rpc("message/send", message("x", { contextId: "y" })),
      {},
      200,
      -32602,
    ],
    ["a long history", rpc("tasks/get", { id: "x", historyLength: 11 }), {}, 200, -32602],
    ["a short history", rpc("tasks/get", { id: "x", historyLength: -1 }), {}, 200, -32602],
    ["another scope", rpc("tasks/get", { id: "x", historyScope: "all" }), {}, 200, -32602],
    [
      "a header's scope",
      rpc("tasks/get", { id: "x" }),
      { "langgraph-a2a-history-scope": "all" },
      200,
      -32602,
    ],
    ["a task id that is none", rpc("tasks/get", { id: "x" }), {}, 200, -32001],
    [
      "a task id that nothing has",
      rpc("GetTask", { id: `${crypto.randomUUID()}:${crypto.randomUUID()}` }),
      {},
      200,
      -32001,
    ],
    ["a task to cancel that is none", rpc("tasks/cancel", { id: "x" }), {}, 200, -32001],
    [
      "a task to answer that is none",
      rpc("message/send", message("x", { taskId: "y" })),
      {},
      200,
      -32001,
    ],
    ["a state that is none", rpc("ListTasks", { status: "tired" }), {}, 200, -32602],
    ["a page that is none", rpc("ListTasks", { pageToken: "x" }), {}, 200, -32602],
  ])("%s", async ([name, body, headers, status, code]) => {
    const before = (await api.call("POST", "/threads/count", {})).json;
    const answered = await post(app, "/a2a/chat", body, headers);
    expect([answered.status, answered.json?.error?.code], name).toEqual([status, code]);
    expect(answered.json.error.message).toMatch(/^[A-Z].{10,}[.!]$|^Malformed JSON|not supported/s);
    expect((await api.call("POST", "/threads/count", {})).json).toBe(before);
  });

  test("an assistant that is not there, and a task of another one", async () => {
    const nobody = await post(app, "/a2a/nobody", good());
    expect([nobody.status, nobody.json.error.code]).toEqual([404, -32000]);
    const { id } = (await call("chat", "message/send", message("x"))).json.result;
    for (const method of ["tasks/get", "tasks/cancel"]) {
      expect((await call("steps", method, { id })).json.error.code).toBe(-32001);
    }
    const [threadId] = id.split(":");
    const other = await call("chat", "tasks/get", {
      id: `${crypto.randomUUID()}:${id.split(":")[1]}`,
    });
    expect(other.json.error.code).toBe(-32001);
    expect((await api.call("GET", `/threads/${threadId}`)).status).toBe(200);
  });

  test("another method than POST", async () => {
    const answered = await app.request("/a2a/chat");
    expect([answered.status, answered.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("nothing of it was a surprise to the server", () => {
    expect(api.errors).toEqual([]);
  });
});
