import { AssistantStream } from "openai/lib/AssistantStream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openOpenaiServer, type OpenaiServer } from "../support/openai.ts";
import { Hold, type RecordedRequest, type Reply } from "../support/scripted-server.ts";

/**
 * The rules of strict clients (specification 3.1 and 3.5), one row each: every stream that the server
 * sends keeps the rule, and a stream that breaks it is found to.
 */

/** As it stands on the wire. */
// oxlint-disable-next-line typescript/no-explicit-any
type Data = any;

interface Frame {
  event: string;
  data: Data;
}

let server: OpenaiServer;
let assistantId: string;
const streams = new Map<string, Frame[]>();
const raw = new Map<string, string>();
const hold = new Hold();

const calls = [
  { name: "look_up", arguments: { q: "서울의 날씨" }, id: "call_a" },
  { name: "add", arguments: { a: 1 }, id: "call_b" },
];
const replies: Record<string, Reply> = {
  plain: { text: ["안녕", "하세요 ", "🙂"] },
  empty: { text: [] },
  calls: { text: "Let me see.", toolCalls: calls },
  refused: { error: { status: 400, message: "No." } },
  cut: { text: ["One ", "two"], cutAfter: 1 },
  cutCall: { toolCalls: calls, cutAfter: 2 },
  held: { text: ["One ", "two"], hold, holdAfter: 1 },
};

function reply({ body }: RecordedRequest): Reply {
  const { messages } = body as { messages: { role: string; content: string }[] };
  if (messages.at(-1)!.role === "tool") return { text: "Both are there." };
  return replies[messages.at(-1)!.content]!;
}

beforeAll(async () => {
  server = await openOpenaiServer({ script: reply });
  const assistant = await server.client.beta.assistants.create({ model: "m" });
  assistantId = assistant.id;
  for (const name of ["plain", "empty", "calls", "refused", "cut", "cutCall"]) await record(name);
  const { id, thread_id } = streams.get("calls")!.at(-2)!.data;
  const tool_outputs = calls.map((call) => ({ tool_call_id: call.id, output: "1" }));
  await keep(
    "outputs",
    await post(`/threads/${thread_id}/runs/${id}/submit_tool_outputs`, {
      tool_outputs,
      stream: true,
    }),
  );
  await recordCancelled();
});
afterAll(() => server[Symbol.asyncDispose]());

function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "openai-beta": "assistants=v2" },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

function ask(content: string, signal?: AbortSignal): Promise<Response> {
  const thread = { messages: [{ role: "user", content }] };
  return post("/threads/runs", { assistant_id: assistantId, thread, stream: true }, signal);
}

async function record(name: string): Promise<void> {
  await keep(name, await ask(name));
}

async function keep(name: string, response: Response): Promise<void> {
  const text = await response.text();
  raw.set(name, text);
  streams.set(name, framesIn(text));
}

function framesIn(text: string): Frame[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("event: "))
    .map((block) => {
      const [event, data] = block.split("\n");
      const value = data!.slice("data: ".length);
      return {
        event: event!.slice("event: ".length),
        data: value === "[DONE]" ? value : JSON.parse(value),
      };
    });
}

/** Reads until the text has come. */
async function readUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  wanted: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${wanted} did not come: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

async function recordCancelled(): Promise<void> {
  const reader = (await ask("held")).body!.getReader();
  const head = await readUntil(reader, "thread.message.delta");
  const { id, thread_id } = framesIn(head).find(
    ({ event }) => event === "thread.run.created",
  )!.data;
  await post(`/threads/${thread_id}/runs/${id}/cancel`, {});
  const text = head + (await readUntil(reader, "[DONE]"));
  raw.set("cancelled", text);
  streams.set("cancelled", framesIn(text));
  hold.release();
}

const ends = ["completed", "incomplete", "failed", "cancelled", "expired"];
const isStepEnd = (event: string) => ends.some((end) => event === `thread.run.step.${end}`);
const isMessageEnd = (event: string) => /^thread\.message\.(completed|incomplete)$/.test(event);
const isRunEnd = (event: string) =>
  [...ends, "requires_action"].some((end) => event === `thread.run.${end}`);

