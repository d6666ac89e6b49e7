import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as CurrentClient } from "@langchain/langgraph-sdk";
import { Client as SecondClient } from "langgraph-sdk-2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgresUri } from "../support/postgres.ts";
import { ServerProcess } from "../support/server-process.ts";

const root = join(import.meta.dirname, "..", "..");

/** A project with the example of docs/auth.md, as it stands there. */
class Project implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "adjutant-auth-"));
  readonly config = join(this.directory, "langgraph.json");

  constructor(manifest: object) {
    symlinkSync(join(root, "node_modules"), join(this.directory, "node_modules"));
    const page = readFileSync(join(root, "docs", "auth.md"), "utf8");
    const example = /^```ts\n(.*?)^```$/ms.exec(page)![1]!;
    this.write("package.json", '{ "private": true, "type": "module" }');
    this.write("auth.ts", example);
    this.write(
      "app.ts",
      `import { Hono } from "hono";
export const app = new Hono();
app.use("*", async (context, next) => { await next(); context.res.headers.set("x-wrapped", "yes"); });
app.get("/whoami", (context) => context.json(context.get("auth").user));
`,
    );
    this.write("langgraph.json", JSON.stringify(manifest));
  }

  write(name: string, content: string): void {
    writeFileSync(join(this.directory, name), content);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const graphs = { context: join(root, "test/fixtures/engine/graphs.ts:context") };
const sdks = [
  { sdk: "1.x", Client: CurrentClient },
  { sdk: "2.0.0", Client: SecondClient as unknown as typeof CurrentClient },
] as const;
const refused = (status: number) => expect.objectContaining({ status });

describe.for(sdks)("the example of docs/auth.md, with the JavaScript client $sdk", ({ Client }) => {
  const project = new Project({
    graphs,
    auth: { path: "./auth.ts:auth" },
    http: { app: "./app.ts:app", enable_custom_route_auth: true, mount_prefix: "/api" },
  });
  let server: ServerProcess;
  let url: string;
  beforeAll(async () => {
    server = await ServerProcess.start({
      config: project.config,
      flags: ["--host", "0.0.0.0"],
    });
    ({ url } = server);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    project[Symbol.dispose]();
  });

  const of = (user: string) =>
    new Client({ apiUrl: url, defaultHeaders: { authorization: `Bearer token-of-${user}` } });

  it("refuses who is nobody, with the handler's own words", async () => {
    const nobody = new Client({ apiUrl: url });
    await expect(nobody.threads.create()).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining("Send a token of yours."),
    });
    await expect(
      new Client({
        apiUrl: url,
        defaultHeaders: { "x-auth-scheme": "langsmith" },
      }).threads.search(),
    ).rejects.toEqual(refused(401));
    expect((await fetch(`${url}/ok`)).status).toBe(200);
  });

  it("keeps threads, runs and streams apart", async () => {
    const [ada, bob] = [of("ada"), of("bob")];
    const thread = await ada.threads.create();
    expect(thread.metadata).toMatchObject({ owner: "ada" });
    const input = { input: "x" };
    const events: string[] = [];
    for await (const { event } of ada.runs.stream(thread.thread_id, "context", { input })) {
      events.push(event);
    }
    expect(events).toContain("values");
    const [run] = await ada.runs.list(thread.thread_id);
    await expect(bob.threads.get(thread.thread_id)).rejects.toEqual(refused(404));
    await expect(bob.threads.getState(thread.thread_id)).rejects.toEqual(refused(404));
    await expect(bob.runs.join(thread.thread_id, run!.run_id)).rejects.toEqual(refused(404));
    await expect(bob.runs.wait(thread.thread_id, "context", { input })).rejects.toEqual(
      refused(404),
    );
    expect(await bob.threads.search()).toEqual([]);
    expect(await ada.threads.count()).toBe(1);
    expect(await bob.threads.count()).toBe(0);
  });

  it("gives a stateless run its result, and a client that joins under the prefix its events", async () => {
    const ada = of("ada");
    const result = await ada.runs.wait(null, "context", { input: { input: "x" } });
    expect(result).toHaveProperty("log");
    const thread = await ada.threads.create();
    const run = await ada.runs.create(thread.thread_id, "context", {
      input: { input: "x" },
      streamResumable: true,
    });
    const events: string[] = [];
    const joined = ada.runs.joinStream(thread.thread_id, run.run_id, { lastEventId: "-1" });
    for await (const { event } of joined) events.push(event);
    expect(events).toContain("metadata");
    expect(events).toContain("values");
  });

  it("gives each user a namespace of the store", async () => {
    const [ada, bob] = [of("ada"), of("bob")];
    await ada.store.putItem(["notes"], "k", { a: 1 });
    expect(await ada.store.getItem(["notes"], "k")).toMatchObject({ value: { a: 1 } });
    expect(await bob.store.getItem(["notes"], "k")).toBeNull();
    expect((await bob.store.searchItems([])).items).toEqual([]);
  });

  it("asks the more specific handler first", async () => {
    const [ada, bob] = [of("ada"), of("bob")];
    const made = await bob.assistants.create({ graphId: "context" });
    await expect(ada.assistants.get(made.assistant_id)).rejects.toEqual(refused(404));
    await expect(bob.assistants.delete(made.assistant_id)).rejects.toEqual(refused(403));
    await ada.assistants.delete(made.assistant_id);
  });

  it("puts the user before routes of the project's own, and its middleware around the API", async () => {
    const headers = { authorization: "Bearer token-of-bob" };
    expect((await fetch(`${url}/whoami`)).status).toBe(401);
    const answered = await fetch(`${url}/whoami`, { headers });
    expect(await answered.json()).toMatchObject({ identity: "bob", is_authenticated: true });
    const search = await fetch(`${url}/threads/search`, { method: "POST", body: "{}", headers });
    expect(search.headers.get("x-wrapped")).toBe("yes");
  });

  it("logs no token", () => {
    expect(server.output).not.toContain("token-of");
  });
});

