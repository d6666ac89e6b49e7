import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gates } from "../support/gates.ts";
import { everyDatabase } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf, logOf, newThread } from "./methods/scenarios.ts";
import { fixtureConfig } from "./project.ts";

/**
 * A server that is killed as a crash kills it, in the middle of a node, loses nothing and repeats
 * nothing that was finished. The nodes stop at the test's gates, whose list tells who began how often.
 */
/** A lease that outlives its server only briefly; otherwise a test would wait out the usual 15 s. */
const quickLeases = { ADJUTANT_LEASE_MS: "1000", ADJUTANT_BEAT_MS: "200" };

describe.each(await everyDatabase())("on $name", ({ name, postgres, skipped, because }) => {
  // A checkpoint of `async` is on its way to Postgres while the next node runs, and may die with the server.
  const durability = name === "SQLite" ? ("async" as const) : ("sync" as const);
  describe.skipIf(skipped)(`a kill in the middle${because}`, () => {
    let server: ServerProcess;
    let client: Client;
    let gates: Gates;
    beforeAll(async () => {
      server = await ServerProcess.start({
        config: fixtureConfig,
        postgres,
        environment: quickLeases,
      });
      client = new Client({ apiUrl: server.url, apiKey: null });
    });
    afterAll(() => server?.[Symbol.asyncDispose]());
    beforeEach(async () => {
      gates = await Gates.listen();
      return () => gates[Symbol.asyncDispose]();
    });

    it("goes on from the last checkpoint, and the run that waited follows", async () => {
      const threadId = await newThread(client);
      const input = { gates: gates.url };
      const first = await client.runs.create(threadId, "gated", {
        input: { ...input, name: "a" },
        durability,
      });
      const second = await client.runs.create(threadId, "gated", {
        input: { ...input, name: "b" },
        multitaskStrategy: "enqueue",
      });
      (await gates.arrival("a:one")).release();
      await gates.arrival("a:two");
      await server.kill();
      gates.openAll();
      await server.restart();

      const values = await client.runs.join(threadId, second.run_id);
      expect(logOf(values)).toEqual(["one", "two", "three", "one", "two", "three"]);
      // The node that was killed began again; the one before it had finished, and did not.
      expect(gates.nodes).toEqual([
        "a:one",
        "a:two",
        "a:two",
        "a:three",
        "b:one",
        "b:two",
        "b:three",
      ]);
      const runs = await client.runs.list(threadId);
      expect(runs.map(({ run_id: id, status }) => [id, status])).toEqual([
        [second.run_id, "success"],
        [first.run_id, "success"],
      ]);
      expect(await client.threads.get(threadId)).toMatchObject({ status: "idle" });
      expect(server.output).toMatch(/taking over a run/);
      const history = await client.threads.getHistory(threadId, { limit: 100 });
      const steps = history.toReversed().map(({ metadata }) => {
        const { run_id: id, run_attempt: attempt } = metadata as Record<string, unknown>;
        return `${id === first.run_id ? "a" : "b"}${String(attempt)}`;
      });
      expect(steps.join(" ")).toBe("a1 a1 a1 a2 a2 b1 b1 b1 b1 b1");
    });

    it("a client that streamed comes back by itself and sees the end", async () => {
      const threadId = await newThread(client);
      const streamed = collect(
        client.runs.stream(threadId, "gated", {
          input: { gates: gates.url },
          streamMode: "updates",
          streamResumable: true,
          durability,
        }),
      );
      (await gates.arrival("one")).release();
      await gates.arrival("two");
      await server.kill();
      await server.restart();
      (await gates.arrival("two")).release();
      (await gates.arrival("three")).release();
      const parts = await streamed;
      expect(dataOf(parts, "metadata").map(({ attempt }) => attempt)).toEqual([1, 2]);
      expect(dataOf(parts, "updates").flatMap((data) => Object.keys(data))).toEqual([
        "one",
        "two",
        "three",
      ]);
      const [run] = await client.runs.list(threadId);
      expect(parts.at(-1)).toMatchObject({
        event: "end",
        data: { run_id: run!.run_id, status: "success" },
      });
    });

    // On Postgres an event is on its way to the database for a moment, which a test cannot see end.
    it.skipIf(name === "Postgres")(
      "a client that comes only then sees a resumable run from its begin",
      async () => {
        const threadId = await newThread(client);
        const { run_id: runId } = await client.runs.create(threadId, "gated", {
          input: { gates: gates.url },
          streamMode: "updates",
          streamResumable: true,
          durability,
        });
        (await gates.arrival("one")).release();
        await gates.arrival("two");
        await server.kill();
        gates.openAll();
        await server.restart();
        const parts = await collect(client.runs.joinStream(threadId, runId, { lastEventId: "-1" }));
        expect(dataOf(parts, "metadata").map(({ attempt }) => attempt)).toEqual([1, 2]);
        expect(dataOf(parts, "updates").flatMap((data) => Object.keys(data))).toEqual([
          "one",
          "two",
          "three",
        ]);
        expect(parts.at(-1)).toMatchObject({ event: "end", data: { status: "success" } });
      },
    );

    it("twice, and it still finishes; a question outlives a third kill", async () => {
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "gated", {
        input: { gates: gates.url },
        durability,
      });
      (await gates.arrival("one")).release();
      await gates.arrival("two");
      await server.kill();
      await server.restart();
      (await gates.arrival("two")).release();
      await gates.arrival("three");
      const asking = await newThread(client);
      const asked = await client.runs.wait(asking, "question", { input: {} });
      expect(asked).toMatchObject({ __interrupt__: [{ value: { question: "go on?" } }] });
      await server.kill();
      await server.restart();

      (await gates.arrival("three")).release();
      const values = await client.runs.join(threadId, run.run_id);
      expect(logOf(values)).toEqual(["one", "two", "three"]);
      expect(gates.nodes).toEqual(["one", "two", "two", "three", "three"]);
      const { status, interrupts } = await client.threads.get(asking);
      expect(status).toBe("interrupted");
      expect(Object.values(interrupts)).toMatchObject([[{ value: { question: "go on?" } }]]);
      const answered = await client.runs.wait(asking, "question", { command: { resume: "네" } });
      expect(logOf(answered)).toEqual(["one", "answer 네", "two"]);
    });

    it("in many runs at once, among them a subgraph and a run without a thread", async () => {
      const input = (one: string) => ({ input: { gates: gates.url, name: one }, durability });
      const names = ["a", "b", "c"];
      const threads = await Promise.all(names.map(() => newThread(client)));
      const runs = await Promise.all(
        names.map((one, at) => client.runs.create(threads[at]!, "gated", input(one))),
      );
      const nestedThread = await newThread(client);
      const nested = await client.runs.create(nestedThread, "nestedSteps", input("nested"));
      const stateless = await client.runs.create(null, "gated", input("stateless"));
      (await gates.arrival("nested:before")).release();
      for (const one of [...names, "nested", "stateless"]) {
        (await gates.arrival(`${one}:one`)).release();
        await gates.arrival(`${one}:two`);
      }
      await server.kill();
      gates.openAll();
      await server.restart();

      const last = collect(client.runs.joinStream(null, stateless.run_id, { lastEventId: "-1" }));
      for (const [at, run] of runs.entries()) {
        const values = await client.runs.join(threads[at]!, run.run_id);
        expect(logOf(values)).toEqual(["one", "two", "three"]);
      }
      // A subgraph that shares a channel gets what is in it and gives it back with its own.
      expect(logOf(await client.runs.join(nestedThread, nested.run_id))).toEqual([
        "before",
        "before",
        "one",
        "two",
        "three",
        "after",
      ]);
      expect(logOf(dataOf(await last, "values").at(-1))).toEqual(["one", "two", "three"]);
      const begun = (run: string) =>
        gates.nodes.filter((node) => node.startsWith(`${run}:`)).map((node) => node.split(":")[1]);
      for (const one of [...names, "stateless"]) {
        expect([one, ...begun(one)]).toEqual([one, "one", "two", "two", "three"]);
      }
      expect(begun("nested")).toEqual(["before", "one", "two", "two", "three", "after"]);
    });

    it(`an orderly stop hands runs to the next start of ${name}`, async () => {
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "gated", {
        input: { gates: gates.url },
        durability,
      });
      (await gates.arrival("one")).release();
      const two = await gates.arrival("two");
      const stopped = server.stop();
      await server.printed(/stopping/);
      two.release();
      (await gates.arrival("three")).release();
      expect(await stopped).toMatchObject({ code: 0 });
      await server.restart();
      expect(logOf(await client.runs.join(threadId, run.run_id))).toEqual(["one", "two", "three"]);
      expect(gates.nodes).toEqual(["one", "two", "three"]);
    });
  });
});