interface Rule {
  rule: string;
  /** What breaks the rule. */
  check(frames: Frame[]): string[];
  /** Breaks it in a stream of calls after a text. */
  spoil(frames: Frame[]): Frame[];
  /** The newest client refuses the spoilt stream, too. */
  clientRefuses?: boolean;
}

function toolDeltas(frames: Frame[]) {
  return frames
    .filter(({ event }) => event === "thread.run.step.delta")
    .flatMap(({ data }) => data.delta.step_details.tool_calls as Record<string, Data>[]);
}

/** Changes the copy of the n-th frame of a name. */
function changed(frames: Frame[], event: string, change: (data: Data) => void, nth = 0): Frame[] {
  const copy = structuredClone(frames);
  change(copy.filter((frame) => frame.event === event)[nth]!.data);
  return copy;
}

const rules: Rule[] = [
  {
    rule: "one run step is open at a time",
    check(frames) {
      let open: string | null = null;
      return frames.flatMap(({ event, data }) => {
        if (event === "thread.run.step.created") {
          const before = open;
          open = data.id;
          return before ? [`${data.id} while ${before} is open`] : [];
        }
        if (isStepEnd(event)) open = null;
        return [];
      });
    },
    spoil: (frames) => frames.filter(({ event }) => !isStepEnd(event)),
    clientRefuses: true,
  },
  {
    rule: "one message is open at a time, and its events carry its id; no id is created twice",
    check(frames) {
      let open: string | null = null;
      const created = new Set<string>();
      return frames.flatMap(({ event, data }) => {
        if (!event.startsWith("thread.message.")) return [];
        if (event !== "thread.message.created") {
          const wrong = data.id === open ? [] : [`${event} of ${data.id}, not ${open}`];
          if (isMessageEnd(event)) open = null;
          return wrong;
        }
        const wrong = [
          ...(open ? [`${data.id} while ${open} is open`] : []),
          ...(created.has(data.id) || !data.id ? [`${data.id} again`] : []),
        ];
        open = data.id;
        created.add(data.id);
        return wrong;
      });
    },
    spoil: (frames) => changed(frames, "thread.message.delta", (data) => (data.id = "msg_other")),
    clientRefuses: true,
  },
  {
    rule: "a step's delta comes after the step was created, in the same stream",
    check(frames) {
      const created = new Set<string>();
      return frames.flatMap(({ event, data }) => {
        if (event === "thread.run.step.created") created.add(data.id);
        return event === "thread.run.step.delta" && !created.has(data.id) ? [data.id] : [];
      });
    },
    spoil: (frames) =>
      frames.filter(({ event }) => !/^thread\.run\.step\.(created|in_progress)$/.test(event)),
    clientRefuses: true,
  },
  {
    rule: "the delta of a step has no id",
    check: (frames) =>
      frames.flatMap(({ event, data }) =>
        event === "thread.run.step.delta" && "id" in data.delta ? [data.id] : [],
      ),
    spoil: (frames) =>
      changed(frames, "thread.run.step.delta", (data) => (data.delta.id = data.id)),
    clientRefuses: true,
  },
  {
    rule: "entries of lists in deltas have an integer index, which grows by one",
    check(frames) {
      let known = 0;
      return toolDeltas(frames).flatMap(({ index }) => {
        const isRight = Number.isInteger(index) && index <= known;
        known = Math.max(known, index + 1);
        return isRight ? [] : [String(index)];
      });
    },
    spoil: (frames) =>
      changed(frames, "thread.run.step.delta", (data) => {
        data.delta.step_details.tool_calls[0].index = 2000;
      }),
    clientRefuses: true,
  },
  {
    rule: "id and name of a call come once, in its first delta; type comes in every one",
    check: (frames) => {
      const begun = new Set<number>();
      return toolDeltas(frames).flatMap((call) => {
        const isFirst = !begun.has(call["index"]);
        begun.add(call["index"]);
        const isRight =
          call["type"] === "function" &&
          isFirst === "id" in call &&
          isFirst === "name" in call["function"];
        return isRight ? [] : [JSON.stringify(call)];
      });
    },
    spoil: (frames) =>
      changed(
        frames,
        "thread.run.step.delta",
        (data) => (data.delta.step_details.tool_calls[0].id = "call_a"),
        1,
      ),
  },
  {
    rule: "a final run event is the last before the end",
    check: (frames) => (isRunEnd(frames.at(-2)?.event ?? "") ? [] : ["no final run event"]),
    spoil: (frames) => frames.filter(({ event }) => !isRunEnd(event)),
    clientRefuses: true,
  },
  {
    rule: "no key of a delta leads to a prototype",
    check: (frames) =>
      frames.flatMap(({ event, data }) =>
        event.endsWith(".delta") &&
        /"(__proto__|constructor|prototype)":/.test(JSON.stringify(data))
          ? [event]
          : [],
      ),
    spoil: (frames) =>
      changed(frames, "thread.run.step.delta", (data) => {
        data.delta.step_details.tool_calls[0].function.constructor = {};
      }),
  },
  {
    rule: "deltas of a message sum to exactly what it is at its end, part by part",
    check(frames) {
      const sums = new Map<string, string[]>();
      return frames.flatMap(({ event, data }) => {
        if (event === "thread.message.created") sums.set(data.id, []);
        if (event === "thread.message.delta") {
          const parts = sums.get(data.id)!;
          for (const { index, text } of data.delta.content) {
            parts[index] = (parts[index] ?? "") + text.value;
          }
        }
        if (!isMessageEnd(event)) return [];
        const whole = data.content.map((part: Data) => part.text.value);
        return JSON.stringify(whole) === JSON.stringify(sums.get(data.id)) ? [] : [data.id];
      });
    },
    spoil: (frames) =>
      changed(frames, "thread.message.delta", (data) => (data.delta.content[0].text.value = "!")),
  },
  {
    rule: "fragments of a call's arguments sum to the JSON text that the run asks with",
    check(frames) {
      const sums: string[] = [];
      for (const call of toolDeltas(frames)) {
        sums[call["index"]] = (sums[call["index"]] ?? "") + call["function"].arguments;
      }
      const asking = frames.find(({ event }) => event === "thread.run.requires_action");
      const wanted: { function: { arguments: string } }[] =
        asking?.data.required_action.submit_tool_outputs.tool_calls ?? [];
      return wanted.flatMap((call, at) => (call.function.arguments === sums[at] ? [] : [`${at}`]));
    },
    spoil: (frames) =>
      frames.filter(
        ({ event }, at) => event !== "thread.run.step.delta" || frames[at + 1]?.event === event,
      ),
  },
  {
    rule: "a message ends before its step, and a step before the run; a step that waits stays open",
    check(frames) {
      const order = frames.map(({ event }) => event);
      const asks = order.includes("thread.run.requires_action");
      const opened = order.filter((event) => event === "thread.run.step.created").length;
      const answered = order[0] === "thread.run.step.completed" ? 1 : 0;
      const closed = order.filter(isStepEnd).length - answered;
      return opened - closed === (asks ? 1 : 0) ? [] : [`${opened} opened, ${closed} closed`];
    },
    spoil: (frames) => frames.filter(({ event }) => !isStepEnd(event)),
  },
  {
    rule: "an error, if there ever is one, is wrapped",
    check: (frames) =>
      frames.flatMap(({ event, data }) => (event === "error" && !data.error ? [event] : [])),
    spoil: (frames) => [...frames, { event: "error", data: { message: "bare" } }],
  },
];

