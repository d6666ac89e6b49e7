import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createThread, getThread } from "../../src/core/operations/threads.ts";
import { getRun } from "../../src/core/operations/find.ts";
import { cancelRuns } from "../../src/core/operations/cancel.ts";
import { createRun, listRuns, type CreateRun } from "../../src/core/operations/runs.ts";
import { getHistory, getState, updateState } from "../../src/core/operations/state.ts";
import type { Ports } from "../../src/core/ports/ports.ts";
import {
  engineFixture,
  named,
  openEngine,
  readToEnd,
  runCommand,
  runToEnd,
  waiting,
  type TestEngine,
} from "../support/engine.ts";

let engine: TestEngine;
let ports: Ports;
beforeAll(async () => {
  engine = await openEngine();
  ports = engine.ports;
  engine.startWorker();
});
afterAll(() => engine[Symbol.asyncDispose]());

async function newThread() {
  return (await createThread(ports, { ifExists: "raise" })).threadId;
}

describe("a run that goes well", () => {
  it("streams metadata, each state and its end, and leaves its state on the thread", async () => {
    const threadId = await newThread();
    const { run, events, end } = await runToEnd(ports, runCommand("steps", { threadId }));
    expect(events[0]).toEqual({
      name: "metadata",
      data: JSON.stringify({ run_id: run.runId, attempt: 1 }),
      position: 0,
    });
    expect(named(events, "values").at(-1)).toEqual({ log: ["one", "two", "three"], input: "x" });
    expect(end).toMatchObject({ status: "success", error: null });
    expect(JSON.parse(end.values!)).toEqual({ log: ["one", "two", "three"], input: "x" });
    expect(await getThread(ports, threadId)).toMatchObject({
      status: "idle",
      interrupts: {},
      values: { log: ["one", "two", "three"] },
      metadata: { graph_id: "steps" },
    });
    expect(await getRun(ports, threadId, run.runId)).toMatchObject({
      status: "success",
      attempt: 1,
    });
  });

  it("yields every mode that was asked for, and only those", async () => {
    const { events } = await runToEnd(
      ports,
      runCommand("steps", { streamModes: ["updates", "tasks", "checkpoints", "debug"] }),
    );
    const names = new Set(events.map(({ name }) => name));
    expect(names).toEqual(new Set(["metadata", "updates", "tasks", "checkpoints", "debug"]));
    expect(named(events, "updates")).toEqual([
      { one: { log: ["one"] } },
      { two: { log: ["two"] } },
      { three: { log: ["three"] } },
    ]);
  });

  it("names events of subgraphs with their namespace", async () => {
    const { events } = await runToEnd(
      ports,
      runCommand("nested", { streamModes: ["updates"], streamSubgraphs: true }),
    );
    expect(events.some(({ name }) => /^updates\|child:[0-9a-f-]{36}$/.test(name))).toBe(true);
  });

  it("streams the events of LangChain beside other modes", async () => {
    const { events } = await runToEnd(
      ports,
      runCommand("chat", {
        input: { messages: [{ role: "user", content: "hi" }] },
        streamModes: ["events", "updates"],
      }),
    );
    expect(named(events, "events").length).toBeGreaterThan(3);
    expect(named(events, "updates")).toHaveLength(1);
  });

  it("writes messages flat, with their type", async () => {
    const { end } = await runToEnd(
      ports,
      runCommand("chat", {
        input: { messages: [{ role: "user", content: "hi" }] },
      }),
    );
    const { messages } = JSON.parse(end.values!) as { messages: Record<string, unknown>[] };
    expect(messages.map(({ type, content }) => [type, content])).toEqual([
      ["human", "hi"],
      ["ai", "You said: hi"],
    ]);
  });

  it("gives nodes the store", async () => {
    const { end } = await runToEnd(ports, runCommand("remembering", { input: { input: "note" } }));
    expect(JSON.parse(end.values!)).toMatchObject({ log: ["note"] });
    expect(await ports.storage.items.get(["notes"], "last", 0)).toMatchObject({
      value: { text: "note" },
    });
  });

  it("gives the graph context and configurable, whichever of the two was given", async () => {
    const both = ["context A", "configurable A"];
    const spellings: Partial<CreateRun>[] = [
      { context: { system_prompt: "A" } },
      { config: { configurable: { system_prompt: "A" } } },
      { config: { system_prompt: "A" } },
    ];
    for (const given of spellings) {
      const { end } = await runToEnd(ports, runCommand("context", given));
      expect(JSON.parse(end.values!).log).toEqual(both);
    }
  });

  it("removes a stateless run's thread when it is done, unless it is to be kept", async () => {
    const gone = await runToEnd(ports, runCommand("steps", { onCompletion: "delete" }));
    await expect(getThread(ports, gone.run.threadId)).rejects.toMatchObject({ code: "not_found" });
    const kept = await runToEnd(ports, runCommand("steps", { onCompletion: "keep" }));
    expect(await getThread(ports, kept.run.threadId)).toMatchObject({ status: "idle" });
  });
});

