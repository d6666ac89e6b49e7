import { once } from "node:events";
import { request } from "node:http";
import { createServer, connect, type AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Gates } from "../support/gates.ts";
import { ServerProcess } from "../support/server-process.ts";
import { logOf, newThread } from "./methods/scenarios.ts";
import { fixtureConfig, Project } from "./project.ts";

const bodyBytesMax = 10_000;
const json = { "content-type": "application/json" };

describe("what a connection can do wrong", () => {
  let server: ServerProcess;
  let client: Client;
  beforeAll(async () => {
    server = await ServerProcess.start({
      config: fixtureConfig,
      environment: { ADJUTANT_BODY_BYTES_MAX: String(bodyBytesMax) },
    });
    client = new Client({ apiUrl: server.url, apiKey: null });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  it("a body that stops half way makes nothing", async () => {
    const before = await client.threads.count();
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify({ metadata: { half: true } });
    const head = `POST /threads HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${body.length + 100}\r\n\r\n${body}`);
    await once(socket, "connect");
    socket.end();
    // What comes back is an answer or nothing at all, but the connection ends.
    socket.resume();
    await once(socket, "close");
    expect(await client.threads.count()).toBe(before);
    expect(await (await fetch(`${server.url}/ok`)).json()).toEqual({ ok: true });
  });

  it("a chunked body that breaks off makes nothing", async () => {
    const before = await client.threads.count();
    const sending = request(`${server.url}/threads`, { method: "POST", headers: json });
    const failed = once(sending, "error");
    sending.write('{"metadata": {"half":');
    await once(sending, "socket").then(([socket]) =>
      once(socket as NodeJS.EventEmitter, "connect"),
    );
    sending.destroy(new Error("cut"));
    await failed;
    expect(await client.threads.count()).toBe(before);
  });

  const large = JSON.stringify({ metadata: { text: "x".repeat(bodyBytesMax) } });
  const bodies: [string, RequestInit][] = [
    ["announced", { body: large }],
    ["in chunks", { body: new Blob([large]).stream(), duplex: "half" } as RequestInit],
  ];
  it.each(bodies)("a body over the limit, %s, is 413 and names the limit", async (_how, init) => {
    const before = await client.threads.count();
    const answer = await fetch(`${server.url}/threads`, { method: "POST", headers: json, ...init });
    expect(answer.status).toBe(413);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toContain(String(bodyBytesMax));
    expect(await client.threads.count()).toBe(before);
  });

  const requests: [string, string, string | undefined, number, RegExp][] = [
    ["POST", "/threads", "{broken", 400, /JSON/],
    ["POST", "/threads", "[]", 422, /object/],
    ["POST", "/threads", '{"thread_id": "mine"}', 422, /thread_id/],
    ["POST", "/threads/search", '{"limit": "many"}', 422, /limit/],
    ["POST", "/runs/wait", "{}", 422, /assistant_id/],
    ["POST", "/runs/wait", '{"assistant_id": "nobody"}', 404, /nobody/],
    ["POST", "/runs/wait", '{"assistant_id": "steps", "stream_mode": "tv"}', 422, /stream_mode/],
    ["POST", "/assistants", '{"graph_id": 7}', 422, /graph_id/],
    ["GET", "/threads/mine", undefined, 422, /thread_id/],
    ["GET", "/nowhere", undefined, 404, /nowhere/],
    ["PUT", "/threads", undefined, 405, /POST/],
  ];
  it.each(requests)("%s %s %s is %i, with a sentence", async (method, path, body, status, says) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: json,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(status);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toMatch(says);
    expect(detail).not.toMatch(/\n\s+at /);
  });

  const disconnects = [
    { onDisconnect: "cancel", ends: "interrupted" },
    { onDisconnect: "continue", ends: "success" },
  ] as const;
  it.each(disconnects)(
    "a client that goes away in mid-stream: on_disconnect $onDisconnect, the run ends $ends",
    async ({ onDisconnect, ends }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const reader = new AbortController();
      const stream = client.runs.stream(threadId, "gated", {
        input: { gates: gates.url },
        streamMode: "updates",
        onDisconnect,
        signal: reader.signal,
      });
      const reading = (async () => {
        for await (const part of stream) if (part.event === "updates") return;
      })();
      (await gates.arrival("one")).release();
      const two = await gates.arrival("two");
      await reading;
      reader.abort();
      const [run] = await client.runs.list(threadId);
      if (onDisconnect === "cancel") await two.gone;
      gates.openAll();
      two.release();
      await client.runs.join(threadId, run!.run_id);
      expect(await client.runs.get(threadId, run!.run_id)).toMatchObject({ status: ends });
      expect(logOf(await client.runs.wait(threadId, "steps", { input: {} })).slice(-3)).toEqual([
        "one",
        "two",
        "three",
      ]);
    },
  );
});

