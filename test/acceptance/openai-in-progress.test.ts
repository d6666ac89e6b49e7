import type OpenAI from "openai";
import { describe, expect, test } from "vitest";
import {
  collect,
  dataOf,
  messageOpens,
  names,
  openForTest,
  runOpens,
  stepOpens,
  type Event,
} from "../support/openai-streams.ts";
import { Hold } from "../support/scripted-server.ts";

const call = { name: "look_up", arguments: { q: "서울" }, id: "call_a" };

/** Reads events until the first of a name. The stream goes on. */
async function until<Name extends Event["event"]>(
  events: AsyncIterator<Event>,
  name: Name,
): Promise<Extract<Event, { event: Name }>["data"]> {
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`The stream ended without ${name}.`);
    if (value.event === name) return value.data as never;
  }
}

async function rest(events: AsyncIterator<Event>): Promise<Event[]> {
  const all: Event[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) return all;
    all.push(value);
  }
}

function textOf(message: OpenAI.Beta.Threads.Message): string {
  const [part] = message.content;
  return part?.type === "text" ? part.text.value : "";
}

describe("what a stream has announced can be asked for", () => {
  test("a message and its step while they are being written", async () => {
    const hold = new Hold();
    const { beta, ask } = await openForTest([{ text: ["One ", "two"], hold, holdAfter: 1 }]);
    const events = ask()[Symbol.asyncIterator]();
    const step = await until(events, "thread.run.step.created");
    const { id, thread_id, run_id } = await until(events, "thread.message.created");
    await until(events, "thread.message.delta");

    const message = await beta.threads.messages.retrieve(id, { thread_id });
    expect(message).toMatchObject({ status: "in_progress", completed_at: null, run_id });
    expect(textOf(message)).toBe("One ");
    const listed = await beta.threads.messages.list(thread_id);
    expect(listed.data.map(({ role }) => role)).toEqual(["assistant", "user"]);
    expect(listed.data[0]).toEqual(message);
    const ofRun = await beta.threads.messages.list(thread_id, { run_id: run_id! });
    expect(ofRun.data).toEqual([message]);
    const where = { thread_id, run_id: run_id! };
    expect(await beta.threads.runs.steps.retrieve(step.id, where)).toEqual(step);
    expect((await beta.threads.runs.steps.list(run_id!, { thread_id })).data).toEqual([step]);

    hold.release();
    const [completed] = dataOf(await rest(events), "thread.message.completed");
    expect(textOf(completed!)).toBe("One two");
    expect(await beta.threads.messages.retrieve(id, { thread_id })).toEqual(completed);
    expect((await beta.threads.messages.list(thread_id)).data).toHaveLength(2);
  });

  test("a call that the model has not finished", async () => {
    const hold = new Hold();
    const { beta, ask } = await openForTest([{ toolCalls: [call], hold, holdAfter: 2 }]);
    const stream = ask();
    const events = stream[Symbol.asyncIterator]();
    const { id, run_id, thread_id } = await until(events, "thread.run.step.created");
    await until(events, "thread.run.step.delta");
    await until(events, "thread.run.step.delta");
    const step = await beta.threads.runs.steps.retrieve(id, { thread_id, run_id });
    expect(step).toMatchObject({
      status: "in_progress",
      step_details: { tool_calls: [{ id: "call_a", function: { arguments: '{"q":"서울' } }] },
    });
    // A message that says nothing is none.
    expect((await beta.threads.messages.list(thread_id)).data).toHaveLength(1);
    hold.release();
    expect((await stream.finalRun()).status).toBe("requires_action");
    expect(await beta.threads.runs.steps.retrieve(id, { thread_id, run_id })).toMatchObject({
      step_details: { tool_calls: [{ function: { arguments: '{"q":"서울"}' } }] },
    });
  });

  test("text before a call is complete, and said to be, when the call begins", async () => {
    const hold = new Hold();
    const said = { text: ["Let me ", "see."], toolCalls: [call] };
    const { beta, ask, answer } = await openForTest([
      { ...said, hold, holdAfter: 3 },
      { text: "Done." },
    ]);
    const stream = ask();
    const events = stream[Symbol.asyncIterator]();
    // The model still holds back the arguments.
    const message = await until(events, "thread.message.completed");
    const step = await until(events, "thread.run.step.completed");
    const calls = await until(events, "thread.run.step.created");
    const { id, thread_id, run_id } = message;
    expect(textOf(message)).toBe("Let me see.");
    const steps = () => beta.threads.runs.steps.list(run_id!, { thread_id, order: "asc" });
    expect(await beta.threads.messages.retrieve(id, { thread_id })).toEqual(message);
    const [first, second] = (await steps()).data;
    expect(first).toEqual(step);
    expect(second).toMatchObject({ id: calls.id, type: "tool_calls", status: "in_progress" });

    hold.release();
    expect(names(await rest(events))).toEqual([
      "run.step.in_progress",
      "run.step.delta",
      "run.requires_action",
    ]);
    expect(await beta.threads.messages.retrieve(id, { thread_id })).toEqual(message);
    const run = await stream.finalRun();
    const after = await collect(answer(run, { call_a: "1" }));
    expect((await steps()).data).toEqual([step, ...dataOf(after, "thread.run.step.completed")]);
  });
});

