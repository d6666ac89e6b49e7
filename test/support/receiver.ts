import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  path: string;
  headers: IncomingMessage["headers"];
  text: string;
  // Tests look into whatever was sent; a wrong guess is a failed test.
  // oxlint-disable-next-line typescript/no-explicit-any
  json: any;
}

type Answer = (response: ServerResponse, request: Received) => void;

/** Somebody who waits for webhooks, on loopback. Answers 200 until told otherwise. */
export class Receiver implements AsyncDisposable {
  readonly received: Received[] = [];
  /** Answers of the next requests, first come first served. */
  readonly answers: Answer[] = [];
  readonly #server: Server;
  #onReceived: () => void = () => {};

  static async listen(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  private constructor() {
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when `count` requests have come since the beginning. */
  async count(count: number): Promise<Received[]> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#onReceived = resolve;
      });
    }
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const json: unknown = JSON.parse(text);
    const received = { path: request.url!, headers: request.headers, text, json };
    this.received.push(received);
    const answer = this.answers.shift() ?? ((ok) => void ok.end());
    answer(response, received);
    this.#onReceived();
  }
}

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(code, headers).end();
}
