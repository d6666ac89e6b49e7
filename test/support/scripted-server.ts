import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** What a scripted model says to one request. Fields combine: text, then tool calls, then later text, then the end. */
export interface Reply {
  /** A list is streamed piece by piece, one text word by word. */
  text?: string | string[];
  toolCalls?: { name: string; arguments: Record<string, unknown>; id?: string }[];
  /** After the tool calls. */
  laterText?: string | string[];
  usage?: { input: number; output: number };
  /** Answer with this status and the wire's error body. */
  error?: { status: number; message: string; code?: string; headers?: Record<string, string> };
  /** Stops until the hold is released or the client goes: before the first byte, or after `holdAfter` pieces. */
  hold?: Hold;
  holdAfter?: number;
  /** Breaks the connection after this many pieces; without streaming, before the first byte. */
  cutAfter?: number;
}

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The parsed JSON body; undefined when there is none. */
  body: unknown;
  /** Settles when the client has everything, or has gone: then the value is "gone". */
  ended: Promise<"complete" | "gone">;
}

/** A place where a reply waits: a test awaits `reached`, looks around, and calls `release`. */
export class Hold {
  readonly #reached = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  release(): void {
    this.#released.resolve();
  }

  /** For the server. */
  async wait(): Promise<void> {
    this.#reached.resolve();
    await this.#released.promise;
  }
}

export type Script = Reply[] | ((request: RecordedRequest) => Reply | Promise<Reply>);

/**
 * An HTTP server on a free port of 127.0.0.1 that records what it is asked and replies by a script:
 * a list whose replies are used up in order, or a function of the request. The subclass knows the wire.
 */
export abstract class ScriptedServer implements AsyncDisposable {
  readonly requests: RecordedRequest[] = [];
  readonly #queue: Reply[] = [];
  readonly #reply: ((request: RecordedRequest) => Reply | Promise<Reply>) | undefined;
  readonly #server: Server;
  readonly #waiting: { count: number; resolve(request: RecordedRequest): void }[] = [];

  constructor(script: Script) {
    if (Array.isArray(script)) this.#queue.push(...script);
    else this.#reply = script;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  protected abstract respond(request: RecordedRequest, answer: ReplyWriter): Promise<void>;

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  /** `http://127.0.0.1:<port>`, without a path. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  enqueue(...replies: Reply[]): void {
    this.#queue.push(...replies);
  }

  /** The n-th request since the start, counted from 1, as soon as it is there. */
  request(count: number): Promise<RecordedRequest> {
    const known = this.requests[count - 1];
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** The next reply of the script. */
  protected async next(request: RecordedRequest): Promise<Reply> {
    const reply = this.#reply ? await this.#reply(request) : this.#queue.shift();
    // 400, because clients repeat a request after a 500.
    return reply ?? { error: { status: 400, message: "The script has no reply left." } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const text = Buffer.concat(parts).toString("utf8");
    const ended = new Promise<"complete" | "gone">((resolve) =>
      response.once("close", () => resolve(response.writableFinished ? "complete" : "gone")),
    );
    const request: RecordedRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: text === "" ? undefined : JSON.parse(text),
      ended,
    };
    this.requests.push(request);
    for (const one of this.#waiting) {
      if (one.count === this.requests.length) one.resolve(request);
    }
    await this.respond(request, new ReplyWriter(response, ended));
  }
}

/** Writes one reply, with its holds and cuts. */
export class ReplyWriter {
  readonly #response: ServerResponse;
  readonly #ended: Promise<unknown>;

  constructor(response: ServerResponse, ended: Promise<unknown>) {
    this.#response = response;
    this.#ended = ended;
  }

  json(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.#response.writeHead(status, { "content-type": "application/json", ...headers });
    this.#response.end(JSON.stringify(body));
  }

  /** One JSON body, after the reply's hold. */
  async whole(reply: Reply, body: unknown): Promise<void> {
    await this.#held(reply.hold);
    if (reply.cutAfter !== undefined) this.#response.destroy();
    else this.json(200, body);
  }

  /**
   * Server-sent events: `before`, then `pieces` (what holds and cuts count), then `after`. Each is the
   * text of one event without the empty line that ends it.
   */
  async events(
    reply: Reply,
    events: { before: string[]; pieces: string[]; after: string[] },
  ): Promise<void> {
    const holdAfter = reply.holdAfter ?? 0;
    if (holdAfter === 0) await this.#held(reply.hold);
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of events.before) await this.#event(event);
    for (const [index, event] of events.pieces.entries()) {
      if (reply.cutAfter === index) return void this.#response.destroy();
      await this.#event(event);
      if (holdAfter === index + 1) await this.#held(reply.hold);
    }
    if (reply.cutAfter !== undefined) return void this.#response.destroy();
    for (const event of events.after) await this.#event(event);
    this.#response.end();
  }

  /** One write an event, each flushed before the next, so that clients see them apart. */
  async #event(text: string): Promise<void> {
    if (this.#response.closed) return;
    await new Promise<void>((resolve) => this.#response.write(`${text}\n\n`, () => resolve()));
  }

  async #held(hold: Hold | undefined): Promise<void> {
    if (hold) await Promise.race([hold.wait(), this.#ended]);
  }
}

/** The pieces a reply's text is streamed in. */
export function textPieces({ text }: Reply): string[] {
  return piecesOf(text);
}

export function laterPieces({ laterText }: Reply): string[] {
  return piecesOf(laterText);
}

function piecesOf(text: string | string[] | undefined): string[] {
  return Array.isArray(text) ? text : (text?.match(/\s*\S+|\s+$/g) ?? []);
}

export function wholeText(reply: Reply): string {
  return [...textPieces(reply), ...laterPieces(reply)].join("");
}

/** Arguments arrive in parts that are no JSON by themselves, as they do from a real provider. */
export function argumentPieces(args: Record<string, unknown>): string[] {
  return JSON.stringify(args).match(/.{1,8}/gsu) ?? [];
}
