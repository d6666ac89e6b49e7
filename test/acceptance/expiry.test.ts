import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FreshDatabase } from "../support/fresh-database.ts";
import { Gates } from "../support/gates.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";
import { logOf } from "./methods/scenarios.ts";
import { fixtureGraphs } from "./project.ts";

const postgres = await postgresUri();

/** Sweeps are many and short, but a busy machine may let them wait. */
const waitMs = 60_000;

/** A moment, in minutes. */
const moment = 0.001;

/** Every sweep is due when the last one has ended, nearly. */
const project = fixtureGraphs({
  checkpointer: { ttl: { sweep_interval_minutes: 0.005, sweep_limit: 3 } },
  store: { ttl: { sweep_interval_minutes: 0.005, refresh_on_read: false } },
});
afterAll(() => project[Symbol.dispose]());

describe.skipIf(postgres === null)(
  `threads and items that expire, with two servers on one Postgres${skippedBecause(postgres)}`,
  () => {
    let database: FreshDatabase;
    let gates: Gates;
    let servers: ServerProcess[];
    let clients: Client[];

    beforeAll(async () => {
      database = await FreshDatabase.on(postgres!);
      gates = await Gates.listen();
      const options = { config: project.config, databaseUri: database.uri };
      servers = [await ServerProcess.start(options)];
      servers.push(await ServerProcess.start(options));
      clients = servers.map(({ url }) => new Client({ apiUrl: url, apiKey: null }));
    }, waitMs);
    afterAll(async () => {
      for (const server of servers ?? []) await server[Symbol.asyncDispose]();
      await gates?.[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    });

    async function newThread(client: Client): Promise<string> {
      return (await client.threads.create({ ttl: moment })).thread_id;
    }

    /** Resolves when no server has the thread any more. */
    async function gone(threadId: string): Promise<void> {
      for (const client of clients) {
        await expect.poll(() => exists(client, threadId), { timeout: waitMs }).toBe(false);
      }
    }

    async function exists(client: Client, threadId: string): Promise<boolean> {
      return (await client.threads.search({ ids: [threadId], select: ["thread_id"] })).length > 0;
    }

    it(
      "all go, more than one sweep sees to, but the one with a run, which goes after it",
      async () => {
        const [one, other] = clients as [Client, Client];
        const kept = await one.threads.create();
        const busy = (await one.threads.create({ ttl: 60 })).thread_id;
        const run = await one.runs.create(busy, "gated", {
          input: { gates: gates.url, name: "busy" },
        });
        const node = await gates.arrival("busy:one");
        const ids = await Promise.all(
          Array.from({ length: 10 }, (_, at) => newThread(at % 2 === 0 ? one : other)),
        );
        for (const id of ids) await gone(id);
        // Those that were over later have gone: its turn would have come.
        await one.threads.update(busy, { ttl: moment });
        await gone(await newThread(other));
        await gone(await newThread(one));
        expect(await other.runs.get(busy, run.run_id)).toMatchObject({ status: "running" });
        // So that the run's end can be seen before the thread goes.
        await one.threads.update(busy, { ttl: 60 });
        node.release();
        gates.openAll();
        expect(logOf(await other.runs.join(busy, run.run_id))).toEqual(["one", "two", "three"]);
        await one.threads.update(busy, { ttl: moment });
        await gone(busy);
        expect(await exists(other, kept.thread_id)).toBe(true);
        // Each server took a turn or left it to the other; nobody stumbled.
        for (const { output } of servers)
          expect(output).not.toMatch(/could not be swept|round of work/);
      },
      waitMs,
    );

    it(
      "items go",
      async () => {
        const [one, other] = clients as [Client, Client];
        await one.store.putItem(["n"], "short", { a: 1 }, { ttl: moment });
        await one.store.putItem(["n"], "long", { a: 1 }, { ttl: 60 });
        await expect
          .poll(async () => (await other.store.searchItems(["n"])).items.map(({ key }) => key), {
            timeout: waitMs,
          })
          .toEqual(["long"]);
        expect(await other.store.getItem(["n"], "short")).toBeNull();
      },
      waitMs,
    );
  },
);

it("adjutant dev goes by new times to live when langgraph.json is saved", async () => {
  using own = fixtureGraphs({});
  await using server = await ServerProcess.start({ config: own.config, command: "dev" });
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const ttlOf = async (threadId: string) =>
    ((await client.threads.get(threadId, { include: ["ttl"] })) as { ttl?: unknown }).ttl ?? null;
  const before = (await client.threads.create()).thread_id;
  await client.store.putItem(["n"], "before", { a: 1 });
  const kept = JSON.parse(readFileSync(own.config, "utf8")) as object;
  const settings = {
    checkpointer: { ttl: { default_ttl: moment, sweep_interval_minutes: 0.005 } },
    store: { ttl: { default_ttl: moment } },
  };
  const reloaded = server.printed(/graphs reloaded/);
  writeFileSync(own.config, JSON.stringify({ ...kept, ...settings }));
  await reloaded;
  const { thread_id: after } = await client.threads.create();
  await client.store.putItem(["n"], "after", { a: 1 });
  const threads = () => client.threads.search({ ids: [before, after], select: ["thread_id"] });
  await expect
    .poll(async () => (await threads()).map(({ thread_id }) => thread_id), { timeout: waitMs })
    .toEqual([before]);
  expect(await ttlOf(before)).toBeNull();
  const keys = async () => (await client.store.searchItems(["n"])).items.map(({ key }) => key);
  await expect.poll(keys, { timeout: waitMs }).toEqual(["before"]);
}, 60_000);
