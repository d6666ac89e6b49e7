import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../../support/openai.ts";
import { Hold } from "../../support/scripted-server.ts";

let server: OpenaiServer;
const hold = new Hold();
/** Ids that the requests below are about. */
let ids: {
  assistant: string;
  thread: string;
  busy: string;
  running: string;
  waiting: string;
  asking: string;
};

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    headers: { "content-type": "application/json" },
  });
  return {
    status: response.status,
    headers: response.headers,
    // oxlint-disable-next-line typescript/no-explicit-any
    json: (await response.json()) as any,
  };
}

const twoCalls = {
  toolCalls: [
    { name: "a", arguments: {}, id: "call_a" },
    { name: "b", arguments: {}, id: "call_b" },
  ],
};

beforeAll(async () => {
  server = await openOpenaiServer({ script: [twoCalls, { text: "never", hold }] });
  const { beta } = server.client;
  const assistant = await beta.assistants.create({ model: "m", instructions: "x" });
  const { id: assistant_id } = assistant;
  const waiting = await beta.threads.createAndRunPoll({ assistant_id, instructions: "x" });
  const running = await beta.threads.createAndRun({ assistant_id, instructions: "x" });
  await hold.reached;
  ids = {
    assistant: assistant_id,
    thread: (await beta.threads.create()).id,
    busy: running.thread_id,
    running: running.id,
    waiting: waiting.thread_id,
    asking: waiting.id,
  };
});
afterAll(async () => {
  hold.release();
  await server[Symbol.asyncDispose]();
});

/** `{name}` in a path or a sentence is one of the ids above. */
function filled(text: string): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: keyof typeof ids) => ids[name]);
}

function asPattern(sentence: string | RegExp): RegExp {
  return typeof sentence === "string"
    ? new RegExp(`^${RegExp.escape(filled(sentence))}$`)
    : sentence;
}

interface Case {
  method?: string;
  path: string;
  body?: unknown;
  status?: number;
  message: string | RegExp;
  param?: string;
  code?: string;
}

const missing = "thread_000000000000000000000001";
const message = { role: "user", content: "x" };

