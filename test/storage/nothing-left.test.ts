import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/core/limits.ts";
import { Webhooks } from "../../src/engine/webhooks.ts";
import { StoreIndex } from "../../src/graphs/item-index.ts";
import { presentDelivery } from "../../src/protocols/langgraph/wire/webhooks.ts";
import { openApi, type TestApi } from "../support/api.ts";
import { waiting } from "../support/engine.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import { Receiver } from "../support/receiver.ts";
import {
  type OpenDatabase,
  postgresSchema,
  type Reopenable,
  sqliteFile,
} from "../support/savers.ts";
import { wordEmbedder } from "../support/word-embedder.ts";

/**
 * A database must not grow by what was deleted. Everything that the API can make is made and deleted
 * through it, and then every table has as many rows as before, but for those named here. (A webhook that
 * was given up stays for a day, too; here all arrive.)
 */
const mayStay: Record<string, string> = {
  checkpoint_names: "as many as the graphs' code has names of channels and nodes",
  sweeps: "when a server takes its turn at what",
  run_keys: "a key is good for a day, also when what it made is gone",
};

/** What may have as many rows in use as before, and why; these are counted at the end, too. */
const mayBeUnused: Record<string, string> = {
  migrations: "of the schema",
  checkpoint_numbers: "one row, which is counted up",
  crash_marker: "one row, which a crash of the database removes",
  checkpoint_runs: "rows of earlier versions",
};

const long = "A long text, which is stored as an item of its own. ".repeat(20);
const input = { messages: [{ role: "user", content: long }] };

/** Threads as runs leave them: with subgraphs, interrupts, failures, and a run that was rolled back. */
async function runEverything({ call, thread }: TestApi, webhook: string): Promise<string[]> {
  const ids = await Promise.all(
    Array.from({ length: 5 }, () => thread({ metadata: { user: "지민" }, ttl: 60 })),
  );
  const [chat, nested, asking, failing, busy] = ids as [string, string, string, string, string];
  const wait = async (threadId: string, body: object, headers = {}) => {
    const answer = await call("POST", `/threads/${threadId}/runs/wait`, body, headers);
    expect([200, 500]).toContain(answer.status);
  };
  for (let turn = 0; turn < 3; turn++) {
    const key = { "idempotency-key": `turn ${turn}` };
    await wait(chat, { assistant_id: "chat", input, webhook, metadata: { turn } }, key);
  }
  await wait(nested, { assistant_id: "nested", input: { input: long } });
  await wait(asking, { assistant_id: "asking", input: { input: long } });
  await wait(asking, { assistant_id: "asking", command: { resume: long } });
  await wait(failing, { assistant_id: "thrower", input: { input: long } });
  await wait(failing, { assistant_id: "fan", input: { input: long } });
  const { json: run } = await call("POST", `/threads/${busy}/runs`, {
    assistant_id: "obedient",
    input: { input: long },
  });
  await waiting(`gate:${busy}`);
  const path = `/threads/${busy}/runs/${run.run_id}/cancel?action=rollback&wait=true`;
  expect((await call("POST", path)).status).toBeLessThan(300);
  return ids;
}

/** Forks, copies and edits, some of which are pruned and rolled back again. */
async function editEverything({ call }: TestApi, ids: string[]): Promise<void> {
  const [chat] = ids as [string];
  const { json: history } = await call("POST", `/threads/${chat}/history`, { limit: 20 });
  const copy = async (id: string) => (await call("POST", `/threads/${id}/copy`)).json.thread_id;
  const copies = [await copy(chat), await copy(chat)];
  const state = { values: { messages: [{ role: "user", content: `${long}!` }] } };
  await call("POST", `/threads/${chat}/state`, {
    ...state,
    checkpoint_id: history[3].checkpoint.checkpoint_id,
  });
  for (const id of [...copies, chat]) {
    const body = { assistant_id: "chat", input };
    expect((await call("POST", `/threads/${id}/runs/wait`, body)).status).toBe(200);
  }
  copies.push(await copy(copies[1]));
  const { json: runs } = await call("GET", `/threads/${chat}/runs`);
  await call("DELETE", `/threads/${chat}/runs/${runs[1].run_id}`);
  await call("POST", "/threads/prune", { thread_ids: [copies[0]], strategy: "keep_latest" });
  await call("POST", "/threads/prune", { thread_ids: [copies[1]], strategy: "delete" });
  ids.push(copies[0], copies[2]);
}

