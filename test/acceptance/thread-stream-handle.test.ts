import { Client } from "@langchain/langgraph-sdk";
import type { Event } from "@langchain/langgraph-sdk/stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { Gates } from "../support/gates.ts";
import { ServerProcess } from "../support/server-process.ts";
import { logOf } from "./methods/scenarios.ts";
import { fixtureConfig } from "./project.ts";

/**
 * What `client.threads.stream` of the official client hands out, part by part. The list of its members is read off the
 * client, so that one which nobody tests fails here.
 */

type Handle = ReturnType<Client["threads"]["stream"]>;
type Transport = "sse" | "websocket";

interface Setting {
  transport: Transport;
  /** A handle of a new thread. */
  open(assistantId: string, threadId?: string): Handle;
}

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ config: fixtureConfig });
});
afterAll(() => server?.[Symbol.asyncDispose]());

const hello = { input: { messages: [{ role: "user", content: "hi" }] } };

/** Everything that comes until the run ends, read from before it. */
async function all<Item>(handle: Handle, items: AsyncIterable<Item>): Promise<Item[]> {
  const reading = Array.fromAsync(items);
  await handle.run.start(hello);
  return reading;
}

/** The next events that a listener hears, until one of them is the root's end. */
function untilEnd(handle: Handle): Promise<Event[]> {
  const heard: Event[] = [];
  return new Promise((resolve) => {
    const stop = handle.onEvent((event) => {
      heard.push(event);
      const { method, params } = event;
      const isRoot = method === "lifecycle" && params.namespace.length === 0;
      if (!isRoot || !/completed|interrupted|failed/.test(JSON.stringify(params.data))) return;
      stop();
      resolve(heard);
    });
  });
}

async function textOf({ blob }: { blob: Promise<Blob> }): Promise<string> {
  return (await blob).text();
}