describe("OpenAI's own words", () => {
  test.for<Case>([
    // What is not there.
    {
      method: "GET",
      path: "/assistants/asst_nope",
      status: 404,
      message: "No assistant found with id 'asst_nope'.",
    },
    {
      method: "GET",
      path: `/threads/${missing}`,
      status: 404,
      message: `No thread found with id '${missing}'.`,
    },
    {
      path: `/threads/${missing}/messages`,
      body: message,
      status: 404,
      message: `No thread found with id '${missing}'.`,
    },
    {
      method: "GET",
      path: "/threads/{thread}/runs/run_nope",
      status: 404,
      message: "No run found with id 'run_nope'.",
    },
    {
      method: "GET",
      path: "/threads/{thread}/messages/msg_nope",
      status: 404,
      message: "No message found with id 'msg_nope'.",
    },
    {
      method: "GET",
      path: "/threads/{busy}/runs/{asking}",
      status: 404,
      message: "No run found with id '{asking}'.",
    },
    {
      method: "GET",
      path: "/threads/{waiting}/runs/{asking}/steps/step_nope",
      status: 404,
      message: "No run step found with id 'step_nope'.",
    },
    {
      path: "/threads/{thread}/runs",
      body: { assistant_id: "asst_nope" },
      status: 404,
      message: "No assistant found with id 'asst_nope'.",
    },
    { method: "GET", path: "/nowhere", status: 404, message: /GET \/v1\/nowhere/ },
    // The lock.
    {
      path: "/threads/{busy}/messages",
      body: message,
      message: "Can't add messages to {busy} while a run {running} is active.",
    },
    {
      path: "/threads/{waiting}/messages",
      body: message,
      message: "Can't add messages to {waiting} while a run {asking} is active.",
    },
    {
      path: "/threads/{busy}/runs",
      body: { assistant_id: "{assistant}" },
      message: "Thread {busy} already has an active run {running}.",
    },
    {
      path: "/threads/{waiting}/runs",
      body: { assistant_id: "{assistant}", additional_messages: [message] },
      message: "Thread {waiting} already has an active run {asking}.",
    },
    // Outputs of tools.
    {
      path: "/threads/{busy}/runs/{running}/submit_tool_outputs",
      body: { tool_outputs: [] },
      message: 'Runs in status "in_progress" do not accept tool outputs.',
    },
    {
      path: "/threads/{waiting}/runs/{asking}/submit_tool_outputs",
      body: { tool_outputs: [{ tool_call_id: "call_a", output: "1" }] },
      message: "Expected tool outputs for call_ids ['call_a', 'call_b'], got ['call_a']",
    },
    {
      path: "/threads/{waiting}/runs/{asking}/submit_tool_outputs",
      body: { tool_outputs: [{ tool_call_id: "call_a", error: "x" }] },
      message: "Unknown parameter: 'tool_outputs[0].error'.",
      param: "tool_outputs[0].error",
      code: "unknown_parameter",
    },
    {
      path: "/threads/{waiting}/runs/{asking}/submit_tool_outputs",
      body: { tool_outputs: [{ tool_call_id: "call_a", output: 1 }] },
      message:
        "Invalid type for 'tool_outputs[0].output': expected a string, but got an integer instead.",
      param: "tool_outputs[0].output",
      code: "invalid_type",
    },
    // Bodies.
    {
      path: "/assistants",
      body: {},
      message: "Missing required parameter: 'model'.",
      param: "model",
      code: "missing_required_parameter",
    },
    {
      path: "/assistants",
      body: { model: "m", foo: 1 },
      message: "Unknown parameter: 'foo'.",
      param: "foo",
      code: "unknown_parameter",
    },
    {
      path: "/assistants",
      body: { model: 1 },
      message: "Invalid type for 'model': expected a string, but got an integer instead.",
      param: "model",
      code: "invalid_type",
    },
    {
      path: "/assistants",
      body: { model: "m", name: "n".repeat(257) },
      message:
        "Invalid 'name': string too long. Expected a string with maximum length 256, but got a string with length 257 instead.",
      param: "name",
      code: "string_above_max_length",
    },
    {
      path: "/assistants",
      body: {
        model: "m",
        tools: Array.from({ length: 129 }, () => ({ type: "code_interpreter" })),
      },
      message:
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 129 instead.",
      param: "tools",
      code: "array_above_max_length",
    },
    {
      path: "/assistants",
      body: { model: "m", tools: [{ type: "web" }] },
      message:
        "Invalid value: 'web'. Supported values are: 'code_interpreter', 'file_search', and 'function'.",
      param: "tools[0].type",
      code: "invalid_value",
    },
    {
      path: "/assistants",
      body: { model: "m", tools: [{ type: "function", function: {} }] },
      message: "Missing required parameter: 'tools[0].function.name'.",
      param: "tools[0].function.name",
      code: "missing_required_parameter",
    },
    {
      path: "/assistants",
      body: { model: "m", temperature: 2.5 },
      message:
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead.",
      param: "temperature",
      code: "decimal_above_max_value",
    },
    {
      path: "/assistants",
      body: { model: "m", metadata: { a: 1 } },
      message: "Invalid type for 'metadata.a': expected a string, but got an integer instead.",
      param: "metadata.a",
      code: "invalid_type",
    },
    {
      path: "/threads/{thread}/messages",
      body: { role: "system", content: "x" },
      message: "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.",
      param: "role",
      code: "invalid_value",
    },
    {
      path: "/threads/{thread}/messages",
      body: { role: "user" },
      message: "Missing required parameter: 'content'.",
      param: "content",
      code: "missing_required_parameter",
    },
    {
      path: "/threads/{thread}/messages",
      body: { role: "user", content: [] },
      message:
        "Invalid 'content': array too short. Expected an array with minimum length 1, but got an array with length 0 instead.",
      param: "content",
      code: "array_below_min_length",
    },
    {
      path: "/threads/{thread}/runs",
      body: { assistant_id: "{assistant}", max_prompt_tokens: 255 },
      message:
        "Invalid 'max_prompt_tokens': integer below minimum value. Expected a value >= 256, but got 255 instead.",
      param: "max_prompt_tokens",
      code: "integer_below_min_value",
    },
    {
      method: "GET",
      path: "/assistants?limit=101",
      message:
        "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got 101 instead.",
      param: "limit",
      code: "integer_above_max_value",
    },
    {
      method: "GET",
      path: "/assistants?limit=0",
      message:
        "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
      param: "limit",
      code: "integer_below_min_value",
    },
    {
      method: "GET",
      path: "/assistants?after=asst_nope",
      message: /asst_nope/,
      param: "after",
      code: "invalid_value",
    },
    { path: "/assistants", body: "{", message: /^Malformed JSON/ },
  ])("$path: $message", async (one) => {
    const body = one.body === undefined ? undefined : filled(JSON.stringify(one.body));
    const raw = typeof one.body === "string" ? one.body : body;
    const method = one.method ?? "POST";
    const { status, headers, json } = await call(method, filled(one.path), raw);
    expect(json.error).toEqual({
      message: expect.stringMatching(asPattern(one.message)),
      type: "invalid_request_error",
      param: one.param ?? null,
      code: one.code ?? null,
    });
    expect(status).toBe(one.status ?? 400);
    expect(headers.get("x-request-id")).toMatch(/^req_/);
  });

  test("a thread without a word and an assistant without instructions have nothing to say", async () => {
    const { json: assistant } = await call("POST", "/assistants", { model: "m" });
    const { status, json } = await call("POST", `/threads/${ids.thread}/runs`, {
      assistant_id: assistant.id,
    });
    expect(status).toBe(400);
    expect(json.error.message).toBe(
      "Run creation requires a Thread with a user message or an assistant with instructions.",
    );
  });

  test("a run that waits is polled quickly", async () => {
    const { headers } = await call("GET", filled("/threads/{busy}/runs/{running}"));
    expect(Number(headers.get("openai-poll-after-ms"))).toBeGreaterThan(0);
  });
});

