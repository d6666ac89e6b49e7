import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import { FreshDatabase } from "../support/fresh-database.ts";
import { ModelServer } from "../support/model-server.ts";
import { openAssistance } from "../support/openai-streams.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import { Hold, type Reply } from "../support/scripted-server.ts";
import { ServerProcess } from "../support/server-process.ts";
import { fixtureConfig } from "./project.ts";

/** What a run had said that another server took over, and what one that ran out of its time had. */

const postgres = await postgresUri();
const thread = { messages: [{ role: "user" as const, content: "안녕" }] };

interface Fleet extends AsyncDisposable {
  model: ModelServer;
  start(
    environment?: Record<string, string>,
  ): Promise<{ server: ServerProcess; beta: OpenAI["beta"] }>;
}

/** Servers on one new database, before one model. */
async function fleetBefore(script: Reply[]): Promise<Fleet> {
  const opened = new AsyncDisposableStack();
  const model = opened.use(await ModelServer.start(script));
  const database = opened.use(await FreshDatabase.on(postgres!));
  return {
    model,
    async start(environment = {}) {
      const server = opened.use(
        await ServerProcess.start({
          config: fixtureConfig,
          databaseUri: database.uri,
          environment: {
            OPENAI_BASE_URL: model.url,
            OPENAI_API_KEY: "sk-behind",
            // Otherwise the test would wait out a lease of 15 s.
            ADJUTANT_LEASE_MS: "1000",
            ADJUTANT_BEAT_MS: "200",
            ...environment,
          },
        }),
      );
      const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "sk-any" });
      return { server, beta: client.beta };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

describe.skipIf(postgres === null)(`with two servers${skippedBecause(postgres)}`, () => {
  test("what a killed server had said is kept when the run is cancelled before the other says anything", async () => {
    const [first, second] = [new Hold(), new Hold()];
    await using fleet = await fleetBefore([
      { text: ["One ", "two"], hold: first, holdAfter: 1 },
      { text: "Anew.", hold: second },
    ]);
    const dying = await fleet.start();
    const { id: assistant_id } = await dying.beta.assistants.create({ model: "m" });
    const run = await dying.beta.threads.createAndRun({ assistant_id, thread });
    const { id, thread_id } = run;
    await first.reached;
    const partial = async (beta: OpenAI["beta"]) =>
      (await beta.threads.messages.list(thread_id, { run_id: id })).data;
    await expect.poll(() => partial(dying.beta)).toMatchObject([{ status: "in_progress" }]);
    const [begun] = await partial(dying.beta);
    const { beta } = await fleet.start();
    await expect.poll(() => partial(beta)).toMatchObject([{ status: "in_progress" }]);
    await dying.server.kill();
    await second.reached;
    await beta.threads.runs.cancel(id, { thread_id });
    expect(await partial(beta)).toMatchObject([
      {
        id: begun!.id,
        status: "incomplete",
        incomplete_details: { reason: "run_cancelled" },
        content: [{ text: { value: "One " } }],
      },
    ]);
    const { data: steps } = await beta.threads.runs.steps.list(id, { thread_id });
    expect(steps).toMatchObject([{ type: "message_creation", status: "cancelled" }]);
  });

  test("and when the run is given up, since it was lost too often", async () => {
    const first = new Hold();
    await using fleet = await fleetBefore([{ text: ["One ", "two"], hold: first, holdAfter: 1 }]);
    const once = { ADJUTANT_ATTEMPTS_MAX: "1" };
    const dying = await fleet.start(once);
    const { id: assistant_id } = await dying.beta.assistants.create({ model: "m" });
    const run = await dying.beta.threads.createAndRun({ assistant_id, thread });
    const { id, thread_id } = run;
    await first.reached;
    const { beta } = await fleet.start(once);
    const messages = async () => (await beta.threads.messages.list(thread_id, { run_id: id })).data;
    await expect.poll(messages).toMatchObject([{ status: "in_progress" }]);
    await dying.server.kill();
    const failed = await beta.threads.runs.poll(id, { thread_id });
    expect(failed).toMatchObject({ status: "failed", last_error: { code: "server_error" } });
    expect(await messages()).toMatchObject([
      { incomplete_details: { reason: "run_failed" }, content: [{ text: { value: "One " } }] },
    ]);
  });
});

test("a run that takes longer than the server lets it leaves what it had said", async () => {
  const hold = new Hold();
  await using assistance = await openAssistance([{ text: ["One ", "two"], hold, holdAfter: 1 }], {
    runTimeoutMs: 400,
  });
  const { beta, ask } = assistance;
  const stream = ask();
  const { id, thread_id, status } = await stream.finalRun();
  expect(status).toBe("failed");
  const [told] = await stream.finalMessages();
  expect(told).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "run_failed" },
    content: [{ text: { value: "One " } }],
  });
  expect((await beta.threads.messages.list(thread_id, { run_id: id })).data).toEqual([told]);
  hold.release();
});