/** By member; those of modules as `run.start`. */
const members: Record<string, (setting: Setting) => Promise<void>> = {
  async threadId({ open }) {
    const threadId = crypto.randomUUID();
    expect(open("steps", threadId).threadId).toBe(threadId);
  },
  async assistantId({ open }) {
    expect(open("steps").assistantId).toBe("steps");
  },
  async ordering({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    expect(logOf(await handle.output)).toHaveLength(3);
    const { lastSeenSeq, lastEventId, lastAppliedThroughSeq } = handle.ordering;
    expect(lastEventId).toMatch(/^synth:.*lc\|\|completed$/);
    expect(lastSeenSeq).toBeGreaterThanOrEqual(lastAppliedThroughSeq!);
    await handle.close();
  },
  async messages({ open }) {
    const handle = open("parts");
    const messages = await all(handle, handle.messages);
    const texts = await Promise.all(messages.map((one) => one.text));
    expect(texts).toEqual(expect.arrayContaining(["one two", "here they are"]));
    await handle.close();
  },
  async values({ open }) {
    const handle = open("steps");
    const snapshots = Array.fromAsync(handle.values);
    await handle.run.start({ input: { input: "x" } });
    expect((await snapshots).map((values) => logOf(values).length)).toEqual([0, 1, 2, 3]);
    expect(logOf(await handle.values)).toEqual(["one", "two", "three"]);
    await handle.close();
  },
  async output({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    expect(logOf(await handle.output)).toEqual(["one", "two", "three"]);
    await handle.close();
  },
  async toolCalls({ open }) {
    const handle = open("parts");
    const calls = await all(handle, handle.toolCalls);
    const told = await Promise.all(
      calls.map(async ({ name, input, output }) => ({ name, input, output: await output })),
    );
    const both = [
      { name: "look_up", input: { q: "adas" }, output: "found adas" },
      {
        name: "task",
        input: { description: "a chore", subagent_type: "helper" },
        output: "did a chore",
      },
    ];
    // The client hands a call out when it begins, and once more when it ends.
    expect(told).toEqual([...both, ...both]);
    await handle.close();
  },
  async subgraphs({ open }) {
    const handle = open("parts");
    const found = await all(handle, handle.subgraphs);
    expect(found.map(({ name }) => name)).toContain("child");
    const child = found.find(({ name }) => name === "child")!;
    expect(child.namespace[0]).toMatch(/^child:/);
    await handle.close();
  },
  async subagents({ open }) {
    const handle = open("parts");
    const [agent, ...others] = await all(handle, handle.subagents);
    expect(others).toEqual([]);
    expect([agent!.name, await agent!.taskInput]).toEqual(["helper", "a chore"]);
    expect(JSON.stringify(await agent!.output)).toContain("did a chore");
    await handle.close();
  },
  async audio({ open }) {
    const handle = open("parts");
    const [audio] = await all(handle, handle.audio);
    expect([audio!.mimeType, await textOf(audio!)]).toEqual(["audio/wav", "a sound"]);
    expect(await audio!.transcript).toBe("la la");
    await handle.close();
  },
  async images({ open }) {
    const handle = open("parts");
    const [image] = await all(handle, handle.images);
    expect([image!.mimeType, await textOf(image!)]).toEqual(["image/png", "a picture"]);
    expect([image!.width, image!.height]).toEqual([2, 3]);
    await handle.close();
  },
  async video({ open }) {
    const handle = open("parts");
    const [video] = await all(handle, handle.video);
    expect([video!.mimeType, await textOf(video!)]).toEqual(["video/mp4", "a film"]);
    await handle.close();
  },
  async files({ open }) {
    const handle = open("parts");
    const [file] = await all(handle, handle.files);
    expect([file!.filename, file!.mimeType]).toEqual(["letter.txt", "text/plain"]);
    expect(await textOf(file!)).toBe("a letter");
    await handle.close();
  },
  async extensions({ open }) {
    const handle = open("parts");
    const { progress } = handle.extensions as unknown as {
      progress: AsyncIterable<unknown> & PromiseLike<unknown>;
    };
    expect(await all(handle, progress)).toEqual([{ percent: 50 }, { percent: 100 }]);
    expect(await progress).toEqual({ percent: 100 });
    await handle.close();
  },
  async subscribe({ open }) {
    const handle = open("parts");
    const named = await handle.subscribe("custom:progress");
    const heard = await all(handle, named as AsyncIterable<unknown>);
    expect(heard).toEqual([{ percent: 50 }, { percent: 100 }]);
    await named.unsubscribe();
    await handle.close();
  },
  async onEvent({ open }) {
    const handle = open("steps");
    const ended = untilEnd(handle);
    await handle.submitRun({ input: { input: "x" } });
    const methods = new Set((await ended).map(({ method }) => method));
    expect(methods).toContain("lifecycle");
    await handle.close();
  },
  async onError({ transport, open }) {
    // Over a WebSocket it tells only of a frame that is an error and no answer, which this server does not send.
    if (transport === "websocket") {
      expect(open("steps").onError(() => {})).toBeTypeOf("function");
      return;
    }
    const proxy = await CuttingProxy.before(server.url);
    const client = new Client({ apiUrl: proxy.url, apiKey: null });
    const handle = client.threads.stream(crypto.randomUUID(), {
      assistantId: "gated",
      transport,
      maxReconnectAttempts: 1,
      reconnectDelayMs: () => 0,
    });
    await using gates = await Gates.listen();
    const failed = new Promise<Error>((resolve) => void handle.onError(resolve));
    const started = handle.run.start({ input: { gates: gates.url } });
    await Promise.all([started, handle.subscribe("updates"), gates.arrival("one")]);
    await proxy[Symbol.asyncDispose]();
    expect(await failed).toBeInstanceOf(Error);
    gates.openAll();
    await handle.close();
  },
  async submitRun({ open }) {
    const handle = open("steps");
    const ended = untilEnd(handle);
    const { run_id } = (await handle.submitRun({ input: { input: "x" } })) as { run_id: string };
    expect((await ended).at(-1)!.event_id).toContain(run_id);
    await handle.close();
  },
  async respondInput({ open }) {
    const handle = open("asking");
    const interrupted = untilEnd(handle);
    await handle.submitRun({ input: {} });
    await interrupted;
    const { interruptId } = handle.interrupts[0]!;
    const ended = untilEnd(handle);
    await handle.respondInput({ namespace: [], interrupt_id: interruptId, response: "ten" });
    await ended;
    expect(handle.interrupts).toEqual([]);
    const { values } = await handle.state.get({ namespace: [] });
    expect(logOf(values)).toEqual(["answer ten", "after"]);
    await handle.close();
  },
  async startLifecycleWatcher({ open }) {
    const threadId = crypto.randomUUID();
    const first = open("steps", threadId);
    await first.run.start({ input: { input: "x" } });
    await first.output;
    const watching = open("steps", threadId);
    const ended = untilEnd(watching);
    watching.startLifecycleWatcher();
    expect((await ended).map(({ method }) => method)).toContain("lifecycle");
    await Promise.all([first.close(), watching.close()]);
  },
  async interrupted({ open }) {
    const handle = open("asking");
    expect(handle.interrupted).toBe(false);
    await handle.run.start({ input: {} });
    await handle.output;
    expect(handle.interrupted).toBe(true);
    await handle.close();
  },
  async interrupts({ open }) {
    const handle = open("asking");
    await handle.run.start({ input: {} });
    await handle.output;
    expect(handle.interrupts).toMatchObject([{ payload: { question: "how old?" } }]);
    await handle.close();
  },
  async close({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    const subscription = await handle.subscribe("values");
    await handle.output;
    const reading = Array.fromAsync(subscription);
    await handle.close();
    expect((await reading).length).toBeGreaterThan(0);
  },
  async "run.start"({ open }) {
    const handle = open("steps");
    const { run_id } = (await handle.run.start({ input: { input: "x" } })) as { run_id: string };
    expect(run_id).toMatch(/^[0-9a-f-]{36}$/);
    await handle.output;
    await handle.close();
  },
  async "agent.getTree"({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    await handle.output;
    expect((await handle.agent.getTree()).tree).toMatchObject({ status: "completed" });
    await handle.close();
  },
  async "input.respond"({ open }) {
    const handle = open("asking");
    await handle.run.start({ input: {} });
    await handle.output;
    const ended = untilEnd(handle);
    const { interruptId } = handle.interrupts[0]!;
    await handle.input.respond({ namespace: [], interrupt_id: interruptId, response: "ten" });
    await ended;
    const { values } = await handle.state.get({ namespace: [] });
    expect(logOf(values)).toEqual(["answer ten", "after"]);
    await handle.close();
  },
  async "input.inject"({ open }) {
    const handle = open("chat");
    await handle.run.start(hello);
    await handle.output;
    const message = { role: "user" as const, content: "by the way" };
    await handle.input.inject({ namespace: [], message });
    const { values } = await handle.state.get({ namespace: [] });
    const { messages } = values as { messages: { content: string }[] };
    expect(messages.map(({ content }) => content)).toEqual(["hi", "You said: hi", "by the way"]);
    await handle.close();
  },
  async "state.get"({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    await handle.output;
    const { values } = await handle.state.get({ namespace: [] });
    expect(logOf(values)).toEqual(["one", "two", "three"]);
    await handle.close();
  },
  async "state.listCheckpoints"({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    await handle.output;
    const { checkpoints } = await handle.state.listCheckpoints({});
    expect(checkpoints.map(({ step }) => step)).toEqual([3, 2, 1, 0, -1]);
    await handle.close();
  },
  async "state.fork"({ open }) {
    const handle = open("steps");
    await handle.run.start({ input: { input: "x" } });
    await handle.output;
    const { checkpoints } = await handle.state.listCheckpoints({});
    const ended = untilEnd(handle);
    await handle.state.fork({ checkpoint_id: checkpoints.find(({ step }) => step === 1)!.id });
    await ended;
    const after = await handle.state.listCheckpoints({});
    expect(after.checkpoints.length).toBeGreaterThan(checkpoints.length);
    await handle.close();
  },
};

const modules = ["run", "agent", "input", "state"] as const;

it("every member of the handle has a test here", () => {
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const handle = client.threads.stream(crypto.randomUUID(), { assistantId: "steps" });
  const names = [
    ...Object.getOwnPropertyNames(Object.getPrototypeOf(handle)),
    ...Object.keys(handle),
  ];
  const plain = names.filter((name) => !["constructor", ...modules].includes(name));
  const ofModules = modules.flatMap((name) =>
    Object.keys(handle[name]).map((method) => `${name}.${method}`),
  );
  expect([...plain, ...ofModules].toSorted()).toEqual(Object.keys(members).toSorted());
});

describe.each(["sse", "websocket"] as const)("over %s", (transport) => {
  const setting: Setting = {
    transport,
    open(assistantId, threadId = crypto.randomUUID()) {
      const client = new Client({ apiUrl: server.url, apiKey: null });
      return client.threads.stream(threadId, { assistantId, transport });
    },
  };
  it.each(Object.entries(members))("%s", async (_name, check) => {
    expect.hasAssertions();
    await check(setting);
  });
});

describe("input.inject while a run is at work", () => {
  it.each(["sse", "websocket"] as const)(
    "is the input of the run after it (%s)",
    async (transport) => {
      await using gates = await Gates.listen();
      const client = new Client({ apiUrl: server.url, apiKey: null });
      const threadId = crypto.randomUUID();
      const handle = client.threads.stream(threadId, { assistantId: "gatedChat", transport });
      await handle.run.start({ input: { ...hello.input, gates: gates.url } });
      const reply = await gates.arrival("reply");
      const message = { role: "user" as const, content: "by the way" };
      await handle.input.inject({ namespace: [], message });
      const runs = await client.runs.list(threadId);
      expect(runs.map(({ status }) => status)).toEqual(["pending", "running"]);
      reply.release();
      (await gates.arrival("reply")).release();
      await client.runs.join(threadId, runs[0]!.run_id);
      const { values } = await client.threads.getState<{ messages: { content: string }[] }>(
        threadId,
      );
      expect(values.messages.map(({ content }) => content)).toEqual([
        "hi",
        "heard hi",
        "by the way",
        "heard by the way",
      ]);
      await handle.close();
    },
  );
});
