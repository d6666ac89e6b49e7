import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { AuthRefusal, type Auth } from "../../src/core/ports/auth.ts";
import { Cors, defaultCors } from "../../src/protocols/cors.ts";
import { defaultHttpOptions } from "../../src/protocols/http-options.ts";
import { createLanggraphApp } from "../../src/protocols/langgraph/app.ts";
import type { Bindings } from "../../src/protocols/server.ts";
import { WebSockets } from "../../src/protocols/upgrade.ts";
import { openApi } from "../support/api.ts";
import { ownedByUser, TestAuth } from "../support/auth.ts";

let resources = new AsyncDisposableStack();
afterEach(async () => {
  await resources.disposeAsync();
  resources = new AsyncDisposableStack();
});

/** A server that listens, as the command line wires it. */
async function listen(
  params: { auth?: Auth; origins?: string[]; heartbeatMs?: number } = {},
): Promise<string> {
  const { auth, origins = ["*"], heartbeatMs = 5000 } = params;
  const api = resources.use(
    await openApi({ limits: { heartbeatMs }, ports: auth ? { auth } : {} }),
  );
  const cors = new Cors({ ...defaultCors, allowOrigins: origins });
  const app = createLanggraphApp(
    api.ports,
    { version: "1" },
    { http: { ...defaultHttpOptions, cors } },
  );
  const fetch = (request: Request, bindings?: Bindings) => app.fetch(request, bindings);
  const server: Server = createServer(
    getRequestListener((request, bindings) => fetch(request, bindings as Bindings)),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  resources.defer(() => void server.close());
  resources.use(new WebSockets(server, { fetch, limits: api.ports.limits, log: api.ports.log }));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(url: string, headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(url, { headers });
  resources.defer(() => socket.terminate());
  return socket;
}

const path = `/threads/${crypto.randomUUID()}/stream/events`;

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return [code, reason.toString()];
}

/** Sends a text and returns the next message. */
async function ask(socket: WebSocket, text: string) {
  if (socket.readyState === WebSocket.CONNECTING) await once(socket, "open");
  socket.send(text);
  const [data] = (await once(socket, "message")) as [Buffer];
  return JSON.parse(data.toString()) as { [key: string]: unknown };
}

describe("a WebSocket", () => {
  test.each<[string, object]>([
    ["{", { id: null, error: "invalid_argument" }],
    ["[]", { id: null, error: "invalid_argument" }],
    ['{"id":-1,"method":"state.get"}', { id: null, error: "invalid_argument" }],
    ['{"id":3,"method":"run.stop"}', { id: 3, error: "unknown_command" }],
    ['{"id":4,"method":"subscription.stop"}', { id: 4, error: "unknown_command" }],
    ['{"id":5,"method":"subscription.subscribe"}', { id: 5, error: "invalid_argument" }],
    [
      '{"id":6,"method":"subscription.subscribe","params":{"channels":[]}}',
      { id: 6, error: "invalid_argument" },
    ],
    [
      '{"id":7,"method":"subscription.unsubscribe","params":{"subscription_id":"x"}}',
      { id: 7, error: "no_such_subscription" },
    ],
    [
      '{"id":8,"method":"subscription.reconnect","params":{"run_id":"x"}}',
      { id: 8, error: "no_such_run" },
    ],
    ['{"id":9,"method":"state.get","params":{"namespace":[]}}', { id: 9, error: "no_such_run" }],
  ])("answers %s", async (text, expected) => {
    const socket = connect((await listen()) + path);
    const answered = await ask(socket, text);
    expect(answered).toMatchObject({ type: "error", ...expected });
    expect(answered["message"]).toMatch(/\w+ \w+/);
    // And goes on.
    const again = await ask(socket, '{"id":10,"method":"run.stop"}');
    expect(again).toMatchObject({ id: 10 });
  });

  test("is closed with what a request would have been answered", async () => {
    const url = await listen();
    expect(await closing(connect(`${url}/threads/mine/stream/events`))).toEqual([
      4422,
      expect.stringContaining("thread_id"),
    ]);
    expect(await closing(connect(`${url}/threads`))).toEqual([4405, expect.any(String)]);
    expect(await closing(connect(`${url}/nowhere`))).toEqual([4404, expect.any(String)]);
  });

  test("passes the gate when it is opened and with every command", async () => {
    const auth = new TestAuth();
    const url = await listen({ auth });
    expect((await closing(connect(url + path)))[0]).toBe(4401);
    auth.decide = () => ({ kind: "deny" });
    expect((await closing(connect(url + path, { "x-user": "bob" })))[0]).toBe(4403);
    auth.decide = ({ action }) => ({ kind: action === "threads:read" ? "allow" : "deny" });
    const socket = connect(url + path, { "x-user": "bob" });
    const start = '{"id":1,"method":"run.start","params":{"assistant_id":"steps","input":{}}}';
    expect(await ask(socket, start)).toMatchObject({ id: 1, error: "permission_denied" });
    expect(auth.asked.at(-1)).toMatchObject({ action: "threads:create_run" });
  });

  test("is closed where the thread is another's, and waits where there is none yet", async () => {
    const auth = new TestAuth();
    auth.decide = ownedByUser;
    const url = await listen({ auth });
    const made = await fetch(`${url.replace("ws:", "http:")}/threads`, {
      method: "POST",
      headers: { "x-user": "ada" },
      body: "{}",
    });
    const { thread_id: threadId } = (await made.json()) as { thread_id: string };
    const own = `${url}/threads/${threadId}/stream/events`;
    expect((await closing(connect(own, { "x-user": "bob" })))[0]).toBe(4404);
    for (const open of [
      connect(own, { "x-user": "ada" }),
      connect(url + path, { "x-user": "bob" }),
    ]) {
      expect(await ask(open, '{"id":1,"method":"run.stop"}')).toMatchObject({ id: 1 });
    }
  });

  test("takes the status that the user's own auth refuses with", async () => {
    const auth = new TestAuth();
    auth.authenticate = () => Promise.reject(new AuthRefusal(418, "Only teapots."));
    const url = await listen({ auth });
    expect(await closing(connect(url + path))).toEqual([4418, "Only teapots."]);
  });

  test("is for pages that may call, since it carries their cookies", async () => {
    const url = await listen({ origins: ["https://good.example"] });
    const evil = connect(url + path, { origin: "https://evil.example" });
    expect((await closing(evil))[0]).toBe(4403);
    const good = connect(url + path, { origin: "https://good.example" });
    expect(await ask(good, '{"id":1,"method":"run.stop"}')).toMatchObject({ id: 1 });
  });

  test("is kept alive by pings, and ended when nobody answers them", async () => {
    const url = await listen({ heartbeatMs: 10 });
    const socket = connect(url + path);
    await once(socket, "ping");
    await once(socket, "ping");
    const deaf = new WebSocket(url + path, { autoPong: false });
    resources.defer(() => deaf.terminate());
    expect((await closing(deaf))[0]).toBe(1006);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  test("is told to come back when the server stops", async () => {
    // Not one of the resources: it is not to go away by itself.
    const socket = new WebSocket((await listen()) + path);
    await once(socket, "open");
    const closed = closing(socket);
    await resources.disposeAsync();
    resources = new AsyncDisposableStack();
    expect((await closed)[0]).toBe(1012);
  });
});