/** Of assistants, crons and memory; returns their ids. */
async function makeTheRest({ call }: TestApi, threadId: string) {
  const assistants: string[] = [];
  for (const name of ["one", "two"]) {
    const made = await call("POST", "/assistants", { graph_id: "chat", name });
    await call("PATCH", `/assistants/${made.json.assistant_id}`, { metadata: { edited: true } });
    assistants.push(made.json.assistant_id);
  }
  const schedule = "0 9 29 2 *";
  const [one, two] = assistants;
  for (const [path, assistant] of [
    ["/runs/crons", one],
    ["/runs/crons", "chat"],
    [`/threads/${threadId}/runs/crons`, two],
    [`/threads/${threadId}/runs/crons`, "chat"],
  ]) {
    const made = await call("POST", path!, { assistant_id: assistant, schedule, input });
    expect(made.status).toBe(200);
  }
  for (const key of ["kept", "deleted"]) {
    const item = { namespace: ["notes", "지민"], key, value: { text: `${key} ${long}` }, ttl: 60 };
    expect((await call("PUT", "/store/items", item)).status).toBe(204);
  }
  return assistants;
}

async function removeEverything({ call }: TestApi, ids: string[], assistants: string[]) {
  const remove = async (path: string, body?: object) =>
    expect([path, (await call("DELETE", path, body)).status < 300]).toEqual([path, true]);
  for (const key of ["kept", "deleted"]) {
    await remove("/store/items", { namespace: ["notes", "지민"], key });
  }
  await remove(`/assistants/${assistants[0]}`);
  await remove(`/assistants/${assistants[1]}?delete_threads=true`);
  for (const id of ids) await remove(`/threads/${id}`);
  const { json: crons } = await call("POST", "/runs/crons/search", {});
  for (const { cron_id: id } of crons) await remove(`/runs/crons/${id}`);
  const { json: threads } = await call("POST", "/threads/search", {});
  expect(threads).toEqual([]);
}

async function deliver({ ports }: TestApi, receiver: Receiver): Promise<void> {
  await using webhooks = new Webhooks(ports, {
    headers: {},
    secret: null,
    present: presentDelivery,
    loopback: () => new Response(null, { status: 404 }),
  });
  await webhooks.ask();
  await receiver.count(3);
}

async function rowsOf(database: OpenDatabase): Promise<Record<string, number>> {
  const tables = (await database.tables()).filter((table) => !(table in mayStay));
  const counted = tables.map(async (table) => [table, await database.count(table)] as const);
  return Object.fromEntries(await Promise.all(counted));
}

function describeLeftovers(kind: Reopenable): void {
  it(`${kind.name} has no row left of what was deleted`, async () => {
    await using database = await kind.create();
    await using receiver = await Receiver.listen();
    const index = { name: "words", dims: 16, fields: ["text"], embedder: wordEmbedder(16) };
    const itemIndex = new StoreIndex(index, defaultLimits);
    await using api = await openApi({ storage: database.storage, itemIndex });
    const before = await rowsOf(database);
    const ids = await runEverything(api, `${receiver.url}/done`);
    await editEverything(api, ids);
    const assistants = await makeTheRest(api, ids[0]!);
    const body = { assistant_id: "chat", input };
    const keyed = { "idempotency-key": "stateless" };
    for (const headers of [undefined, keyed]) {
      expect((await api.call("POST", "/runs/wait", body, headers)).status).toBe(200);
    }
    const inUse = await rowsOf(database);
    const isUnused = (table: string) => inUse[table] === before[table] && !(table in mayBeUnused);
    expect(Object.keys(inUse).filter(isUnused)).toEqual([]);
    await deliver(api, receiver);
    await removeEverything(api, ids, assistants);
    await expect.poll(() => rowsOf(database), { timeout: 10_000 }).toEqual(before);
  }, 60_000);
}

const uri = await postgresUri();
describeLeftovers(sqliteFile);
describe.skipIf(uri === null)(`on a server${skippedBecause(uri)}`, () => {
  describeLeftovers(postgresSchema(uri ?? ""));
});