describe("a run that fails", () => {
  const failures = [
    { graph: "thrower", error: { error: "RangeError", message: "boom!" } },
    { graph: "endless", error: { error: "GraphRecursionError" } },
    { graph: "unserialisable", error: { error: "TypeError" } },
  ];
  for (const { graph, error } of failures) {
    it(`${graph}: ends in error with the class and message, and the thread stays usable`, async () => {
      const threadId = await newThread();
      const { run, end } = await runToEnd(ports, runCommand(graph, { threadId }));
      expect(end).toMatchObject({ status: "error", error });
      expect(await getRun(ports, threadId, run.runId)).toMatchObject({ status: "error", error });
      expect(await getThread(ports, threadId)).toMatchObject({ status: "error", error });
      const next = await runToEnd(ports, runCommand("steps", { threadId }));
      expect(next.end.status).toBe("success");
      expect(await getThread(ports, threadId)).toMatchObject({ status: "idle", error: null });
    });
  }

  it("keeps the state it had reached", async () => {
    const threadId = await newThread();
    await runToEnd(ports, runCommand("thrower", { threadId }));
    expect(await getThread(ports, threadId)).toMatchObject({ values: { log: ["fine"] } });
  });
});

describe("interrupts", () => {
  it("stop the run with success and the thread interrupted; a resume goes on", async () => {
    const threadId = await newThread();
    const { end } = await runToEnd(ports, runCommand("asking", { threadId }));
    expect(end.status).toBe("success");
    const result = JSON.parse(end.values!) as { __interrupt__: unknown[]; input: string };
    expect(result.input).toBe("x");
    expect(result.__interrupt__).toMatchObject([{ value: { question: "how old?" } }]);
    const thread = await getThread(ports, threadId);
    expect(thread.status).toBe("interrupted");
    expect(Object.values(thread.interrupts)).toMatchObject([[{ value: { question: "how old?" } }]]);

    const resumed = await runToEnd(
      ports,
      runCommand("asking", { threadId, input: null, command: { resume: 42 } }),
    );
    expect(JSON.parse(resumed.end.values!)).toMatchObject({ log: ["answer 42", "after"] });
    expect(await getThread(ports, threadId)).toMatchObject({ status: "idle", interrupts: {} });
  });

  it("before and after nodes stop with an empty list and go on with a null input", async () => {
    for (const stop of [{ interruptBefore: ["two"] }, { interruptAfter: ["one"] }]) {
      const threadId = await newThread();
      const { end } = await runToEnd(ports, runCommand("steps", { threadId, ...stop }));
      expect(JSON.parse(end.values!)).toEqual({ log: ["one"], input: "x", __interrupt__: [] });
      expect(await getThread(ports, threadId)).toMatchObject({ status: "interrupted" });
      const { next } = await getState(ports, threadId, { subgraphs: false });
      expect(next).toEqual(["two"]);
      const rest = await runToEnd(ports, runCommand("steps", { threadId, input: null }));
      expect(JSON.parse(rest.end.values!)).toMatchObject({ log: ["one", "two", "three"] });
    }
  });

  it("a goto and an update by command take effect", async () => {
    const threadId = await newThread();
    await runToEnd(ports, runCommand("steps", { threadId, interruptBefore: ["two"] }));
    const { end } = await runToEnd(
      ports,
      runCommand("steps", {
        threadId,
        input: null,
        command: { goto: "three", update: { input: "y" } },
      }),
    );
    expect(JSON.parse(end.values!)).toMatchObject({ input: "y" });
  });
});

