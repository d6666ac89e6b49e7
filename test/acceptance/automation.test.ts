import { Client } from "@langchain/langgraph-sdk";
import { Client as Postgres } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FreshDatabase } from "../support/fresh-database.ts";
import { Gates } from "../support/gates.ts";
import { everyDatabase, postgresUri, skippedBecause } from "../support/postgres.ts";
import { Receiver } from "../support/receiver.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig } from "./project.ts";

/** Webhooks, crons and repeated creation where servers are processes, which are killed as a crash kills them. */
const postgres = await postgresUri();

const environment = {
  ADJUTANT_LEASE_MS: "1000",
  ADJUTANT_BEAT_MS: "200",
  ADJUTANT_WEBHOOK_TIMEOUT_MS: "1000",
  ADJUTANT_WEBHOOK_PRIVATE_TARGETS: "allow",
};

function post(server: ServerProcess, path: string, body: object, key?: string): Promise<Response> {
  const headers = { "content-type": "application/json", ...(key && { "idempotency-key": key }) };
  return fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

async function query(uri: string, text: string): Promise<unknown[]> {
  const client = new Postgres({ connectionString: uri });
  try {
    await client.connect();
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const runIdOf = (response: Response) =>
  response.headers.get("content-location")!.split("/").at(-1)!;

describe.each(await everyDatabase())("a crash on $name", (on) => {
  describe.skipIf(on.skipped)(`of the server${on.because}`, () => {
    let server: ServerProcess;
    beforeAll(async () => {
      server = await ServerProcess.start({
        config: fixtureConfig,
        environment,
        postgres: on.postgres,
      });
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    it("between a run's commit and its answer: the request sent again finds the run", async () => {
      await using gates = await Gates.listen();
      const key = crypto.randomUUID();
      const body = { assistant_id: "gated", input: { gates: gates.url, name: key } };
      const first = await post(server, "/runs/wait", body, key);
      const lost = first.text().catch(() => "lost");
      await gates.arrival(`${key}:one`);
      await server.kill();
      expect(await lost).toBe("lost");
      await server.restart();
      gates.openAll();
      const second = await post(server, "/runs/wait", body, key);
      expect(runIdOf(second)).toBe(runIdOf(first));
      expect(await second.json()).toMatchObject({ log: ["one", "two", "three"] });
    });

    it("between a run's end and its webhook: the webhook comes all the same", async () => {
      await using receiver = await Receiver.listen();
      // The first server never learns whether it arrived.
      receiver.answers.push(() => {});
      const run = await post(server, "/runs", {
        assistant_id: "steps",
        input: { input: "x" },
        webhook: `${receiver.url}/done`,
      });
      const { run_id } = (await run.json()) as { run_id: string };
      await receiver.count(1);
      await server.kill();
      await server.restart();
      const [first, second] = await receiver.count(2);
      expect(second!.json).toMatchObject({
        run_id,
        status: "success",
        values: { log: ["one", "two", "three"] },
      });
      expect(second!.headers["webhook-id"]).toBe(first!.headers["webhook-id"]);
    });
  });
});

describe.skipIf(postgres === null)(`two servers on one Postgres${skippedBecause(postgres)}`, () => {
  let database: FreshDatabase;
  let servers: ServerProcess[];
  beforeAll(async () => {
    database = await FreshDatabase.on(postgres!);
    const options = { config: fixtureConfig, databaseUri: database.uri, environment };
    servers = await Promise.all([ServerProcess.start(options), ServerProcess.start(options)]);
  });
  afterAll(async () => {
    for (const server of servers ?? []) await server[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  it("make one run of one key, whoever is asked, and however often at once", async () => {
    const key = crypto.randomUUID();
    const body = { assistant_id: "steps", input: { input: "x" } };
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => post(servers[at % 2]!, "/runs", body, key)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(new Set(answers.map(runIdOf)).size).toBe(1);
    const other = await post(servers[1]!, "/runs", { ...body, input: null }, key);
    expect(other.status).toBe(409);
  });

  it("fire each cron once when it comes due", async () => {
    await using receiver = await Receiver.listen();
    const client = new Client({ apiUrl: servers[0]!.url, apiKey: null });
    const created = await Promise.all(
      Array.from({ length: 6 }, () =>
        client.crons.create("steps", {
          // Years away: what fires here fires because its date is moved.
          schedule: "0 0 29 2 *",
          input: { input: "x" },
          webhook: receiver.url,
        }),
      ),
    );
    await query(database.uri, "update adjutant.crons set next_run_date = 1");
    await receiver.count(6);
    const fired = receiver.received.map(({ json }) => json.metadata.cron_id as string);
    expect(fired.toSorted()).toEqual(created.map(({ cron_id }) => cron_id).toSorted());
    expect(
      await query(database.uri, "select 1 from adjutant.run_keys where key like 'key:cron:%'"),
    ).toHaveLength(6);
    const dates = await client.crons.search({ select: ["next_run_date"] });
    for (const { next_run_date } of dates) expect(Date.parse(next_run_date!)).toBeGreaterThan(1e12);
  });
});
