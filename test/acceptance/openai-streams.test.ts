import { describe, expect, test } from "vitest";
import {
  callsAsked,
  collect,
  dataOf,
  messageOpens,
  messageTold,
  names,
  openForTest,
  runOpens,
  stepOpens,
  type Event,
} from "../support/openai-streams.ts";
import { Hold } from "../support/scripted-server.ts";

describe("events come in the order that clients insist on", () => {
  test("a plain answer, with its thread", async () => {
    const { ask } = await openForTest([{ text: ["안녕", "하세요"] }]);
    const stream = ask();
    const events = await collect(stream);
    expect(names(events)).toEqual([...runOpens, ...messageTold, "run.completed"]);
    const deltas = events.flatMap((event) =>
      event.event === "thread.message.delta" ? [event.data.delta.content] : [],
    );
    expect(deltas).toEqual([
      [{ index: 0, type: "text", text: { value: "안녕", annotations: [] } }],
      [{ index: 0, type: "text", text: { value: "하세요" } }],
    ]);
  });

  test("several functions at once, in one step that stays open; then their outputs", async () => {
    const calls = [
      { name: "look_up", arguments: { q: "서울의 날씨" }, id: "call_a" },
      { name: "add", arguments: { a: 1, b: 2 }, id: "call_b" },
    ];
    const { ask, answer } = await openForTest([{ toolCalls: calls }, { text: "both" }]);
    const asking = ask();
    const events = await collect(asking);
    expect(names(events)).toEqual([...runOpens, ...callsAsked]);
    const deltas = events.flatMap((event) => {
      if (event.event !== "thread.run.step.delta") return [];
      const details = event.data.delta.step_details!;
      return details.type === "tool_calls" ? details.tool_calls! : [];
    });
    for (const [index, call] of calls.entries()) {
      const own = deltas.filter((delta) => delta.index === index);
      // The id and the name once, in the first.
      expect(own[0]).toEqual({
        index,
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: "", output: null },
      });
      const rest = own.slice(1) as { function: { arguments: string } }[];
      expect(rest.map((delta) => Object.keys(delta))).toEqual(
        rest.map(() => ["index", "type", "function"]),
      );
      expect(JSON.parse(rest.map((delta) => delta.function.arguments).join(""))).toEqual(
        call.arguments,
      );
    }
    const run = await asking.finalRun();
    const after = await collect(answer(run, { call_b: "of call_b", call_a: "of call_a" }));
    expect(names(after)).toEqual([
      "run.step.completed",
      "run.queued",
      "run.in_progress",
      ...messageTold,
      "run.completed",
    ]);
    expect(after[0]!.data).toMatchObject({
      id: (await asking.finalRunSteps())[0]!.id,
      step_details: {
        tool_calls: [
          { id: "call_a", function: { output: "of call_a" } },
          { id: "call_b", function: { output: "of call_b" } },
        ],
      },
    });
  });

  test("text before a call: the message is complete before the calls open, and stored", async () => {
    const call = { name: "look_up", arguments: { q: 1 }, id: "call_a" };
    const { beta, ask } = await openForTest([{ text: ["Let me ", "see."], toolCalls: [call] }]);
    const stream = ask();
    const seen: string[] = [];
    const stored: string[] = [];
    for await (const event of stream) {
      seen.push(event.event.replace(/^thread\./, ""));
      if (event.event !== "thread.message.completed") continue;
      const { id, thread_id } = event.data;
      stored.push((await beta.threads.messages.retrieve(id, { thread_id })).id);
      expect(stored).toEqual([id]);
    }
    expect(stored).toHaveLength(1);
    expect(seen.filter((name, at) => name !== seen[at - 1])).toEqual([
      ...runOpens,
      ...messageTold,
      ...callsAsked,
    ]);
  });

  test("a model that fails before it says anything", async () => {
    const { ask } = await openForTest([{ error: { status: 400, message: "Too much of it." } }]);
    const events = await collect(ask());
    expect(names(events)).toEqual([...runOpens, "run.failed"]);
    expect(events.at(-1)!.data).toMatchObject({
      status: "failed",
      last_error: { code: "server_error", message: expect.stringContaining("Too much of it.") },
      expires_at: null,
    });
  });

  test("a model that fails in the middle leaves what it said, marked incomplete", async () => {
    const { beta, ask } = await openForTest([{ text: ["One ", "two ", "three"], cutAfter: 2 }]);
    const stream = ask();
    const events = await collect(stream);
    expect(names(events)).toEqual([
      ...runOpens,
      ...messageOpens,
      "message.incomplete",
      "run.step.failed",
      "run.failed",
    ]);
    const { thread_id } = await stream.finalRun();
    const [message] = (await beta.threads.messages.list(thread_id)).data;
    expect(message).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "run_failed" },
      content: [{ text: { value: "One two " } }],
    });
    expect(events.find(({ event }) => event === "thread.message.incomplete")!.data).toEqual(
      message,
    );
  });

  test("a cancel while it streams", async () => {
    const hold = new Hold();
    const { beta, ask } = await openForTest([{ text: ["One ", "two"], hold, holdAfter: 1 }]);
    const stream = ask();
    const events: Event[] = [];
    for await (const event of stream) {
      events.push(event);
      if (event.event !== "thread.message.delta") continue;
      const { run_id, thread_id } = stream.currentMessageSnapshot()!;
      await beta.threads.runs.cancel(run_id!, { thread_id });
    }
    expect(names(events)).toEqual([
      ...runOpens,
      ...messageOpens,
      "run.cancelling",
      "message.incomplete",
      "run.step.cancelled",
      "run.cancelled",
    ]);
    const broken = events.find(({ event }) => event === "thread.message.incomplete")!;
    expect(broken.data).toMatchObject({
      incomplete_details: { reason: "run_cancelled" },
      content: [{ text: { value: "One " } }],
    });
    const { id, thread_id } = await stream.finalRun();
    const [message] = (await beta.threads.messages.list(thread_id)).data;
    expect(message).toMatchObject({
      id: (broken.data as { id: string }).id,
      status: "incomplete",
      incomplete_details: { reason: "run_cancelled" },
      content: [{ text: { value: "One " } }],
    });
    const [step] = (await beta.threads.runs.steps.list(id, { thread_id })).data;
    expect(step).toMatchObject({ type: "message_creation", status: "cancelled" });
    hold.release();
  });

  test("an expiry while it streams", async () => {
    const hold = new Hold();
    const { beta, ask } = await openForTest([{ text: ["One ", "two"], hold, holdAfter: 1 }], {
      turnLifetimeMs: 400,
    });
    const stream = ask();
    const events = await collect(stream);
    expect(names(events)).toEqual([
      ...runOpens,
      ...messageOpens,
      "message.incomplete",
      "run.step.expired",
      "run.expired",
    ]);
    const { id, thread_id, status } = await stream.finalRun();
    expect(status).toBe("expired");
    const kept = (await beta.threads.messages.list(thread_id)).data[0]!;
    expect(kept).toMatchObject({
      incomplete_details: { reason: "run_expired" },
      content: [{ text: { value: "One " } }],
    });
    expect(dataOf(events, "thread.message.incomplete")).toEqual([kept]);
    const { data: steps } = await beta.threads.runs.steps.list(id, { thread_id });
    expect(dataOf(events, "thread.run.step.expired")).toEqual(steps);
    hold.release();
  });

  test("a call of a tool that the server cannot run yet", async () => {
    const call = { name: "code_interpreter", arguments: { input: "print(1)" } };
    const { ask } = await openForTest([{ toolCalls: [call] }]);
    const stream = ask();
    const events = await collect(stream);
    expect(names(events)).toEqual([
      ...runOpens,
      ...stepOpens,
      "run.step.delta",
      "run.step.failed",
      "run.failed",
    ]);
    expect((await stream.finalRun()).last_error).toEqual({
      code: "server_error",
      message: expect.stringContaining("code_interpreter"),
    });
  });
});