describe("cancelling", () => {
  for (const graph of ["obedient", "stubborn"]) {
    it(`${graph}: interrupt ends the run at once and keeps its finished checkpoints`, async () => {
      const threadId = await newThread();
      const run = await createRun(ports, runCommand(graph, { threadId, durability: "sync" }));
      await waiting(`gate:${threadId}`);
      await cancelRuns(ports, [run], "interrupt");
      const { end } = await readToEnd(ports, run);
      expect(end).toMatchObject({ status: "interrupted", error: { error: "UserInterrupt" } });
      expect(await getRun(ports, threadId, run.runId)).toMatchObject({ status: "interrupted" });
      expect(await getThread(ports, threadId)).toMatchObject({
        status: "interrupted",
        values: { log: ["before"] },
      });
      engineFixture().gates.get(`gate:${threadId}`)!();
      const next = await runToEnd(ports, runCommand("steps", { threadId }));
      expect(next.end.status).toBe("success");
      expect(engineFixture().ran).not.toContain(`after:${threadId}`);
    });

    it(`${graph}: rollback removes the run and everything it wrote`, async () => {
      const threadId = await newThread();
      await runToEnd(ports, runCommand("steps", { threadId }));
      const history = await getHistory(ports, threadId, { limit: 100 });
      const run = await createRun(ports, runCommand(graph, { threadId, durability: "sync" }));
      await waiting(`gate:${threadId}`);
      await cancelRuns(ports, [run], "rollback");
      await expect(getRun(ports, threadId, run.runId)).rejects.toMatchObject({ code: "not_found" });
      engineFixture().gates.get(`gate:${threadId}`)!();
      const rest = await runToEnd(ports, runCommand("steps", { threadId, input: { input: "y" } }));
      expect(JSON.parse(rest.end.values!)).toEqual({
        log: ["one", "two", "three", "one", "two", "three"],
        input: "y",
      });
      const after = await getHistory(ports, threadId, { limit: 100 });
      expect(after.slice(-history.length)).toEqual(history);
    });
  }
});