const odd = ["{", "null", "1", '"x"', "[]", '{"foo":"\\ud800"}', "[".repeat(50_000)];
const posts = [
  "/assistants",
  "/assistants/{assistant}",
  "/threads",
  "/threads/{thread}",
  "/threads/runs",
  "/threads/{thread}/messages",
  "/threads/{thread}/runs",
  "/threads/{waiting}/runs/{asking}",
  "/threads/{waiting}/runs/{asking}/submit_tool_outputs",
];

test.for(posts)("whatever is sent to %s is refused in OpenAI's form, briefly", async (path) => {
  const long = JSON.stringify({ foo: 1, role: "x".repeat(100_000), model: [] });
  for (const body of [...odd, long]) {
    const { status, json } = await call("POST", filled(path), body);
    expect(status, body.slice(0, 20)).toBe(400);
    expect(Object.keys(json.error).toSorted()).toEqual(["code", "message", "param", "type"]);
    expect(json.error.message.length).toBeLessThan(1000);
  }
});

describe("the words of the first version", () => {
  test("retrieval and files of an assistant, and files of a message", async () => {
    const { json: assistant } = await call("POST", "/assistants", {
      model: "m",
      tools: [{ type: "retrieval" }, { type: "code_interpreter" }],
      file_ids: ["file-1"],
    });
    expect(assistant).toMatchObject({
      tools: [{ type: "file_search" }, { type: "code_interpreter" }],
      tool_resources: {
        code_interpreter: { file_ids: ["file-1"] },
        file_search: { vector_stores: [{ file_ids: ["file-1"] }] },
      },
    });
    const { json: added } = await call("POST", `/threads/${ids.thread}/messages`, {
      ...message,
      file_ids: ["file-1"],
    });
    expect(added.attachments).toEqual([
      { file_id: "file-1", tools: [{ type: "code_interpreter" }, { type: "file_search" }] },
    ]);
    // The answers to those who use such words have the words, too.
    expect(assistant.file_ids).toEqual(["file-1"]);
    expect(added.file_ids).toEqual(["file-1"]);
  });

  test("whoever says assistants=v1 reads file_ids everywhere, and nobody else", async () => {
    const paths = [
      "/assistants",
      `/threads/${ids.waiting}/messages`,
      `/threads/${ids.waiting}/runs`,
    ];
    await call("POST", `/threads/${ids.thread}/messages`, message);
    for (const path of [...paths, `/threads/${ids.thread}/messages`]) {
      const read = async (version: string) => {
        const headers = { "openai-beta": `assistants=${version}` };
        const response = await fetch(`${server.url}${path}`, { headers });
        return ((await response.json()) as { data: Record<string, unknown>[] }).data;
      };
      const [first, second] = [await read("v1"), await read("v2")];
      expect(first).toEqual(second.map((one) => ({ ...one, file_ids: expect.any(Array) })));
    }
  });
});
