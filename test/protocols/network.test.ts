import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunId } from "../../src/core/ids.ts";
import { eventsOf, openApi, readUntil, type TestApi } from "../support/api.ts";
import { engineFixture, waiting } from "../support/engine.ts";

/** What only a real connection shows: silence, slowness and clients that go away. */
let api: TestApi;
let server: Server;
let port: number;
/** The server's latest response by the client's port. */
const responses = new Map<number, ServerResponse>();

beforeAll(async () => {
  api = await openApi({ limits: { heartbeatMs: 20, bodyBytesMax: 10_000 } });
  server = createServer(getRequestListener(api.app.fetch));
  server.on("request", (request, response) => {
    responses.set(request.socket.remotePort!, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await api[Symbol.asyncDispose]();
});

const gated = { assistant_id: "obedient", input: { input: "x" } };

function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  const url = `http://127.0.0.1:${port}${path}`;
  return fetch(url, { method: "POST", body: JSON.stringify(body), signal: signal ?? null });
}

/** Resolves with the status a run has when it ends. */
async function ended(runId: string): Promise<string> {
  const parts = api.ports.events.follow(runId as RunId, "start", AbortSignal.timeout(10_000));
  for await (const part of parts) if ("end" in part) return part.end.status;
  throw new Error("The run did not end.");
}

const runIdOf = (response: Response) =>
  response.headers.get("content-location")!.split("/").at(-1)!;

describe("a stream over the network", () => {
  test("sends its headers at once, and a comment line alone while nothing happens", async () => {
    const thread = await api.thread();
    const response = await post(`/threads/${thread}/runs/stream`, gated);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body!.getReader();
    let text = await readUntil(reader, ": heartbeat\n: heartbeat\n");
    expect(text).not.toContain(": heartbeat\n\n");
    engineFixture().gates.get(`gate:${thread}`)!();
    text += await readUntil(reader, "event: end");
    expect(eventsOf(text)[0]).toMatchObject({ id: "0", event: "metadata" });
    expect((await reader.read()).done || (await reader.read()).done).toBe(true);
  });

  test("a reader that goes away cancels the run only if it said so", async () => {
    for (const [wish, status] of [
      ["cancel", "interrupted"],
      ["continue", "success"],
    ] as const) {
      const thread = await api.thread();
      for (const form of ["stream", "wait"]) {
        const reading = new AbortController();
        const response = await post(
          `/threads/${thread}/runs/${form}`,
          { ...gated, on_disconnect: wish },
          reading.signal,
        );
        const gone = response.text().catch(() => "gone");
        await waiting(`gate:${thread}`);
        reading.abort();
        expect(await gone).toBe("gone");
        await noStreamIsOpen();
        engineFixture().gates.get(`gate:${thread}`)!();
        engineFixture().gates.delete(`gate:${thread}`);
        expect(await ended(runIdOf(response)), `${form} ${wish}`).toBe(status);
      }
    }
  });

  test("so does one that joined with cancel_on_disconnect", async () => {
    const thread = await api.thread();
    const { json: run } = await api.call("POST", `/threads/${thread}/runs`, gated);
    await waiting(`gate:${thread}`);
    for (const [query, status] of [
      ["", "running"],
      ["?cancel_on_disconnect=1", "interrupted"],
    ]) {
      const reading = new AbortController();
      const url = `http://127.0.0.1:${port}/threads/${thread}/runs/${run.run_id}/stream${query}`;
      const response = await fetch(url, { signal: reading.signal });
      await readUntil(response.body!.getReader(), ": heartbeat");
      reading.abort();
      await noStreamIsOpen();
      const read = await api.call("GET", `/threads/${thread}/runs/${run.run_id}`);
      expect(read.json.status).toBe(status);
    }
  });

  test("a slow reader makes nobody wait and gets everything when it reads on", async () => {
    // A run whose thread is gone; its log is what is read.
    const runId = api.ports.ids.run();
    const attempt = { runId, attempt: 1 };
    const data = JSON.stringify("x".repeat(32 * 1024));
    const count = 600;
    for (let at = 0; at < count; at += 1)
      api.ports.events.append(attempt, [{ name: "custom", data }]);
    api.ports.events.end(runId, { status: "success", error: null, values: null });
    const socket = await connected();
    socket.pause();
    socket.write(`GET /runs/${runId}/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: -1\r\n\r\n`);
    const held = await heldBack(socket);
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(8 * 1024 * 1024);
    expect((await api.call("GET", "/ok")).status).toBe(200);
    const chunks: string[] = [];
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const seam = (chunks.at(-1) ?? "").slice(-20);
      chunks.push(chunk);
      if ((seam + chunk).includes("event: end")) socket.destroy();
    });
    socket.resume();
    await once(socket, "close");
    const text = chunks.join("");
    expect(text.match(/^event: custom/gm)).toHaveLength(count);
    expect(text).not.toContain("heartbeat");
  });

  test.for(["stream", "wait"])(
    "a %s that the server breaks off does not look whole",
    async (form) => {
      await using stopping = await openApi();
      const other = createServer(getRequestListener(stopping.app.fetch));
      other.listen(0, "127.0.0.1");
      await once(other, "listening");
      const thread = await stopping.thread();
      const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      const response = await fetch(`${address}/threads/${thread}/runs/${form}`, {
        method: "POST",
        body: JSON.stringify(gated),
      });
      await waiting(`gate:${thread}`);
      await stopping.ports.events[Symbol.asyncDispose]();
      await expect(response.text()).rejects.toThrow("terminated");
      other.close();
      other.closeAllConnections();
    },
  );
});