describe("API keys", () => {
  const key = "k".repeat(32);
  const environment = { ADJUTANT_API_KEYS: `ops:${key}` };

  it("open the server to the clients' apiKey, and it may listen anywhere", async () => {
    using project = new Project({ graphs });
    await using server = await ServerProcess.start({
      config: project.config,
      environment,
      flags: ["--host", "0.0.0.0"],
    });
    const { url } = server;
    for (const { Client } of sdks) {
      const client = new Client({ apiUrl: url, apiKey: key });
      const result = await client.runs.wait(null, "context", { input: { input: "x" } });
      expect(result).toHaveProperty("log");
      const wrong = new Client({ apiUrl: url, apiKey: `${key}x` });
      await expect(wrong.threads.search()).rejects.toEqual(refused(401));
    }
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    const bearer = { authorization: `Bearer ${key}` };
    expect((await fetch(`${url}/metrics`, { headers: bearer })).status).toBe(200);
    expect(server.output).not.toContain(key);
  });

  it.for<[string, object, Record<string, string>, string]>([
    ["short keys", {}, { ADJUTANT_API_KEYS: "short" }, "has fewer than 16 characters"],
    [
      "two who say who asks",
      { auth: { path: "./auth.ts:auth" } },
      environment,
      "Leave one of them out",
    ],
    [
      "an Auth object that is none",
      { auth: { path: "./app.ts:app" } },
      {},
      "must name an Auth object",
    ],
    [
      "a missing file",
      { auth: { path: "./no.ts:auth" } },
      {},
      'no.ts: does not exist; "auth.path"',
    ],
    ["an app that is none", { http: { app: "./auth.ts:auth" } }, {}, "must name a Hono app"],
  ])("the server does not start with %s", async ([, manifest, more, sentence]) => {
    using project = new Project({ graphs, ...manifest });
    const ending = await ServerProcess.startInVain({ config: project.config, environment: more });
    expect(ending.output).toContain(sentence);
    expect(ending.code).toBe(1);
  });
});

const postgres = await postgresUri();
it.skipIf(postgres === null)("filters hold on Postgres as well", async () => {
  using project = new Project({ graphs, auth: { path: "./auth.ts:auth" } });
  await using server = await ServerProcess.start({
    config: project.config,
    postgres,
  });
  const of = (user: string) =>
    new CurrentClient({
      apiUrl: server.url,
      defaultHeaders: { authorization: `Bearer token-of-${user}` },
    });
  const thread = await of("ada").threads.create();
  await of("ada").runs.wait(thread.thread_id, "context", { input: { input: "x" } });
  expect(await of("ada").threads.count()).toBe(1);
  expect(await of("bob").threads.count()).toBe(0);
  expect(await of("bob").threads.search()).toEqual([]);
  await expect(of("bob").threads.getState(thread.thread_id)).rejects.toEqual(refused(404));
});
