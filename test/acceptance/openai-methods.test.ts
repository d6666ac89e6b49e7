import OpenAI from "openai";
import OpenAI4 from "openai-4";
import { afterEach, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";
import { Hold } from "../support/scripted-server.ts";

let server: OpenaiServer;
afterEach(() => server[Symbol.asyncDispose]());

const ask = { role: "user" as const, content: "Hello" };
const lookUp = {
  type: "function" as const,
  function: { name: "look_up", parameters: { type: "object", properties: {} } },
};

describe("every method of the newest client", () => {
  test("beta.assistants", async () => {
    server = await openOpenaiServer();
    const { assistants } = server.client.beta;
    const made = await assistants.create({
      model: "gpt-4o",
      name: "이름",
      description: "d",
      instructions: "",
      temperature: 0,
      top_p: 0.5,
      metadata: { a: "1", b: "2" },
      tools: [lookUp, { type: "file_search" }],
      tool_resources: { file_search: { vector_store_ids: ["vs_1"] } },
      response_format: { type: "json_object" },
      reasoning_effort: "low",
    });
    expect(made.id).toMatch(/^asst_[0-9A-Za-z]{24}$/);
    expect(made).toMatchObject({
      object: "assistant",
      model: "gpt-4o",
      name: "이름",
      instructions: "",
      temperature: 0,
      top_p: 0.5,
      metadata: { a: "1", b: "2" },
      tool_resources: { file_search: { vector_store_ids: ["vs_1"] } },
      response_format: { type: "json_object" },
      reasoning_effort: "low",
    });
    expect(await assistants.retrieve(made.id)).toEqual(made);
    const changed = await assistants.update(made.id, {
      name: null,
      metadata: { c: "3" },
      tools: [],
    });
    expect(changed).toEqual({ ...made, name: null, metadata: { c: "3" }, tools: [] });
    const others = [];
    for (const name of ["1", "2", "3"]) {
      others.push(await assistants.create({ model: "gpt-4o", name }));
    }
    const all: (string | null)[] = [];
    for await (const one of assistants.list({ limit: 2 })) all.push(one.name);
    expect(all).toEqual(["3", "2", "1", null]);
    const page = await assistants.list({ order: "asc", after: made.id, limit: 1 });
    expect(page.data.map(({ name }) => name)).toEqual(["1"]);
    const before = await assistants.list({ order: "asc", before: others[2]!.id, limit: 1 });
    expect(before.data.map(({ name }) => name)).toEqual(["2"]);
    expect(await assistants.delete(made.id)).toEqual({
      id: made.id,
      object: "assistant.deleted",
      deleted: true,
    });
    await expect(assistants.retrieve(made.id)).rejects.toThrow(
      `404 No assistant found with id '${made.id}'.`,
    );
  });

  test("beta.threads and beta.threads.messages", async () => {
    server = await openOpenaiServer();
    const { threads } = server.client.beta;
    const thread = await threads.create({
      messages: [ask, { role: "assistant", content: "Hi" }],
      metadata: { user: "kim" },
      tool_resources: { code_interpreter: { file_ids: ["file-1"] } },
    });
    expect(await threads.retrieve(thread.id)).toEqual(thread);
    const changed = await threads.update(thread.id, { metadata: { user: "lee" } });
    expect(changed).toEqual({ ...thread, metadata: { user: "lee" } });
    const image = { url: "https://example.com/a.png", detail: "low" as const };
    const message = await threads.messages.create(thread.id, {
      role: "user",
      content: [
        { type: "text", text: "무엇이 보여?" },
        { type: "image_url", image_url: image },
      ],
      attachments: [{ file_id: "file-1", tools: [{ type: "file_search" }] }],
      metadata: { k: "v" },
    });
    expect(message).toMatchObject({
      object: "thread.message",
      status: "completed",
      role: "user",
      content: [
        { type: "text", text: { value: "무엇이 보여?", annotations: [] } },
        { type: "image_url", image_url: image },
      ],
      attachments: [{ file_id: "file-1", tools: [{ type: "file_search" }] }],
      metadata: { k: "v" },
    });
    const where = { thread_id: thread.id };
    expect(await threads.messages.retrieve(message.id, where)).toEqual(message);
    const noted = await threads.messages.update(message.id, { ...where, metadata: { k: "w" } });
    expect(noted).toEqual({ ...message, metadata: { k: "w" } });
    expect(await threads.messages.retrieve(message.id, where)).toEqual(noted);
    const [newest, ...older] = (await threads.messages.list(thread.id)).data;
    expect(newest).toEqual(noted);
    expect(older.map(({ role }) => role)).toEqual(["assistant", "user"]);
    expect(await threads.messages.delete(message.id, where)).toEqual({
      id: message.id,
      object: "thread.message.deleted",
      deleted: true,
    });
    expect((await threads.messages.list(thread.id)).data).toEqual(older);
    const listed = await server.client.get<{ data: { id: string }[] }>("/threads");
    expect(listed.data.map(({ id }) => id)).toEqual([thread.id]);
    expect(await threads.delete(thread.id)).toEqual({
      id: thread.id,
      object: "thread.deleted",
      deleted: true,
    });
    await expect(threads.messages.list(thread.id)).rejects.toThrow(
      `404 No thread found with id '${thread.id}'.`,
    );
  });

  test("metadata may have any keys, also those that mean something in this server", async () => {
    server = await openOpenaiServer({ script: [{ text: "one" }] });
    const { beta } = server.client;
    const metadata = { assistant_id: "mine", graph_id: "steps", user: "kim" };
    const { id: assistant_id } = await beta.assistants.create({ model: "m", metadata });
    const thread = await beta.threads.create({ messages: [{ ...ask, metadata }], metadata });
    const run = await beta.threads.runs.createAndPoll(thread.id, { assistant_id, metadata });
    const [, asked] = (await beta.threads.messages.list(thread.id)).data;
    const changed = await beta.threads.update(thread.id, { metadata: { graph_id: "fan" } });
    expect((await beta.assistants.retrieve(assistant_id)).metadata).toEqual(metadata);
    expect([thread.metadata, run.metadata, asked!.metadata]).toEqual([
      metadata,
      metadata,
      metadata,
    ]);
    expect(changed.metadata).toEqual({ graph_id: "fan" });
    expect((await beta.threads.messages.list(thread.id)).data).toHaveLength(2);
  });

  test("beta.threads.runs and its steps, with the helpers that poll", async () => {
    server = await openOpenaiServer({
      script: [
        { text: "one" },
        { toolCalls: [{ name: "look_up", arguments: {}, id: "call_1" }] },
        { text: "two" },
        { text: "three" },
      ],
    });
    const { beta } = server.client;
    const { id: assistant_id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const first = await beta.threads.createAndRunPoll({
      assistant_id,
      thread: { messages: [ask] },
    });
    expect(first.status).toBe("completed");
    const where = { thread_id: first.thread_id };

    const asking = await beta.threads.runs.createAndPoll(first.thread_id, {
      assistant_id,
      additional_messages: [{ role: "user", content: "And now?" }],
      metadata: { n: "1" },
    });
    expect(asking.status).toBe("requires_action");
    const done = await beta.threads.runs.submitToolOutputsAndPoll(asking.id, {
      ...where,
      tool_outputs: [{ tool_call_id: "call_1", output: "42" }],
    });
    expect(done).toMatchObject({ id: asking.id, status: "completed", metadata: { n: "1" } });

    const renamed = await beta.threads.runs.update(asking.id, { ...where, metadata: { n: "2" } });
    expect(renamed).toEqual({ ...done, metadata: { n: "2" } });
    expect(await beta.threads.runs.retrieve(asking.id, where)).toEqual(renamed);
    const runs = await beta.threads.runs.list(first.thread_id);
    expect(runs.data).toEqual([renamed, first]);

    const steps = await beta.threads.runs.steps.list(asking.id, where);
    expect(steps.data.map(({ type }) => type)).toEqual(["message_creation", "tool_calls"]);
    for (const step of steps.data) {
      expect(
        await beta.threads.runs.steps.retrieve(step.id, { ...where, run_id: asking.id }),
      ).toEqual(step);
    }
    const ofRun = await beta.threads.messages.list(first.thread_id, { run_id: asking.id });
    expect(ofRun.data.map(({ content }) => content)).toMatchObject([[{ text: { value: "two" } }]]);

    const plain = await beta.threads.createAndRun({ assistant_id, thread: { messages: [ask] } });
    expect(plain.status).toBe("queued");
    const polled = await beta.threads.runs.poll(plain.id, { thread_id: plain.thread_id });
    expect(polled.status).toBe("completed");
  });

  test("runs.cancel ends a run that works and one that waits, and frees their threads", async () => {
    const hold = new Hold();
    server = await openOpenaiServer({
      script: [
        { text: "never", hold },
        { toolCalls: [{ name: "look_up", arguments: {} }] },
        { text: "free" },
      ],
    });
    const { beta } = server.client;
    const { id: assistant_id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const working = await beta.threads.createAndRun({ assistant_id, thread: { messages: [ask] } });
    await hold.reached;
    const where = { thread_id: working.thread_id };
    expect((await beta.threads.runs.cancel(working.id, where)).status).toBe("cancelling");
    const cancelled = await beta.threads.runs.retrieve(working.id, where);
    expect(cancelled).toMatchObject({ status: "cancelled", expires_at: null, completed_at: null });
    expect(cancelled.cancelled_at).toBeGreaterThanOrEqual(cancelled.created_at);
    await expect(beta.threads.runs.cancel(working.id, where)).rejects.toThrow(
      "400 Cannot cancel run with status 'cancelled'.",
    );

    const waiting = await beta.threads.runs.createAndPoll(working.thread_id, { assistant_id });
    expect(waiting.status).toBe("requires_action");
    await beta.threads.runs.cancel(waiting.id, where);
    expect(await beta.threads.runs.retrieve(waiting.id, where)).toMatchObject({
      status: "cancelled",
      required_action: null,
    });
    const [step] = (await beta.threads.runs.steps.list(waiting.id, where)).data;
    expect(step).toMatchObject({ type: "tool_calls", status: "cancelled" });
    await beta.threads.messages.create(working.thread_id, { role: "user", content: "Again" });
    const next = await beta.threads.runs.createAndPoll(working.thread_id, { assistant_id });
    expect(next.status).toBe("completed");
    hold.release();
  });

  test("models, and the id of a request", async () => {
    server = await openOpenaiServer({ aliases: { "gpt-4-1106-preview": "gpt-4.1-mini" } });
    const names: string[] = [];
    for await (const { id } of server.client.models.list()) names.push(id);
    expect(names).toContain("gpt-4-1106-preview");
    const model = await server.client.models.retrieve("gpt-4-1106-preview");
    expect(model).toMatchObject({ id: "gpt-4-1106-preview", object: "model" });
    expect((await server.client.beta.threads.create())._request_id).toMatch(/^req_/);
    await expect(server.client.models.retrieve("gpt-3")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      message: expect.stringMatching(/^404 The requested model 'gpt-3' does not exist\. .*ALIASES/),
    });
  });
});

test("the client of version 4 does the same with its older spelling", async () => {
  server = await openOpenaiServer({
    script: [
      { toolCalls: [{ name: "look_up", arguments: { q: "세금" }, id: "call_1" }] },
      { text: ["The ", "answer."] },
      { text: "polled" },
    ],
  });
  const client = new OpenAI4({ baseURL: server.url, apiKey: "sk-any", maxRetries: 0 });
  const { beta } = client;
  const assistant = await beta.assistants.create({ model: "gpt-4-turbo", tools: [lookUp] });
  const thread = await beta.threads.create();
  await beta.threads.messages.create(thread.id, { role: "user", content: "Hello" });
  const stream = beta.threads.runs.stream(thread.id, { assistant_id: assistant.id });
  let fragments = "";
  stream.on("toolCallDelta", (delta) => {
    if (delta.type === "function") fragments += delta.function?.arguments ?? "";
  });
  const run = await stream.finalRun();
  expect(run.status).toBe("requires_action");
  expect(JSON.parse(fragments)).toEqual({ q: "세금" });
  const next = beta.threads.runs.submitToolOutputsStream(thread.id, run.id, {
    tool_outputs: [{ tool_call_id: "call_1", output: "1" }],
  });
  const messages = await next.finalMessages();
  expect(messages.map(({ content }) => content)).toMatchObject([
    [{ text: { value: "The answer." } }],
  ]);
  expect((await beta.threads.runs.retrieve(thread.id, run.id)).status).toBe("completed");
  expect((await beta.threads.runs.steps.list(thread.id, run.id)).data).toHaveLength(2);
  const polled = await beta.threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
  expect(polled.status).toBe("completed");
  expect((await beta.threads.del(thread.id)).deleted).toBe(true);
  expect((await beta.assistants.del(assistant.id)).deleted).toBe(true);
});

test("Azure's paths and a bare base URL lead to the same", async () => {
  server = await openOpenaiServer();
  const { id } = await server.client.beta.assistants.create({ model: "m" });
  for (const path of ["/openai", "/openai/v1"]) {
    const origin = new URL(server.url).origin;
    const client = new OpenAI({
      baseURL: `${origin}${path}`,
      apiKey: "k",
      defaultQuery: { "api-version": "2024-05-01-preview" },
    });
    expect((await client.beta.assistants.retrieve(id)).id).toBe(id);
  }
});