test("HEAD has the headers of a stream and leaves the run alone", async () => {
  const { json: run } = await api.call("POST", "/runs", { ...gated, after_seconds: 3600 });
  const response = await fetch(
    `http://127.0.0.1:${port}/runs/${run.run_id}/stream?cancel_on_disconnect=1`,
    { method: "HEAD" },
  );
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect((await api.ports.storage.runs.get(run.run_id))?.status).toBe("pending");
});

describe("a body over the network", () => {
  test.for([
    ["announced", () => "x".repeat(20_000)],
    ["in chunks", () => streamed("x".repeat(20_000))],
  ] as const)("that is too large, %s, is refused with 413", async ([, body]) => {
    const response = await fetch(`http://127.0.0.1:${port}/threads`, {
      method: "POST",
      body: body(),
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(((await response.json()) as { detail: string }).detail).toContain("10000 bytes");
  });

  test("in chunks is read like any other", async () => {
    const response = await fetch(`http://127.0.0.1:${port}/threads`, {
      method: "POST",
      body: streamed('{"metadata":{"name":"\u{1f600}"}}'),
      duplex: "half",
    } as RequestInit);
    expect(await response.json()).toMatchObject({ metadata: { name: "\u{1f600}" } });
  });

  test("that a client gives up on harms nothing", async () => {
    const before = (await api.call("POST", "/threads/count")).text;
    for (const head of [
      "Content-Length: 100\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n64\r\n",
    ]) {
      const socket = await connected();
      const seen = once(server, "request");
      socket.write(`POST /threads HTTP/1.1\r\nHost: x\r\n${head}{"metadata":`);
      const [, response] = await seen;
      socket.destroy();
      await once(response, "close");
    }
    expect((await api.call("POST", "/threads/count")).text).toBe(before);
    expect((await fetch(`http://127.0.0.1:${port}/ok`)).status).toBe(200);
    expect(api.errors).toEqual([]);
  });
});

/** Sent in pieces that split characters. */
function streamed(text: string): ReadableStream {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const size = text.length > 1000 ? 5000 : 3;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

async function connected(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Resolves once the server has noticed that all its readers have gone. */
async function noStreamIsOpen(): Promise<void> {
  for (;;) {
    const { text } = await api.call("GET", "/metrics");
    if (!/^adjutant_streams_open\{.*\} [1-9]/m.test(text)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The bytes that the server's end of a connection holds, once it has stopped writing. */
async function heldBack(socket: Socket): Promise<number> {
  for (;;) {
    const response = responses.get(socket.localPort!);
    if (response?.writableNeedDrain) return response.writableLength;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
