import OpenAI from "openai";
import { afterEach, expect, test } from "vitest";
import { ModelServer } from "../support/model-server.ts";
import { Hold, type Script } from "../support/scripted-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig } from "./project.ts";

let model: ModelServer;
let server: ServerProcess;
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
});

async function open(script: Script): Promise<OpenAI> {
  model = await ModelServer.start(script);
  server = await ServerProcess.start({
    config: fixtureConfig,
    environment: {
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: "sk-behind",
      // Otherwise the test would wait out a lease of 15 s.
      ADJUTANT_LEASE_MS: "1000",
      ADJUTANT_BEAT_MS: "200",
    },
  });
  return new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "sk-any" });
}

const thread = { messages: [{ role: "user" as const, content: "3x + 11 = 14" }] };
const lookUp = { type: "function" as const, function: { name: "look_up" } };

test("a run that a kill has caught in the middle is finished after the restart, once", async () => {
  const hold = new Hold();
  const client = await open([{ text: ["x ", "= 1"], hold, holdAfter: 1 }, { text: "x = 1" }]);
  const { id: assistant_id } = await client.beta.assistants.create({ model: "m" });
  const run = await client.beta.threads.createAndRun({ assistant_id, thread });
  await hold.reached;
  await server.kill();
  await server.restart();
  const { id, thread_id } = run;
  const done = await client.beta.threads.runs.poll(id, { thread_id });
  expect(done).toMatchObject({ id, status: "completed", usage: { total_tokens: 15 } });
  const messages = await client.beta.threads.messages.list(thread_id, { order: "asc" });
  expect(messages.data.map(({ role, content }) => [role, content[0]])).toMatchObject([
    ["user", { text: { value: "3x + 11 = 14" } }],
    ["assistant", { text: { value: "x = 1" } }],
  ]);
  const steps = await client.beta.threads.runs.steps.list(id, { thread_id });
  expect(steps.data).toHaveLength(1);
});

test("a run that waits for outputs still waits after a kill, and goes on with them", async () => {
  const client = await open([
    { toolCalls: [{ name: "look_up", arguments: { q: "세금" }, id: "call_1" }] },
    { text: "42" },
  ]);
  const { id: assistant_id } = await client.beta.assistants.create({ model: "m", tools: [lookUp] });
  const asking = await client.beta.threads.createAndRunPoll({ assistant_id, thread });
  expect(asking.status).toBe("requires_action");
  await server.kill();
  await server.restart();
  const { id, thread_id } = asking;
  expect(await client.beta.threads.runs.retrieve(id, { thread_id })).toEqual(asking);
  await expect(
    client.beta.threads.messages.create(thread_id, { role: "user", content: "?" }),
  ).rejects.toThrow(`400 Can't add messages to ${thread_id} while a run ${id} is active.`);
  const done = await client.beta.threads.runs.submitToolOutputsAndPoll(id, {
    thread_id,
    tool_outputs: [{ tool_call_id: "call_1", output: "42" }],
  });
  expect(done).toMatchObject({ id, status: "completed", started_at: asking.started_at });
  const steps = await client.beta.threads.runs.steps.list(id, { thread_id, order: "asc" });
  expect(steps.data).toMatchObject([
    { type: "tool_calls", step_details: { tool_calls: [{ function: { output: "42" } }] } },
    { type: "message_creation" },
  ]);
});
