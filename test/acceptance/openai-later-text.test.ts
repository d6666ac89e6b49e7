import type OpenAI from "openai";
import { expect, test } from "vitest";
import {
  collect,
  dataOf,
  messageOpens,
  messageTold,
  names,
  openForTest,
  runOpens,
  stepOpens,
} from "../support/openai-streams.ts";
import { Hold } from "../support/scripted-server.ts";

/** Models that speak after they have called: some compatible servers and Anthropic allow it. */

const call = { name: "look_up", arguments: { q: "서울" }, id: "call_a" };
const openMessage = messageOpens.filter((name) => !stepOpens.includes(name));

function textOf(message: OpenAI.Beta.Threads.Message): string {
  const [part] = message.content;
  return part?.type === "text" ? part.text.value : "";
}

test("a call first, then text: a message whose step comes before that of the call", async () => {
  const { server, beta, ask, answer } = await openForTest([
    { toolCalls: [call], laterText: ["I look ", "it up."] },
    { text: "Clear." },
  ]);
  const asking = ask();
  const events = await collect(asking);
  expect(names(events)).toEqual([
    ...runOpens,
    ...stepOpens,
    "run.step.delta",
    ...openMessage,
    "message.completed",
    "run.requires_action",
  ]);
  const run = await asking.finalRun();
  const { id, thread_id } = run;
  const [said] = (await beta.threads.messages.list(thread_id)).data;
  expect(textOf(said!)).toBe("I look it up.");
  expect(await asking.finalMessages()).toEqual([said]);
  const steps = async () =>
    (await beta.threads.runs.steps.list(id, { thread_id, order: "asc" })).data;
  expect(await steps()).toMatchObject([
    { status: "completed", step_details: { message_creation: { message_id: said!.id } } },
    { status: "in_progress", step_details: { tool_calls: [{ id: "call_a" }] } },
  ]);

  // The message's step is told when the calls have been answered: only one may be open.
  const after = await collect(answer(run, { call_a: "clear" }));
  expect(names(after).slice(0, 3)).toEqual([
    "run.step.completed",
    "run.step.completed",
    "run.queued",
  ]);
  const [ofMessage, ofCalls, ofAnswer] = await steps();
  expect(dataOf(after, "thread.run.step.completed")).toEqual([ofCalls, ofMessage, ofAnswer]);
  expect(server.model.requests[1]!.body).toMatchObject({
    messages: [
      { role: "user" },
      { role: "assistant", content: "I look it up.", tool_calls: [{ id: "call_a" }] },
      { role: "tool", content: "clear" },
    ],
  });
});

test("text, a call, and text again: two messages, told and listed alike", async () => {
  const { beta, ask } = await openForTest([
    { text: "Let me see.", toolCalls: [call], laterText: ["One ", "moment."] },
  ]);
  const asking = ask();
  const events = await collect(asking);
  expect(names(events)).toEqual([
    ...runOpens,
    ...messageTold,
    ...stepOpens,
    "run.step.delta",
    ...openMessage,
    "message.completed",
    "run.requires_action",
  ]);
  const { id: runId, thread_id } = await asking.finalRun();
  const { data: listed } = await beta.threads.messages.list(thread_id, { order: "asc" });
  expect(listed.map(textOf)).toEqual(["안녕", "Let me see.", "One moment."]);
  expect(dataOf(events, "thread.message.completed")).toEqual(listed.slice(1));
  expect(await asking.finalMessages()).toEqual(listed.slice(1));
  const { data: steps } = await beta.threads.runs.steps.list(runId, { thread_id, order: "asc" });
  expect(steps.map(({ step_details: details }) => details)).toMatchObject([
    { message_creation: { message_id: listed[1]!.id } },
    { message_creation: { message_id: listed[2]!.id } },
    { tool_calls: [{ id: "call_a" }] },
  ]);
  const polled = await Promise.all(
    listed.map(({ id }) => beta.threads.messages.retrieve(id, { thread_id })),
  );
  expect(polled).toEqual(listed);
});

test("each of the two is changed and deleted by itself", async () => {
  const { beta, ask, answer } = await openForTest([
    { text: "Let me see.", toolCalls: [call], laterText: "One moment." },
    { text: "Clear." },
  ]);
  const { id, thread_id } = await ask().finalRun();
  await answer({ id, thread_id }, { call_a: "1" }).finalRun();
  const list = async () =>
    (await beta.threads.messages.list(thread_id, { order: "asc" })).data.slice(1);
  const [first, second] = await list();
  await beta.threads.messages.update(first!.id, { thread_id, metadata: { at: "1" } });
  await beta.threads.messages.update(second!.id, { thread_id, metadata: { at: "2" } });
  expect(await list()).toMatchObject([{ metadata: { at: "1" } }, { metadata: { at: "2" } }, {}]);
  await beta.threads.messages.delete(first!.id, { thread_id });
  const left = await list();
  expect(left.map(({ id: messageId }) => messageId)[0]).toBe(second!.id);
  expect(left.map(textOf)).toEqual(["One moment.", "Clear."]);
  await beta.threads.messages.delete(second!.id, { thread_id });
  expect((await list()).map(textOf)).toEqual(["Clear."]);
});

test("broken off while it speaks again, it leaves both messages and the call", async () => {
  const hold = new Hold();
  const said = { text: "Let me see.", toolCalls: [call], laterText: ["One ", "moment."] };
  // Three words, a call and its arguments in two pieces, and one word of the later text.
  const { beta, ask } = await openForTest([{ ...said, hold, holdAfter: 3 + 1 + 2 + 1 }]);
  const stream = ask();
  const events = [];
  let deltas = 0;
  for await (const event of stream) {
    events.push(event);
    if (event.event !== "thread.message.delta" || (deltas += 1) < 4) continue;
    const { run_id, thread_id } = stream.currentMessageSnapshot()!;
    const { data } = await beta.threads.messages.list(thread_id, { run_id: run_id! });
    expect(data).toMatchObject([{ status: "in_progress" }, { status: "completed" }]);
    await beta.threads.runs.cancel(run_id!, { thread_id });
  }
  expect(names(events).slice(-5)).toEqual([
    "run.cancelling",
    "message.incomplete",
    "run.step.cancelled",
    "run.step.cancelled",
    "run.cancelled",
  ]);
  const { id, thread_id } = await stream.finalRun();
  const { data: listed } = await beta.threads.messages.list(thread_id, { order: "asc" });
  expect(listed.slice(1)).toMatchObject([
    { status: "completed", content: [{ text: { value: "Let me see." } }] },
    { status: "incomplete", content: [{ text: { value: "One " } }] },
  ]);
  expect(dataOf(events, "thread.message.incomplete")).toEqual([listed[2]]);
  const { data: steps } = await beta.threads.runs.steps.list(id, { thread_id, order: "asc" });
  expect(steps.map(({ status }) => status)).toEqual(["completed", "cancelled", "cancelled"]);
  expect(dataOf(events, "thread.run.step.cancelled")).toEqual([steps[2], steps[1]]);
  hold.release();
});
