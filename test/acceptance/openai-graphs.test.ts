import type OpenAI from "openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";
import { collect, dataOf, messageTold, names, runOpens } from "../support/openai-streams.ts";

let server: OpenaiServer;
let beta: OpenAI["beta"];
let assistant_id: string;
beforeEach(async () => {
  server = await openOpenaiServer();
  beta = server.client.beta;
  ({ id: assistant_id } = await beta.assistants.create({ model: "answering" }));
});
afterEach(() => server[Symbol.asyncDispose]());

function say(content: string) {
  const thread = { messages: [{ role: "user" as const, content }] };
  return beta.threads.createAndRunStream({ assistant_id, thread });
}

function answer(
  run: OpenAI.Beta.Threads.Run,
  tool_outputs: { tool_call_id: string; output: string }[],
) {
  const { id, thread_id } = run;
  return beta.threads.runs.submitToolOutputsStream(id, { thread_id, tool_outputs });
}

async function said(threadId: string): Promise<string> {
  const [message] = (await beta.threads.messages.list(threadId)).data;
  const part = message!.content[0];
  return part?.type === "text" ? part.text.value : "";
}

test("what a graph's model writes comes token by token, but for what it is told to keep quiet", async () => {
  const events = await collect(say("say 안녕 하세요 여러분"));
  expect(names(events)).toEqual([...runOpens, ...messageTold, "run.completed"]);
  const texts = dataOf(events, "thread.message.delta").map(({ delta }) => delta.content);
  expect(texts).toMatchObject([
    [{ text: { value: "안녕" } }],
    [{ text: { value: " 하세요" } }],
    [{ text: { value: " 여러분" } }],
  ]);
  const [run] = dataOf(events, "thread.run.completed");
  expect(run!.model).toBe("answering");
  expect(await said(run!.thread_id)).toBe("안녕 하세요 여러분");
});

test("a graph that fails in the middle fails the run, and what it had said stays", async () => {
  const events = await collect(say("say One two break"));
  const [run] = dataOf(events, "thread.run.failed");
  expect(run!.last_error).toEqual({ code: "server_error", message: "The parrot has flown away." });
  expect(dataOf(events, "thread.message.incomplete")).toMatchObject([
    { incomplete_details: { reason: "run_failed" }, content: [{ text: { value: "One two" } }] },
  ]);
  expect(await said(run!.thread_id)).toBe("One two");
});

test.for([
  { how: "by an interrupt, after which it goes on where it was", task: "ask", id: "call_asked" },
  { how: "by its last message, after which it begins anew", task: "call", id: "call_own" },
])("a graph calls a function of the client's $how", async ({ task, id }) => {
  const asking = say(`${task} 날씨`);
  const events = await collect(asking);
  expect(names(events)).toEqual([
    ...runOpens,
    "run.step.created",
    "run.step.in_progress",
    "run.step.delta",
    "run.requires_action",
  ]);
  const run = await asking.finalRun();
  const [call, ...others] = run.required_action!.submit_tool_outputs.tool_calls;
  expect(others).toEqual([]);
  expect(call).toEqual({
    id,
    type: "function",
    function: { name: "look_up", arguments: '{"q":"날씨"}' },
  });
  const answering = answer(run, [{ tool_call_id: id, output: "맑음" }]);
  const done = await answering.finalRun();
  expect(done).toMatchObject({ id: run.id, status: "completed" });
  const expected = task === "ask" ? "call_asked gave 맑음" : "It says: 맑음";
  expect(await said(run.thread_id)).toBe(expected);
  const { data: steps } = await beta.threads.runs.steps.list(run.id, {
    thread_id: run.thread_id,
    order: "asc",
  });
  expect(steps).toMatchObject([
    { type: "tool_calls", step_details: { tool_calls: [{ id, function: { output: "맑음" } }] } },
    { type: "message_creation" },
  ]);
  // What the graph needed to go on is not kept beyond that.
  const { threads } = server.ports.storage;
  const page = { limit: 1, offset: 0 };
  const { items } = await threads.search({
    filter: {},
    sort: { by: "created_at", order: "desc" },
    page,
  });
  expect(JSON.stringify(await server.ports.graphs.values(items[0]!))).not.toContain("suspended");
});

test("a graph that asks what no client can answer fails the run, and says how it should ask", async () => {
  const run = await say("wonder").finalRun();
  expect(run).toMatchObject({ status: "failed", required_action: null });
  expect(run.last_error!.message).toMatch(/^Graph "answering" stopped to ask .*function_calls/);
});