describe("what was broken off is stored before its end is told", () => {
  test("a cancel in the middle of a call leaves the text whole and the call cancelled", async () => {
    const hold = new Hold();
    const said = { text: "Let me see.", toolCalls: [call], hold, holdAfter: 5 };
    const { assistantId, beta, ask } = await openForTest([said, { text: "Again." }]);
    const stream = ask();
    const events = stream[Symbol.asyncIterator]();
    const message = await until(events, "thread.message.completed");
    await until(events, "thread.run.step.delta");
    await until(events, "thread.run.step.delta");
    const { thread_id, run_id } = message;
    await beta.threads.runs.cancel(run_id!, { thread_id });
    const ending = await rest(events);
    expect(names(ending)).toEqual(["run.cancelling", "run.step.cancelled", "run.cancelled"]);
    expect(await beta.threads.messages.retrieve(message.id, { thread_id })).toEqual(message);
    const { data: steps } = await beta.threads.runs.steps.list(run_id!, { thread_id });
    expect(steps.map(({ type, status }) => [type, status])).toEqual([
      ["tool_calls", "cancelled"],
      ["message_creation", "completed"],
    ]);
    expect(dataOf(ending, "thread.run.step.cancelled")).toEqual([steps[0]]);
    hold.release();
    // The call that nobody answers does not stand in the way of what comes next.
    const next = await beta.threads.runs.createAndPoll(thread_id, {
      assistant_id: assistantId,
    });
    expect(next.status).toBe("completed");
  });

  test("a model that breaks off in the middle of a call", async () => {
    const { beta, ask } = await openForTest([{ toolCalls: [call], cutAfter: 2 }]);
    const events = await collect(ask());
    expect(names(events)).toEqual([
      ...runOpens,
      ...stepOpens,
      "run.step.delta",
      "run.step.failed",
      "run.failed",
    ]);
    const [run] = dataOf(events, "thread.run.failed");
    const { data: steps } = await beta.threads.runs.steps.list(run!.id, {
      thread_id: run!.thread_id,
    });
    expect(dataOf(events, "thread.run.step.failed")).toEqual(steps);
    expect(steps).toMatchObject([
      { status: "failed", step_details: { tool_calls: [{ id: "call_a" }] } },
    ]);
  });

  test("an answer without a word is a message without content, for all who look", async () => {
    const { beta, ask } = await openForTest([{ text: [] }]);
    const events = await collect(ask());
    const withoutDelta = messageOpens.filter((name) => name !== "message.delta");
    expect(names(events)).toEqual([
      ...runOpens,
      ...withoutDelta,
      "message.completed",
      "run.step.completed",
      "run.completed",
    ]);
    const [message] = dataOf(events, "thread.message.completed");
    expect(message!.content).toEqual([]);
    expect((await beta.threads.messages.list(message!.thread_id)).data[0]).toEqual(message);
  });
});
