import { Client } from "@langchain/langgraph-sdk";
import type { Event } from "@langchain/langgraph-sdk/stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { FreshDatabase } from "../support/fresh-database.ts";
import { Gates } from "../support/gates.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { logOf } from "./methods/scenarios.ts";
import { allGraphs, fixtureConfig } from "./project.ts";

/** Protocol v2 with the official client, as it comes from the registry (specification part 6). */

const allChannels = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
] as const;

const postgres = await postgresUri();

type ThreadStream = ReturnType<Client["threads"]["stream"]>;
type Subscription = AsyncIterable<Event> & { resume(): void };

let server: ServerProcess;
const project = allGraphs();
beforeAll(async () => {
  server = await ServerProcess.start({ config: project.config });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  project[Symbol.dispose]();
});

function isRootEnd({ method, params }: Event): boolean {
  const { event } = params.data as { event?: string };
  const ends = ["completed", "failed", "interrupted"];
  return method === "lifecycle" && params.namespace.length === 0 && ends.includes(event ?? "");
}

/** Subscribes to everything and returns how to read on to the next end of a run. */
async function followed(thread: ThreadStream): Promise<() => Promise<Event[]>> {
  const subscription = (await thread.subscribe({
    channels: [...allChannels],
  })) as unknown as Subscription;
  return async () => {
    subscription.resume();
    const events: Event[] = [];
    for (;;) {
      for await (const event of { [Symbol.asyncIterator]: () => inner(subscription) }) {
        events.push(event);
        if (isRootEnd(event)) return events;
      }
      subscription.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
}

/** Without its `return`, which would close the subscription at the end of a loop. */
function inner(subscription: Subscription): AsyncIterator<Event> {
  const iterator = subscription[Symbol.asyncIterator]();
  return { next: () => iterator.next() };
}

function told(events: Event[]): string[] {
  return events.map(({ method, params }) => {
    const data = params.data as { event?: string; node?: string };
    const what = data.event ? ` ${data.event}` : "";
    return `${method}${what} [${params.namespace.map((one) => one.split(":")[0]).join(" ")}]`;
  });
}

const transports = [{ transport: "sse" }, { transport: "websocket" }] as const;

describe.each(transports)("client.threads.stream over $transport", ({ transport }) => {
  function open(threadId: string, assistantId: string, url = server.url): ThreadStream {
    const client = new Client({ apiUrl: url, apiKey: null });
    return client.threads.stream(threadId, { assistantId, transport });
  }

  it("makes the thread, starts a run on it and tells everything in order", async () => {
    const threadId = crypto.randomUUID();
    const thread = open(threadId, "speaking");
    const next = await followed(thread);
    const { run_id } = (await thread.run.start({
      input: { messages: [{ role: "user", content: "hi" }] },
    })) as { run_id: string };
    const events = await next();
    expect(told(events)).toEqual([
      "lifecycle running []",
      "checkpoints []",
      "checkpoints []",
      "values []",
      "tasks []",
      "lifecycle started [speaker]",
      "checkpoints [speaker]",
      "checkpoints [speaker]",
      "values [speaker]",
      "tasks [speaker]",
      "custom [speaker]",
      "lifecycle started [speaker speak]",
      "messages message-start [speaker speak]",
      "messages content-block-start [speaker speak]",
      ...Array.from({ length: 7 }, () => "messages content-block-delta [speaker speak]"),
      "updates [speaker]",
      "messages content-block-finish [speaker speak]",
      "messages message-finish [speaker speak]",
      "tasks [speaker]",
      "lifecycle completed [speaker speak]",
      "checkpoints [speaker]",
      "values [speaker]",
      "updates []",
      "tasks []",
      "lifecycle completed [speaker]",
      "checkpoints []",
      "values []",
      "lifecycle completed []",
    ]);
    const sequences = events.map(({ seq }) => seq!);
    expect(sequences).toEqual([...new Set(sequences)].toSorted((one, other) => one - other));
    expect(events[0]!.event_id).toBe(`synth:${run_id}:lc||running`);
    expect(events.at(-1)!.event_id).toBe(`synth:${run_id}:lc||completed`);
    await thread.close();
  });

  it("a second run goes on where the first ended; a new connection is told both again", async () => {
    const threadId = crypto.randomUUID();
    const thread = open(threadId, "steps");
    const next = await followed(thread);
    await thread.run.start({ input: { input: "one" } });
    const first = await next();
    await thread.run.start({ input: { input: "two" } });
    const second = await next();
    expect(second[0]!.seq!).toBeGreaterThan(first.at(-1)!.seq!);
    await thread.close();
    const other = open(threadId, "steps");
    const replayed = await followed(other);
    const again = [...(await replayed()), ...(await replayed())];
    expect(again.map(({ event_id, seq }) => [event_id, seq])).toEqual(
      [...first, ...second].map(({ event_id, seq }) => [event_id, seq]),
    );
    await other.close();
  });

  it("values, messages and output are assembled as in process", async () => {
    const thread = open(crypto.randomUUID(), "speaking");
    // Read from before the run: the client ends the messages of a run that was over when it subscribed.
    const read = async () => {
      const texts: string[] = [];
      for await (const message of thread.messages) texts.push(await message.text);
      return texts;
    };
    const reading = read();
    await thread.run.start({ input: { messages: [{ role: "user", content: "hi" }] } });
    expect(await reading).toEqual(["one two"]);
    const output = (await thread.output) as { messages: { text: string }[] };
    expect(output.messages.map(({ text }) => text)).toEqual(["hi", "one two"]);
    await thread.close();
  });

  it("an interrupt is answered; an unknown one is refused", async () => {
    const thread = open(crypto.randomUUID(), "asking");
    const next = await followed(thread);
    await thread.run.start({ input: {} });
    await next();
    expect(thread.interrupted).toBe(true);
    expect(thread.interrupts).toMatchObject([{ payload: { question: "how old?" }, namespace: [] }]);
    const { interruptId } = thread.interrupts[0]!;
    const answer = (interrupt_id: string) =>
      thread.input.respond({ namespace: [], interrupt_id, response: "ten" });
    await expect(answer("unknown")).rejects.toMatchObject({ code: "no_such_interrupt" });
    await answer(interruptId);
    const last = (await next()).findLast(({ method }) => method === "values")!;
    expect(logOf(last.params.data)).toEqual(["answer ten", "after"]);
    await thread.close();
  });

  it("the other commands work, too", async () => {
    const threadId = crypto.randomUUID();
    const thread = open(threadId, "steps");
    const next = await followed(thread);
    await thread.run.start({ input: { input: "x" } });
    await next();
    const { values } = await thread.state.get({ namespace: [] });
    expect(logOf(values)).toEqual(["one", "two", "three"]);
    const { checkpoints } = await thread.state.listCheckpoints({});
    const fork = checkpoints.find(({ step }) => step === 1)!;
    await thread.state.fork({ checkpoint_id: fork.id });
    const updates = (await next()).filter(({ method }) => method === "updates");
    expect(updates.map(({ params }) => (params as { node?: string }).node)).toEqual([
      "two",
      "three",
    ]);
    expect((await thread.agent.getTree()).tree).toMatchObject({ status: "completed" });
    await thread.close();
  });

  it("comes back after a cut connection and is told every event once", async () => {
    await using gates = await Gates.listen();
    await using proxy = await CuttingProxy.before(server.url);
    const threadId = crypto.randomUUID();
    const thread = open(threadId, "gated", proxy.url);
    const next = await followed(thread);
    await thread.run.start({ input: { gates: gates.url } });
    const streamed = next();
    (await gates.arrival("one")).release();
    const two = await gates.arrival("two");
    proxy.cut();
    two.release();
    (await gates.arrival("three")).release();
    const events = await streamed;
    const direct = open(threadId, "gated");
    const whole = await (await followed(direct))();
    expect(events.map(({ event_id }) => event_id).toSorted()).toEqual(
      whole.map(({ event_id }) => event_id).toSorted(),
    );
    await direct.close();
    await thread.close();
  });
});

describe("a thread's numbers", () => {
  /** Starts a run and returns its root events' numbers and ids by raw requests. */
  async function run(url: string, threadId: string): Promise<[number, string][]> {
    const client = new Client({ apiUrl: url, apiKey: null });
    const thread = client.threads.stream(threadId, { assistantId: "steps" });
    // Before the run: the client would hear its end from the narrower stream that it opens by itself.
    const next = await followed(thread);
    const { run_id } = (await thread.run.start({ input: { input: "x" } })) as { run_id: string };
    for (;;) {
      const events = await next();
      if (!events.at(-1)!.event_id!.includes(run_id)) continue;
      await thread.close();
      return events.map(({ seq, event_id }) => [seq!, event_id!]);
    }
  }

  it("go on after a restart of the server between two runs", async () => {
    await using own = await ServerProcess.start({ config: fixtureConfig });
    const threadId = crypto.randomUUID();
    const first = await run(own.url, threadId);
    await own.stop();
    await own.restart();
    const second = await run(own.url, threadId);
    expect(second).toHaveLength(first.length);
    expect(second[0]![0]).toBeGreaterThan(first.at(-1)![0]);
  });

  it.skipIf(postgres === null)(
    `are the same on two servers, which hear of each other's runs${skippedBecause(postgres)}`,
    async () => {
      await using database = await FreshDatabase.on(postgres!);
      const options = { config: fixtureConfig, databaseUri: database.uri };
      await using one = await ServerProcess.start(options);
      await using other = await ServerProcess.start(options);
      const threadId = crypto.randomUUID();
      const watching = new Client({ apiUrl: other.url, apiKey: null });
      const thread = watching.threads.stream(threadId, { assistantId: "steps" });
      const next = await followed(thread);
      const first = await run(one.url, threadId);
      const heard = await next();
      expect(heard.map(({ seq, event_id }) => [seq, event_id])).toEqual(first);
      const second = await run(one.url, threadId);
      const again = await next();
      expect(again.map(({ seq, event_id }) => [seq, event_id])).toEqual(second);
      await thread.close();
    },
  );
});
