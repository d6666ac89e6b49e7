import { expect } from "vitest";
import { Gates } from "../../support/gates.ts";
import {
  collect,
  dataOf,
  finishedThread,
  logOf,
  newThread,
  unknownId,
  type Scenarios,
} from "./scenarios.ts";

const allLogs = ["one", "two", "three"];

/** Making runs, and what becomes of them by their options. */
export const runScenarios: Scenarios = {
  create: {
    "answers with the pending run and tells its id before that": async ({ client }) => {
      const threadId = await newThread(client);
      const told: { run_id: string; thread_id?: string }[] = [];
      const run = await client.runs.create(threadId, "steps", {
        input: { input: "x" },
        metadata: { source: "test" },
        onRunCreated: (created) => told.push(created),
      });
      expect(told).toEqual([{ run_id: run.run_id, thread_id: threadId }]);
      expect(run).toMatchObject({
        thread_id: threadId,
        status: "pending",
        multitask_strategy: "enqueue",
        assistant_version: 1,
      });
      expect(run.metadata).toMatchObject({ source: "test" });
      expect(logOf(await client.runs.join(threadId, run.run_id))).toEqual(allLogs);
    },
    "without a thread makes one that goes when the run has ended": async ({ client }) => {
      const run = await client.runs.create(null, "steps", { input: {} });
      const joined = client.runs.joinStream(null, run.run_id, { lastEventId: "-1" });
      expect(logOf(dataOf(await collect(joined), "values").at(-1))).toEqual(allLogs);
      const thread = client.threads.get(run.thread_id);
      await expect(thread).rejects.toMatchObject({ status: 404 });
    },
    "an unknown assistant, version or thread is 404": async ({ client }) => {
      const threadId = await newThread(client);
      for (const [thread, assistant] of [
        [threadId, "nobody"],
        [threadId, unknownId],
        [threadId, "steps@7"],
        [unknownId, "steps"],
      ] as const) {
        const created = client.runs.create(thread, assistant, { input: {} });
        await expect(created).rejects.toMatchObject({ status: 404 });
      }
      await expect(client.threads.get(unknownId)).rejects.toMatchObject({ status: 404 });
    },
    "ifNotExists makes the thread that is missing": async ({ client }) => {
      const threadId = crypto.randomUUID();
      const run = await client.runs.create(threadId, "steps", { input: {}, ifNotExists: "create" });
      await client.runs.join(threadId, run.run_id);
      expect(logOf((await client.threads.get(threadId)).values)).toEqual(allLogs);
    },
    "afterSeconds delays it; meanwhile the thread is busy": async ({ client }) => {
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "steps", { input: {}, afterSeconds: 600 });
      expect(await client.threads.get(threadId)).toMatchObject({ status: "busy" });
      expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "pending" });
      await client.runs.cancel(threadId, run.run_id, true);
    },
  },

  createBatch: {
    "creates each on a thread of its own": async ({ client }) => {
      const runs = await client.runs.createBatch([
        { assistantId: "steps", input: { input: "first" } },
        { assistantId: "chat", input: { messages: "hello" } },
      ]);
      expect(runs).toHaveLength(2);
      expect(new Set(runs.map(({ thread_id: id }) => id)).size).toBe(2);
    },
    "one unknown assistant, and none is created": async ({ client }) => {
      const created = client.runs.createBatch([
        { assistantId: "steps", input: {} },
        { assistantId: "nobody", input: {} },
      ]);
      await expect(created).rejects.toMatchObject({ status: 404 });
    },
  },

  wait: {
    "gives the last state": async ({ client }) => {
      const values = await client.runs.wait(await newThread(client), "steps", {
        input: { input: "x" },
      });
      expect(values).toEqual({ log: allLogs, input: "x" });
    },
    "raises what the graph threw, or gives it when told not to": async ({ client }) => {
      const failing = client.runs.wait(null, "thrower", { input: {} });
      await expect(failing).rejects.toThrow(/RangeError.*boom!/);
      const error = await client.runs.wait(null, "thrower", { input: {}, raiseError: false });
      expect(error).toEqual({ __error__: { error: "RangeError", message: "boom!" } });
    },
    "of a graph that never ends, or cannot be stored, is an error": async ({ client }) => {
      const endless = client.runs.wait(null, "endless", {
        input: {},
        config: { recursion_limit: 5 },
      });
      await expect(endless).rejects.toThrow(/GraphRecursionError.*5/);
      const unserialisable = client.runs.wait(null, "unserialisable", { input: {} });
      await expect(unserialisable).rejects.toThrow(/TypeError/);
    },
    "resume answers a question": async ({ client }) => {
      const threadId = await newThread(client);
      const asked = await client.runs.wait(threadId, "asking", { input: {} });
      expect(asked).toMatchObject({ __interrupt__: [{ value: { question: "how old?" } }] });
      expect(await client.threads.get(threadId)).toMatchObject({ status: "interrupted" });
      const answered = await client.runs.wait(threadId, "asking", {
        command: { resume: "마흔둘" },
      });
      expect(logOf(answered)).toEqual(["answer 마흔둘", "after"]);
      expect(await client.threads.get(threadId)).toMatchObject({ status: "idle", interrupts: {} });
    },
    "resume answers by the interrupt's id": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "asking", { input: {} });
      const [[interrupt]] = Object.values((await client.threads.get(threadId)).interrupts) as [
        [{ id: string }],
      ];
      const command = { resume: { [interrupt.id]: 7 } };
      const answered = await client.runs.wait(threadId, "asking", { command });
      expect(logOf(answered)).toEqual(["answer 7", "after"]);
    },
    "goto and update change where it goes on and with what": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "steps", { input: {}, interruptBefore: ["two"] });
      const values = await client.runs.wait(threadId, "steps", {
        command: { goto: "three", update: { input: "y" } },
      });
      expect(values).toMatchObject({ input: "y" });
      expect(logOf(values)).toContain("three");
      const sent = await client.runs.wait(null, "fan", {
        command: { goto: { node: "leaf", input: { input: "sent" } } },
      });
      expect(logOf(sent)).toEqual(["leaf sent"]);
    },
    "breakpoints by name and at all nodes": async ({ client }) => {
      const threadId = await newThread(client);
      const first = await client.runs.wait(threadId, "steps", { input: {}, interruptBefore: "*" });
      expect(first).toMatchObject({ __interrupt__: [] });
      expect((await client.threads.getState(threadId)).next).toEqual(["one"]);
      const second = await client.runs.wait(threadId, "steps", {
        input: null,
        interruptAfter: ["two"],
      });
      expect(logOf(second)).toEqual(["one", "two"]);
      const rest = await client.runs.wait(threadId, "steps", { input: null });
      expect(logOf(rest)).toEqual(allLogs);
    },
    "from an older checkpoint runs on from there": async ({ client }) => {
      const threadId = await finishedThread(client);
      const history = await client.threads.getHistory(threadId);
      const { checkpoint } = history.find(({ next }) => next[0] === "three")!;
      for (const place of [{ checkpoint }, { checkpointId: checkpoint.checkpoint_id! }]) {
        const values = await client.runs.wait(threadId, "steps", { input: null, ...place });
        expect(logOf(values)).toEqual(allLogs);
      }
    },
    "context and configurable both reach the graph, and the run wins": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({
        graphId: "context",
        config: { configurable: { system_prompt: "of the assistant" } },
      });
      const said = async (payload: object) =>
        logOf(await client.runs.wait(null, id, { input: {}, ...payload }));
      const both = (text: string) => [`context ${text}`, `configurable ${text}`];
      expect(await said({})).toEqual(both("of the assistant"));
      expect(await said({ context: { system_prompt: "given" } })).toEqual(both("given"));
      const config = { configurable: { system_prompt: "older" } };
      expect(await said({ config })).toEqual(both("older"));
    },
    "durability is taken in all three forms": async ({ client }) => {
      for (const [durability, checkpoints] of [
        ["sync", 5],
        ["async", 5],
        ["exit", 1],
      ] as const) {
        const threadId = await newThread(client);
        const values = await client.runs.wait(threadId, "steps", { input: {}, durability });
        expect(logOf(values)).toEqual(allLogs);
        expect(await client.threads.getHistory(threadId)).toHaveLength(checkpoints);
      }
    },
    "reject on a busy thread is 409": async ({ client }) => {
      const threadId = await newThread(client);
      const first = await client.runs.create(threadId, "steps", { input: {}, afterSeconds: 600 });
      const second = client.runs.wait(threadId, "steps", {
        input: {},
        multitaskStrategy: "reject",
      });
      await expect(second).rejects.toMatchObject({ status: 409 });
      expect(await client.runs.list(threadId)).toHaveLength(1);
      await client.runs.cancel(threadId, first.run_id, true);
    },
    "enqueue waits for its turn": async ({ client }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const input = { gates: gates.url };
      const first = await client.runs.create(threadId, "gated", { input: { ...input, name: "a" } });
      const arrival = await gates.arrival("a:one");
      const second = client.runs.wait(threadId, "gated", {
        input: { ...input, name: "b" },
        multitaskStrategy: "enqueue",
      });
      gates.openAll();
      arrival.release();
      expect(logOf(await second)).toEqual([...allLogs, ...allLogs]);
      expect(gates.nodes.map((node) => node.slice(0, 1)).join("")).toBe("aaabbb");
      expect(await client.runs.get(threadId, first.run_id)).toMatchObject({ status: "success" });
    },
    "interrupt ends the first and keeps what it did": async ({ client }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const first = await client.runs.create(threadId, "gated", {
        input: { gates: gates.url },
        durability: "sync",
      });
      (await gates.arrival("one")).release();
      await gates.arrival("two");
      const values = await client.runs.wait(threadId, "steps", {
        input: {},
        multitaskStrategy: "interrupt",
      });
      expect(logOf(values)).toEqual(["one", ...allLogs]);
      expect(await client.runs.get(threadId, first.run_id)).toMatchObject({
        status: "interrupted",
      });
    },
    "rollback removes the first with all it did": async ({ client }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const first = await client.runs.create(threadId, "deaf", {
        input: { gates: gates.url },
        durability: "sync",
      });
      (await gates.arrival("one")).release();
      await gates.arrival("two");
      const values = await client.runs.wait(threadId, "steps", {
        input: {},
        multitaskStrategy: "rollback",
      });
      expect(logOf(values)).toEqual(allLogs);
      const gone = client.runs.get(threadId, first.run_id);
      await expect(gone).rejects.toMatchObject({ status: 404 });
    },
  },
};
