import { STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/ports/ports.ts";
import type { Bindings, Upgrade } from "./server.ts";
import type { Socket } from "./socket.ts";

type Fetch = (request: Request, bindings: Bindings) => Response | Promise<Response>;

interface Upgrades {
  fetch: Fetch;
  limits: Pick<Limits, "bodyBytesMax" | "heartbeatMs">;
  log: Log;
}

/** More than this waiting to be taken, and the reader has to catch up first; in bytes. */
const bufferedBytesMax = 64 * 1024;
const reasonBytesMax = 123;
/** The code that says "come back": the server stops. */
const restartCode = 1012;

/**
 * WebSockets. A request for one takes the same way as any other: through the app, its middleware and its
 * gate. Where that refuses, the socket is opened all the same and closed with 4000 + the status, because
 * a page is told nothing of a handshake that failed (LangGraph API specification 6.2). Pages may connect
 * from where `http.cors` lets them call: a socket carries cookies wherever it is opened.
 */
export class WebSockets implements AsyncDisposable {
  readonly #params: Upgrades;
  readonly #accepting: WebSocketServer;
  readonly #onUpgrade: (request: IncomingMessage, stream: Duplex, head: Buffer) => void;
  readonly #server: Server;

  constructor(server: Server, params: Upgrades) {
    this.#server = server;
    this.#params = params;
    this.#accepting = new WebSocketServer({
      noServer: true,
      maxPayload: params.limits.bodyBytesMax,
    });
    this.#onUpgrade = (request, stream, head) => {
      stream.on("error", () => stream.destroy());
      this.#upgrade(request, stream, head).catch((thrown: unknown) => {
        params.log.error({ path: request.url, error: thrown }, "a WebSocket could not be opened");
        stream.end(`HTTP/1.1 500 ${STATUS_CODES[500]}\r\nconnection: close\r\n\r\n`);
      });
    };
    server.on("upgrade", this.#onUpgrade);
  }

  async #upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const request = toRequest(incoming);
    const upgrade: Upgrade = { accepted: undefined };
    const response = await this.#params.fetch(request, { incoming, upgrade });
    const { accepted } = upgrade;
    const refusal = accepted ? refusalOf(request, response) : await refusedWith(response);
    this.#accepting.handleUpgrade(incoming, stream, head, (webSocket) => {
      if (refusal || !accepted) {
        webSocket.close(4000 + (refusal?.status ?? 500), refusal?.reason);
        return;
      }
      const socket = new OpenSocket(webSocket, request, this.#params);
      accepted(socket)
        .catch((thrown: unknown) => {
          this.#params.log.error(
            { path: incoming.url, error: thrown },
            "a WebSocket was broken off",
          );
        })
        .finally(() => socket.close());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.off("upgrade", this.#onUpgrade);
    for (const webSocket of this.#accepting.clients) webSocket.close(restartCode);
    this.#accepting.close();
  }
}

/** A page from elsewhere: the answer to it would carry no leave to be read. */
function refusalOf(request: Request, response: Response) {
  if (!request.headers.has("origin") || response.headers.has("access-control-allow-origin")) {
    return null;
  }
  return {
    status: 403,
    reason: "Pages from there may not connect: see http.cors of langgraph.json.",
  };
}

async function refusedWith(response: Response): Promise<{ status: number; reason: string }> {
  const body = (await response.json().catch(() => null)) as { message?: unknown } | null;
  const reason = typeof body?.message === "string" ? body.message : "";
  const status = response.status >= 400 ? response.status : 404;
  return { status, reason: fitting(reason) };
}

/** As much as a close frame holds, in whole characters. */
function fitting(reason: string): string {
  const bytes = new TextEncoder().encode(reason).subarray(0, reasonBytesMax);
  return new TextDecoder().decode(bytes, { stream: true });
}

function toRequest(incoming: IncomingMessage, init: RequestInit = {}): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers.set(name, String(value));
  }
  return new Request(`http://${incoming.headers.host ?? "localhost"}${incoming.url}`, {
    ...init,
    headers,
  });
}

class OpenSocket implements Socket {
  readonly #webSocket: WebSocket;
  readonly #opening: Request;
  readonly #fetch: Fetch;
  readonly #gone = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #received: string[] = [];
  #wake: (() => void) | null = null;
  #drained: PromiseWithResolvers<void> | null = null;
  /** Pings without an answer. */
  #unanswered = 0;

  constructor(webSocket: WebSocket, opening: Request, { fetch, limits }: Upgrades) {
    this.#webSocket = webSocket;
    this.#opening = opening;
    this.#fetch = fetch;
    webSocket.on("message", (data) => {
      this.#received.push(String(data));
      this.#wake?.();
    });
    webSocket.on("pong", () => void (this.#unanswered = 0));
    // Followed by `close`.
    webSocket.on("error", () => {});
    webSocket.on("close", () => this.#closed());
    this.#heartbeat = setInterval(() => this.#ping(), limits.heartbeatMs);
    this.#heartbeat.unref();
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async *messages(): AsyncGenerator<string> {
    for (;;) {
      const text = this.#received.shift();
      if (text !== undefined) yield text;
      else if (this.#gone.signal.aborted) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  send(text: string): Promise<void> | null {
    if (this.#gone.signal.aborted) return null;
    this.#webSocket.send(text, () => {
      if (this.#webSocket.bufferedAmount < bufferedBytesMax) this.#resume();
    });
    if (this.#webSocket.bufferedAmount < bufferedBytesMax) return null;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  async request(method: string, path: string, body: string): Promise<Response> {
    const headers = new Headers(this.#opening.headers);
    for (const name of hopHeaders) headers.delete(name);
    headers.set("content-type", "application/json");
    const opened = new URL(this.#opening.url);
    const url = new URL(path, opened);
    // Pages say who they are in the query, since they cannot set headers.
    url.search = opened.search;
    return this.#fetch(new Request(url, { method, headers, body }), {});
  }

  close(): void {
    this.#webSocket.close();
  }

  /** A connection that answers none of three is dead, whatever the network says. */
  #ping(): void {
    this.#unanswered += 1;
    if (this.#unanswered > 3) this.#webSocket.terminate();
    else this.#webSocket.ping();
  }

  #closed(): void {
    clearInterval(this.#heartbeat);
    this.#gone.abort();
    this.#wake?.();
    this.#resume();
  }

  #resume(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}

/** What belongs to the handshake and not to the requests after it. */
const hopHeaders = [
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "content-length",
];