test("polling and streaming end with the same objects", async () => {
  const call = { name: "look_up", arguments: { q: 1 }, id: "call_a" };
  const { beta, ask, answer } = await openForTest([{ toolCalls: [call] }, { text: "fine" }]);
  const asking = ask();
  const { id, thread_id } = await asking.finalRun();
  const events = await collect(answer({ id, thread_id }, { call_a: "1" }));
  expect(dataOf(events, "thread.run.completed")).toEqual([
    await beta.threads.runs.retrieve(id, { thread_id }),
  ]);
  const steps = (await beta.threads.runs.steps.list(id, { thread_id, order: "asc" })).data;
  expect(dataOf(events, "thread.run.step.completed")).toEqual(steps);
  const [message] = (await beta.threads.messages.list(thread_id)).data;
  expect(dataOf(events, "thread.message.completed")).toEqual([message]);
});

test("AssistantStream calls all its callbacks", async () => {
  const call = { name: "look_up", arguments: { q: 1 }, id: "call_a" };
  const { ask } = await openForTest([{ text: ["Let me ", "see."], toolCalls: [call] }]);
  const heard: string[] = [];
  const stream = ask();
  stream
    .on("connect", () => heard.push("connect"))
    .on("messageCreated", () => heard.push("messageCreated"))
    .on("messageDelta", () => heard.push("messageDelta"))
    .on("messageDone", ({ status }) => heard.push(`messageDone ${status}`))
    .on("textCreated", () => heard.push("textCreated"))
    .on("textDelta", ({ value }, { value: whole }) => heard.push(`textDelta ${value}|${whole}`))
    .on("textDone", ({ value }) => heard.push(`textDone ${value}`))
    .on("runStepCreated", ({ type }) => heard.push(`runStepCreated ${type}`))
    .on("runStepDone", ({ type }) => heard.push(`runStepDone ${type}`))
    .on("toolCallCreated", ({ type }) => heard.push(`toolCallCreated ${type}`))
    .on("toolCallDelta", () => heard.push("toolCallDelta"))
    .on("toolCallDone", (done) =>
      heard.push(`toolCallDone ${done.type === "function" ? done.function.arguments : ""}`),
    )
    .on("run", ({ status }) => heard.push(`run ${status}`))
    .on("end", () => heard.push("end"));
  await stream.done();
  expect(heard).toEqual([
    "connect",
    "runStepCreated message_creation",
    "messageCreated",
    "textCreated",
    "messageDelta",
    "textDelta Let me |Let me ",
    "messageDelta",
    "textDelta see.|Let me see.",
    "textDone Let me see.",
    "messageDone completed",
    "runStepDone message_creation",
    "runStepCreated tool_calls",
    "toolCallCreated function",
    "toolCallDelta",
    'toolCallDone {"q":1}',
    "run requires_action",
    "end",
  ]);
});