describe("what a start can find wrong", () => {
  it("a port that is taken: says which and how to name another, and ends with 1", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const port = String((taken.address() as AddressInfo).port);
    const flags = ["--port", port];
    const { code, output } = await ServerProcess.startInVain({ config: fixtureConfig, flags });
    taken.close();
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^adjutant: Port ${port} is taken .*--port.*\n$`));
  });

  it("a data directory that another server uses: says so, and ends with 1", async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), "adjutant-shared-"));
    await using first = await ServerProcess.start({ config: fixtureConfig, dataDirectory });
    const second = await ServerProcess.startInVain({ config: fixtureConfig, dataDirectory });
    expect(second.code).toBe(1);
    expect(second.output).toMatch(/^adjutant: Another server uses .*--data-dir.*\n$/);
    expect(second.output).toContain(dataDirectory);
    expect((await fetch(`${first.url}/ok`)).status).toBe(200);
    await first.kill();
    rmSync(dataDirectory, { recursive: true });
  });

  it("no langgraph.json: names the file, and ends with 1", async () => {
    const config = join(tmpdir(), crypto.randomUUID(), "langgraph.json");
    const { code, output } = await ServerProcess.startInVain({ config });
    expect(code).toBe(1);
    expect(output).toMatch(/^adjutant: .*\n$/);
    expect(output).toContain(config);
  });

  it("an address that others reach, without authentication: refuses, and ends with 1", async () => {
    const flags = ["--host", "0.0.0.0"];
    const { code, output } = await ServerProcess.startInVain({ config: fixtureConfig, flags });
    expect(code).toBe(1);
    expect(output).toMatch(/^adjutant: .*0\.0\.0\.0.*--allow-anonymous.*\n$/);
  });

  it("broken and missing graph files: are told with their place, and the others serve", async () => {
    const steps = join(fixtureConfig, "..", "graphs.ts:steps");
    using project = new Project(
      {
        steps,
        unreadable: "./unreadable.ts:graph",
        throwing: "./throwing.ts:graph",
        exportless: "./throwing.ts:grpah",
        missing: "./missing.ts:graph",
      },
      {
        "unreadable.ts": "export const one = 1;\nexport const graph = (;\n",
        "throwing.ts": "export const graph = 1;\nthrow new Error('no luck');\n",
      },
    );
    await using server = await ServerProcess.start({ config: project.config });
    expect(server.output).toMatch(/unreadable.*broken:.*unreadable\.ts:2/);
    expect(server.output).toMatch(/throwing.*broken:.*no luck/);
    expect(server.output).toMatch(/missing.*broken:.*missing\.ts/);
    const client = new Client({ apiUrl: server.url, apiKey: null });
    expect(logOf(await client.runs.wait(null, "steps", { input: {} }))).toHaveLength(3);
    const failing = client.runs.wait(null, "unreadable", { input: {} });
    await expect(failing).rejects.toThrow(/unreadable\.ts:2/);
  });
});