/** What the newest client makes of a stream. */
function clientReads(frames: Frame[]): Promise<unknown> {
  const lines = frames
    .filter(({ event }) => event !== "done")
    .map((frame) => `${JSON.stringify(frame)}\n`);
  return AssistantStream.fromReadableStream(new Blob(lines).stream()).finalRun();
}

describe("rules of strict clients", () => {
  test.for(rules)("$rule", ({ check, spoil }) => {
    for (const [name, frames] of streams) expect(check(frames), name).toEqual([]);
    const spoilt = spoil(streams.get("calls")!);
    expect(check(spoilt)).not.toEqual([]);
  });

  test.for(rules.filter(({ clientRefuses }) => clientRefuses))(
    "the newest client refuses a stream in which it does not hold that $rule",
    async ({ spoil }) => {
      await expect(clientReads(spoil(streams.get("calls")!))).rejects.toThrow(/./);
    },
  );

  test("the newest client reads every stream to its final run", async () => {
    for (const [name, frames] of streams) {
      const { status } = (await clientReads(frames)) as { status: string };
      expect(`thread.run.${status}`, name).toBe(frames.at(-2)!.event);
    }
  });

  test("an event is a line with its name, a line of JSON and an empty line; the last is [DONE]", () => {
    for (const [name, text] of raw) {
      const blocks = text.split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
      for (const block of blocks) expect(block, name).toMatch(/^event: [\w.]+\ndata: .+$/);
      expect(blocks.at(-1), name).toBe("event: done\ndata: [DONE]");
    }
  });

  test("what an event tells of can be asked for at that moment, as it was told or further on", async () => {
    const reader = (await ask("calls")).body!.getReader();
    const decoder = new TextDecoder();
    let text = "";
    let seen = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
      const frames = framesIn(text.slice(0, text.lastIndexOf("\n\n") + 2));
      for (const { event, data } of frames.slice(seen)) await expectStored(event, data);
      seen = frames.length;
    }
    expect(seen).toBeGreaterThan(10);
  });

  test("outputs are taken while the stream that asked for them is open and unread", async () => {
    const reader = (await ask("calls")).body!.getReader();
    const head = await readUntil(reader, "thread.run.created");
    const { id, thread_id } = framesIn(head).find(
      ({ event }) => event === "thread.run.created",
    )!.data;
    const run = await server.client.beta.threads.runs.poll(id, { thread_id });
    expect(run.status).toBe("requires_action");
    const tool_outputs = calls.map((call) => ({ tool_call_id: call.id, output: "1" }));
    const done = await server.client.beta.threads.runs.submitToolOutputsAndPoll(id, {
      thread_id,
      tool_outputs,
    });
    expect(done.status).toBe("completed");
    await reader.cancel();
  });

  test("a reader that goes away does not end the run", async () => {
    const gone = new AbortController();
    const reader = (await ask("plain", gone.signal)).body!.getReader();
    const head = await readUntil(reader, "thread.run.created");
    gone.abort();
    const { id, thread_id } = framesIn(head).find(
      ({ event }) => event === "thread.run.created",
    )!.data;
    const run = await server.client.beta.threads.runs.poll(id, { thread_id });
    expect(run.status).toBe("completed");
  });
});

const paths: Record<string, (data: Data) => string> = {
  thread: ({ id }) => `/threads/${id}`,
  "thread.run": ({ id, thread_id }) => `/threads/${thread_id}/runs/${id}`,
  "thread.run.step": ({ id, thread_id, run_id }) =>
    `/threads/${thread_id}/runs/${run_id}/steps/${id}`,
  "thread.message": ({ id, thread_id }) => `/threads/${thread_id}/messages/${id}`,
};

async function expectStored(event: string, data: Data): Promise<void> {
  const path = paths[data.object];
  if (!path) return;
  const response = await fetch(`${server.url}${path(data)}`);
  expect(response.status, `${event} ${path(data)}`).toBe(200);
  const found = (await response.json()) as { status?: string };
  const isFinal = isStepEnd(event) || isMessageEnd(event) || isRunEnd(event);
  // What goes on may have gone on.
  expect(found).toMatchObject(isFinal ? data : { id: data.id, object: data.object });
}