describe("two runs on one thread", () => {
  it("enqueue: both run, in their order", async () => {
    const threadId = await newThread();
    const first = await createRun(ports, runCommand("obedient", { threadId }));
    await waiting(`gate:${threadId}`);
    const second = await createRun(ports, runCommand("steps", { threadId }));
    expect((await getRun(ports, threadId, second.runId)).status).toBe("pending");
    engineFixture().gates.get(`gate:${threadId}`)!();
    expect((await readToEnd(ports, first)).end.status).toBe("success");
    const { end } = await readToEnd(ports, second);
    expect(JSON.parse(end.values!).log).toEqual(["before", "gate", "after", "one", "two", "three"]);
  });

  it("reject: the second is refused and nothing is stored", async () => {
    const threadId = await newThread();
    const first = await createRun(ports, runCommand("obedient", { threadId }));
    await waiting(`gate:${threadId}`);
    const second = createRun(ports, runCommand("steps", { threadId, strategy: "reject" }));
    await expect(second).rejects.toMatchObject({ code: "thread_busy" });
    const page = { limit: 10, offset: 0 };
    expect(await listRuns(ports, { threadId, page })).toHaveLength(1);
    engineFixture().gates.get(`gate:${threadId}`)!();
    await readToEnd(ports, first);
  });

  it("interrupt: the first ends interrupted, the second goes on from its state", async () => {
    const threadId = await newThread();
    const first = await createRun(ports, runCommand("obedient", { threadId, durability: "sync" }));
    await waiting(`gate:${threadId}`);
    const second = await createRun(ports, runCommand("steps", { threadId, strategy: "interrupt" }));
    const { end } = await readToEnd(ports, second);
    expect(JSON.parse(end.values!).log).toEqual(["before", "one", "two", "three"]);
    expect((await getRun(ports, threadId, first.runId)).status).toBe("interrupted");
  });

  it("rollback: the first is gone and the second starts from the state before it", async () => {
    const threadId = await newThread();
    const first = await createRun(ports, runCommand("stubborn", { threadId, durability: "sync" }));
    await waiting(`gate:${threadId}`);
    const second = await createRun(ports, runCommand("steps", { threadId, strategy: "rollback" }));
    const { end } = await readToEnd(ports, second);
    expect(JSON.parse(end.values!).log).toEqual(["one", "two", "three"]);
    await expect(getRun(ports, threadId, first.runId)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("state", () => {
  it("refuses an update while a run is in flight", async () => {
    const threadId = await newThread();
    const run = await createRun(ports, runCommand("obedient", { threadId }));
    await waiting(`gate:${threadId}`);
    const update = updateState(ports, threadId, { updates: [{ values: { log: ["edit"] } }] });
    await expect(update).rejects.toMatchObject({ code: "thread_busy" });
    engineFixture().gates.get(`gate:${threadId}`)!();
    await readToEnd(ports, run);
  });

  it("an update shows in the thread, and one at an old checkpoint forks", async () => {
    const threadId = await newThread();
    await runToEnd(ports, runCommand("steps", { threadId }));
    const history = await getHistory(ports, threadId, { limit: 10 });
    const afterOne = history.find(({ next }) => next[0] === "two")!;
    await updateState(ports, threadId, {
      updates: [{ values: { log: ["edit"] }, asNode: "one" }],
      checkpoint: afterOne.checkpoint!,
    });
    expect(await getThread(ports, threadId)).toMatchObject({
      status: "interrupted",
      values: { log: ["one", "edit"] },
    });
    const { end } = await runToEnd(ports, runCommand("steps", { threadId, input: null }));
    expect(JSON.parse(end.values!).log).toEqual(["one", "edit", "two", "three"]);
  });

  it("a run from an older checkpoint forks there", async () => {
    const threadId = await newThread();
    await runToEnd(ports, runCommand("steps", { threadId }));
    const history = await getHistory(ports, threadId, { limit: 10 });
    const afterOne = history.find(({ next }) => next[0] === "two")!;
    const { end } = await runToEnd(
      ports,
      runCommand("steps", { threadId, input: null, checkpoint: afterOne.checkpoint as never }),
    );
    expect(JSON.parse(end.values!).log).toEqual(["one", "two", "three"]);
    expect((await getHistory(ports, threadId, { limit: 20 })).length).toBeGreaterThan(
      history.length,
    );
  });

  it("an unknown node or checkpoint is the caller's mistake", async () => {
    const threadId = await newThread();
    await runToEnd(ports, runCommand("steps", { threadId }));
    const update = updateState(ports, threadId, { updates: [{ values: {}, asNode: "nowhere" }] });
    await expect(update).rejects.toMatchObject({ code: "invalid" });
    const checkpoint = { checkpoint_id: "1f0-none" };
    const read = getState(ports, threadId, { checkpoint, subgraphs: false });
    await expect(read).rejects.toMatchObject({ code: "not_found" });
    const fork = createRun(ports, runCommand("steps", { threadId, checkpoint }));
    await expect(fork).rejects.toMatchObject({ code: "not_found" });
    const edit = updateState(ports, threadId, { updates: [{ values: {} }], checkpoint });
    await expect(edit).rejects.toMatchObject({ code: "not_found" });
    expect(await getThread(ports, threadId)).toMatchObject({ status: "idle" });
  });
});
