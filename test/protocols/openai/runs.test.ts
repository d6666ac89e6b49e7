import type OpenAI from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../../support/openai.ts";
import { Hold, type Script } from "../../support/scripted-server.ts";

let server: OpenaiServer;
afterEach(() => server[Symbol.asyncDispose]());

const lookUp = { type: "function" as const, function: { name: "look_up" } };
const call = { name: "look_up", arguments: {}, id: "call_1" };

async function open(
  script: Script,
  params: { aliases?: Record<string, string>; limits?: object; worker?: boolean } = {},
): Promise<OpenAI["beta"]> {
  server = await openOpenaiServer({ script, ...params });
  return server.client.beta;
}

interface ChatRequest {
  model: string;
  messages: { role: string; content: string }[];
  [key: string]: unknown;
}

function requests(): ChatRequest[] {
  return server.model.requests.map(({ body }) => body as ChatRequest);
}

const thread = { messages: [{ role: "user" as const, content: "Hello" }] };

describe("what a run sets reaches the model", () => {
  test("overrides win over the assistant's settings, and additions follow them", async () => {
    const beta = await open([{ text: "ok" }]);
    const { id } = await beta.assistants.create({
      model: "gpt-4o",
      instructions: "Be kind.",
      temperature: 1.5,
      tools: [lookUp],
    });
    const { id: threadId } = await beta.threads.create(thread);
    const run = await beta.threads.runs.createAndPoll(threadId, {
      assistant_id: id,
      model: "gpt-4.1",
      additional_instructions: "Be brief.",
      additional_messages: [{ role: "user", content: "더 있어요" }],
      temperature: 0,
      top_p: 0.25,
      max_completion_tokens: 300,
      response_format: { type: "json_object" },
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    expect(run).toMatchObject({
      status: "completed",
      model: "gpt-4.1",
      instructions: "Be kind.\nBe brief.",
      temperature: 0,
      max_completion_tokens: 300,
      parallel_tool_calls: false,
      tool_choice: "required",
    });
    const [request] = requests();
    expect(request).toMatchObject({
      model: "gpt-4.1",
      temperature: 0,
      top_p: 0.25,
      max_tokens: 300,
      response_format: { type: "json_object" },
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    expect(request!.messages).toEqual([
      { role: "system", content: "Be kind.\nBe brief." },
      { role: "user", content: "Hello" },
      { role: "user", content: "더 있어요" },
    ]);
  });

  test("a tool that is forced is forced once", async () => {
    const beta = await open([{ toolCalls: [call] }, { text: "done" }]);
    const { id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const run = await beta.threads.createAndRunPoll({
      assistant_id: id,
      thread,
      tool_choice: { type: "function", function: { name: "look_up" } },
    });
    await beta.threads.runs.submitToolOutputsAndPoll(run.id, {
      thread_id: run.thread_id,
      tool_outputs: [{ tool_call_id: "call_1", output: "1" }],
    });
    expect(requests().map((one) => one["tool_choice"])).toEqual([
      { type: "function", function: { name: "look_up" } },
      "auto",
    ]);
  });

  test("what a function returned in an earlier run is not shown to later ones", async () => {
    const beta = await open([{ toolCalls: [call] }, { text: "It is 1." }, { text: "again" }]);
    const { id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const run = await beta.threads.createAndRunPoll({ assistant_id: id, thread });
    const where = { thread_id: run.thread_id };
    await beta.threads.runs.submitToolOutputsAndPoll(run.id, {
      ...where,
      tool_outputs: [{ tool_call_id: "call_1", output: "1" }],
    });
    await beta.threads.runs.createAndPoll(run.thread_id, { assistant_id: id });
    expect(requests()[1]!.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool"]);
    expect(requests()[2]!.messages).toEqual([
      { role: "user", content: "Hello" },
      { role: "assistant", content: "It is 1." },
    ]);
  });

  test("last_messages keeps the newest, auto drops from the middle", async () => {
    const beta = await open([{ text: "a" }, { text: "b" }]);
    const { id } = await beta.assistants.create({ model: "m" });
    const long = (name: string) => ({
      role: "user" as const,
      content: `${name} ${"x".repeat(600)}`,
    });
    const { id: threadId } = await beta.threads.create({
      messages: ["1", "2", "3", "4"].map(long),
    });
    await beta.threads.runs.createAndPoll(threadId, {
      assistant_id: id,
      truncation_strategy: { type: "last_messages", last_messages: 2 },
    });
    await beta.threads.runs.createAndPoll(threadId, { assistant_id: id, max_prompt_tokens: 500 });
    const firstWords = requests().map(({ messages }) => messages.map(({ content }) => content[0]));
    expect(firstWords).toEqual([
      ["3", "4"],
      ["1", "4", "a"],
    ]);
  });

  test("aliases lead to another model, and the run keeps the name it was given", async () => {
    const beta = await open([{ text: "ok" }, { text: "ok" }], {
      aliases: { "gpt-4-1106-preview": "gpt-4.1-mini", "*": "gpt-5" },
    });
    for (const model of ["gpt-4-1106-preview", "gpt-3.5-turbo"]) {
      const { id } = await beta.assistants.create({ model });
      const run = await beta.threads.createAndRunPoll({ assistant_id: id, thread });
      expect(run.model).toBe(model);
    }
    expect(requests().map(({ model }) => model)).toEqual(["gpt-4.1-mini", "gpt-5"]);
  });
});

describe("how a run can end", () => {
  test("a model that nobody has: OpenAI's words, and how to add an alias", async () => {
    const error = { status: 404, message: "The model does not exist", code: "model_not_found" };
    const beta = await open([{ error }]);
    const { id } = await beta.assistants.create({ model: "gpt-3.5-turbo-0125" });
    const run = await beta.threads.createAndRunPoll({ assistant_id: id, thread });
    expect(run.status).toBe("failed");
    expect(run.last_error!.message).toBe(
      "The requested model 'gpt-3.5-turbo-0125' does not exist. To let another model answer for it, " +
        `start the server with ADJUTANT_MODEL_ALIASES='{"gpt-3.5-turbo-0125":"gpt-4.1-mini"}'.`,
    );
  });

  test("incomplete, when the answers' tokens are used up between two calls", async () => {
    const beta = await open([{ toolCalls: [call], usage: { input: 10, output: 300 } }]);
    const { id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const run = await beta.threads.createAndRunPoll({
      assistant_id: id,
      thread,
      max_completion_tokens: 256,
    });
    const done = await beta.threads.runs.submitToolOutputsAndPoll(run.id, {
      thread_id: run.thread_id,
      tool_outputs: [{ tool_call_id: "call_1", output: "1" }],
    });
    expect(done).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_completion_tokens" },
      completed_at: null,
      expires_at: null,
    });
  });

  test("expired, when nobody gives the outputs; the thread is free again", async () => {
    const beta = await open([{ toolCalls: [call] }, { text: "free" }], {
      limits: { turnLifetimeMs: 300 },
    });
    const { id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    let run = await beta.threads.createAndRunPoll({ assistant_id: id, thread });
    const where = { thread_id: run.thread_id };
    while (run.status === "requires_action") {
      run = await beta.threads.runs.retrieve(run.id, where);
    }
    expect(run).toMatchObject({ status: "expired", required_action: null, expires_at: null });
    await expect(
      beta.threads.runs.submitToolOutputs(run.id, {
        ...where,
        tool_outputs: [{ tool_call_id: "call_1", output: "late" }],
      }),
    ).rejects.toThrow('400 Runs in status "expired" do not accept tool outputs.');
    const [step] = (await beta.threads.runs.steps.list(run.id, where)).data;
    expect(step!.status).toBe("expired");
    const next = await beta.threads.runs.createAndPoll(run.thread_id, { assistant_id: id });
    expect(next.status).toBe("completed");
    expect((await beta.threads.runs.retrieve(run.id, where)).status).toBe("expired");
  });
});

describe("one active run on a thread", () => {
  test("of several that begin at once one wins", async () => {
    const hold = new Hold();
    const beta = await open([{ text: "one", hold }]);
    const { id } = await beta.assistants.create({ model: "m" });
    const { id: threadId } = await beta.threads.create(thread);
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => beta.threads.runs.create(threadId, { assistant_id: id })),
    );
    const won = tries.filter((one) => one.status === "fulfilled");
    expect(won).toHaveLength(1);
    const lost = tries.flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
    expect(new Set(lost)).toEqual(
      new Set([`Error: 400 Thread ${threadId} already has an active run ${won[0]!.value.id}.`]),
    );
    hold.release();
  });

  test("messages that come at once are all there", async () => {
    const beta = await open([]);
    const { id } = await beta.threads.create();
    const texts = Array.from({ length: 10 }, (_, at) => `message ${at}`);
    await Promise.all(
      texts.map((content) => beta.threads.messages.create(id, { role: "user", content })),
    );
    const { data } = await beta.threads.messages.list(id);
    const said = data.map(({ content }) =>
      content[0]?.type === "text" ? content[0].text.value : "",
    );
    expect(said.toSorted()).toEqual(texts);
  });

  test("outputs that are given twice are taken once", async () => {
    const beta = await open([{ toolCalls: [call] }, { text: "done" }]);
    const { id } = await beta.assistants.create({ model: "m", tools: [lookUp] });
    const run = await beta.threads.createAndRunPoll({ assistant_id: id, thread });
    const tries = await Promise.allSettled(
      ["1", "2"].map((output) =>
        beta.threads.runs.submitToolOutputs(run.id, {
          thread_id: run.thread_id,
          tool_outputs: [{ tool_call_id: "call_1", output }],
        }),
      ),
    );
    expect(tries.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });
});
