import { afterEach, beforeEach, expect, test } from "vitest";
import { AnthropicServer } from "../support/anthropic-server.ts";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";
import {
  callsAsked,
  collect,
  dataOf,
  messageTold,
  names,
  runOpens,
} from "../support/openai-streams.ts";

/** Anthropic behind the OpenAI API: models named `anthropic/…` or `claude…`. */

let model: AnthropicServer;
let server: OpenaiServer;
beforeEach(async () => {
  model = await AnthropicServer.start();
  server = await openOpenaiServer({
    environment: { ANTHROPIC_API_KEY: "sk-ant", ANTHROPIC_BASE_URL: model.url },
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

const thread = { messages: [{ role: "user" as const, content: "서울의 날씨는?" }] };
const lookUp = {
  type: "function" as const,
  function: {
    name: "look_up",
    parameters: { type: "object", properties: { q: { type: "string" } } },
  },
};

interface AnthropicRequest {
  model: string;
  system: unknown;
  temperature?: number;
  tools?: { name: string }[];
  tool_choice?: unknown;
  messages: { role: string; content: unknown }[];
}

function request(at: number): AnthropicRequest {
  return model.requests[at]!.body as AnthropicRequest;
}

test.for(["anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"])("%s streams", async (name) => {
  model.enqueue({ text: ["맑", "아요"], usage: { input: 12, output: 7 } });
  const { beta } = server.client;
  const { id: assistant_id } = await beta.assistants.create({ model: name, instructions: "짧게" });
  const stream = beta.threads.createAndRunStream({ assistant_id, thread, temperature: 0 });
  const events = await collect(stream);
  expect(names(events)).toEqual([...runOpens, ...messageTold, "run.completed"]);
  const texts = dataOf(events, "thread.message.delta").map(({ delta }) => delta.content);
  expect(texts).toMatchObject([[{ text: { value: "맑" } }], [{ text: { value: "아요" } }]]);
  expect(await stream.finalRun()).toMatchObject({
    model: name,
    // As the wire has it, which counts the first token twice: when the answer begins and when it ends.
    usage: { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 },
  });
  expect(request(0)).toMatchObject({ model: "claude-sonnet-4-5", temperature: 0 });
  expect(JSON.stringify(request(0).system)).toContain("짧게");
});

test("calls functions after a word, two at once, and goes on with their outputs", async () => {
  const calls = [
    { name: "look_up", arguments: { q: "서울" }, id: "toolu_1" },
    { name: "look_up", arguments: { q: "부산" }, id: "toolu_2" },
  ];
  model.enqueue({ text: "볼게요.", toolCalls: calls }, { text: "둘 다 맑아요" });
  const { beta } = server.client;
  const { id: assistant_id } = await beta.assistants.create({
    model: "anthropic/claude-sonnet-4-5",
    tools: [lookUp],
  });
  const asking = beta.threads.createAndRunStream({
    assistant_id,
    thread,
    tool_choice: "required",
  });
  const events = await collect(asking);
  expect(names(events)).toEqual([...runOpens, ...messageTold, ...callsAsked]);
  const run = await asking.finalRun();
  const asked = run.required_action!.submit_tool_outputs.tool_calls;
  expect(asked.map(({ id, function: { arguments: args } }) => [id, JSON.parse(args)])).toEqual(
    calls.map(({ id, arguments: args }) => [id, args]),
  );
  const done = await beta.threads.runs.submitToolOutputsAndPoll(run.id, {
    thread_id: run.thread_id,
    tool_outputs: asked.map(({ id }) => ({ tool_call_id: id, output: "맑음" })),
  });
  expect(done.status).toBe("completed");
  expect(request(0)).toMatchObject({ tools: [{ name: "look_up" }], tool_choice: { type: "any" } });
  const told = JSON.stringify(request(1).messages.at(-1));
  expect(told).toContain("toolu_1");
  expect(told).toContain("toolu_2");
  expect(told).toContain("맑음");
  const { data } = await beta.threads.messages.list(run.thread_id, { order: "asc" });
  expect(data.map(({ content }) => content[0])).toMatchObject([
    { text: { value: "서울의 날씨는?" } },
    { text: { value: "볼게요." } },
    { text: { value: "둘 다 맑아요" } },
  ]);
});

test("what it says after its calls is a message of its own", async () => {
  const call = { name: "look_up", arguments: { q: "서울" } };
  model.enqueue({ text: "볼게요.", toolCalls: [call], laterText: "잠시만요." });
  const { beta } = server.client;
  const { id: assistant_id } = await beta.assistants.create({
    model: "claude-sonnet-4-5",
    tools: [lookUp],
  });
  const run = await beta.threads.createAndRunPoll({ assistant_id, thread });
  expect(run.status).toBe("requires_action");
  const { data } = await beta.threads.messages.list(run.thread_id, { order: "asc" });
  expect(data.map(({ content }) => content[0])).toMatchObject([
    { text: { value: "서울의 날씨는?" } },
    { text: { value: "볼게요." } },
    { text: { value: "잠시만요." } },
  ]);
});

test("an answer that is cut off, and a model that refuses, end as they do with OpenAI", async () => {
  model.enqueue(
    { text: ["맑", "아요"], cutAfter: 1 },
    { error: { status: 400, message: "Too long." } },
  );
  const { beta } = server.client;
  const { id: assistant_id } = await beta.assistants.create({ model: "claude-sonnet-4-5" });
  const events = await collect(beta.threads.createAndRunStream({ assistant_id, thread }));
  expect(names(events).slice(-3)).toEqual(["message.incomplete", "run.step.failed", "run.failed"]);
  const refused = await beta.threads.createAndRunPoll({ assistant_id, thread });
  expect(refused).toMatchObject({
    status: "failed",
    last_error: { code: "server_error", message: expect.stringContaining("Too long.") },
  });
});
