import { Client } from "@langchain/langgraph-sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FreshDatabase } from "../support/fresh-database.ts";
import { Gates, type Arrival } from "../support/gates.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { collect, dataOf, logOf, newThread } from "./methods/scenarios.ts";
import { fixtureConfig } from "./project.ts";

const postgres = await postgresUri();

describe.skipIf(postgres === null)(`two servers on one Postgres${skippedBecause(postgres)}`, () => {
  let database: FreshDatabase;
  let gates: Gates;
  /** Executes one run at a time, and is busy with one that waits: whatever else runs, runs on the other. */
  let full: ServerProcess;
  let occupant: Arrival;
  let free: ServerProcess;
  let onFull: Client;
  let onFree: Client;

  beforeAll(async () => {
    database = await FreshDatabase.on(postgres!);
    gates = await Gates.listen();
    const options = {
      config: fixtureConfig,
      databaseUri: database.uri,
      environment: { ADJUTANT_LEASE_MS: "1000", ADJUTANT_BEAT_MS: "200" },
    };
    full = await ServerProcess.start({ ...options, flags: ["--n-jobs-per-worker", "1"] });
    onFull = new Client({ apiUrl: full.url, apiKey: null });
    await onFull.runs.create(await newThread(onFull), "gated", {
      input: { gates: gates.url, name: "occupant" },
    });
    occupant = await gates.arrival("occupant:one");
    free = await ServerProcess.start(options);
    onFree = new Client({ apiUrl: free.url, apiKey: null });
  });
  afterAll(async () => {
    await full?.[Symbol.asyncDispose]();
    await free?.[Symbol.asyncDispose]();
    await gates?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  it("a run made on one is executed by the other and streamed from both", async () => {
    const threadId = await newThread(onFull);
    const run = await onFull.runs.create(threadId, "gated", {
      input: { gates: gates.url, name: "shared" },
      streamMode: ["updates", "values"],
      streamResumable: true,
    });
    const one = await gates.arrival("shared:one");
    const [here, there] = [onFull, onFree].map((client) =>
      collect(client.runs.joinStream(threadId, run.run_id, { lastEventId: "-1" })),
    );
    one.release();
    (await gates.arrival("shared:two")).release();
    (await gates.arrival("shared:three")).release();
    const parts = await here!;
    expect(dataOf(parts, "updates").flatMap((data) => Object.keys(data))).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(await there).toEqual(parts);
    expect(await onFree.runs.get(threadId, run.run_id)).toMatchObject({ status: "success" });
  });

  it("a cancel on one stops a run that executes on the other", async () => {
    const threadId = await newThread(onFree);
    const run = await onFree.runs.create(threadId, "gated", {
      input: { gates: gates.url, name: "cancelled" },
    });
    const one = await gates.arrival("cancelled:one");
    await onFull.runs.cancel(threadId, run.run_id, true);
    // The node was told: it hangs up.
    await one.gone;
    expect(await onFree.runs.get(threadId, run.run_id)).toMatchObject({ status: "interrupted" });
    expect(logOf(await onFree.runs.wait(threadId, "steps", { input: {} }))).toHaveLength(3);
  });

  it("messages added and changed on both at once are all there", async () => {
    const threads = [full, free].map(({ url }) => {
      const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
      return client.beta.threads;
    });
    const { id: threadId } = await threads[0]!.create();
    const where = { thread_id: threadId };
    const texts = Array.from({ length: 24 }, (_, at) => `message ${at}`);
    const added = await Promise.all(
      texts.map((content, at) =>
        threads[at % 2]!.messages.create(threadId, { role: "user", content }),
      ),
    );
    await Promise.all([
      ...added
        .slice(0, 12)
        .map(({ id }, at) =>
          threads[at % 2]!.messages.update(id, { ...where, metadata: { at: String(at) } }),
        ),
      ...added.slice(12, 18).map(({ id }, at) => threads[at % 2]!.messages.delete(id, where)),
    ]);
    const lists = await Promise.all(
      threads.map((one) => one.messages.list(threadId, { limit: 100 })),
    );
    for (const { data } of lists) {
      const found = new Map(data.map((message) => [message.id, message.metadata]));
      expect(added.map(({ id }) => found.get(id))).toEqual(
        texts.map((_, at) => (at < 12 ? { at: String(at) } : at < 18 ? undefined : {})),
      );
      expect(data).toHaveLength(18);
    }
  });

  it("when one dies, the other finishes its runs, and whoever streamed sees the end", async () => {
    const threadId = await newThread(onFull);
    const streamed = collect(
      onFull.runs.stream(threadId, "gated", {
        input: { gates: gates.url, name: "orphan" },
        streamMode: "updates",
        durability: "sync",
      }),
    );
    (await gates.arrival("orphan:one")).release();
    const two = await gates.arrival("orphan:two");
    await free.kill();
    await two.gone;
    gates.openAll();
    occupant.release();
    const parts = await streamed;
    expect(dataOf(parts, "updates").flatMap((data) => Object.keys(data))).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(gates.nodes.filter((node) => node.startsWith("orphan"))).toEqual([
      "orphan:one",
      "orphan:two",
      "orphan:two",
      "orphan:three",
    ]);
    await free.restart();
    expect(logOf((await onFree.threads.get(threadId)).values)).toEqual(["one", "two", "three"]);
  });
});