it("a run that takes its server down each time ends in error", async () => {
  await using gates = await Gates.listen();
  await using server = await ServerProcess.start({ config: fixtureConfig });
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const threadId = await newThread(client);
  const run = await client.runs.create(threadId, "gated", { input: { gates: gates.url } });
  for (let death = 1; death <= 3; death += 1) {
    await gates.arrival("one");
    await server.kill();
    await server.restart();
  }
  expect(await client.runs.join(threadId, run.run_id)).toMatchObject({
    __error__: { error: "AttemptsExhausted", message: expect.stringMatching(/3 times/) },
  });
  expect(gates.nodes).toEqual(["one", "one", "one"]);
  expect(await client.threads.get(threadId)).toMatchObject({ status: "error" });
  expect(logOf(await client.runs.wait(threadId, "steps", { input: {} }))).toHaveLength(3);
});

it("of two nodes in one superstep, only the one that had not finished runs again", async () => {
  await using gates = await Gates.listen();
  await using server = await ServerProcess.start({ config: fixtureConfig });
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const threadId = await newThread(client);
  const stream = client.runs.stream(threadId, "sideBySide", {
    input: { gates: gates.url },
    streamMode: "updates",
  });
  const leftFinished = (async () => {
    for await (const part of stream) if (part.event === "updates" && "left" in part.data) return;
  })();
  const [left] = await Promise.all([gates.arrival("left"), gates.arrival("right")]);
  left.release();
  await leftFinished;
  await server.kill();
  gates.openAll();
  await server.restart();
  const [run] = await client.runs.list(threadId);
  const values = await client.runs.join(threadId, run!.run_id);
  expect(logOf(values)).toEqual(["left", "right", "both"]);
  expect(gates.nodes.toSorted()).toEqual(["both", "left", "right", "right"]);
});
