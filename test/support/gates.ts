import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A node of another process that waits. */
export interface Arrival {
  node: string;
  release(): void;
  /** Resolves when the node has gone without being let go: its process died, or it was aborted. */
  gone: Promise<void>;
}

/**
 * Where nodes of a server in another process stop until the test lets them go (test/fixtures/engine/gated.ts):
 * each asks `GET <url>/<node>` and goes on when it is answered. What arrived survives a kill of that process.
 */
export class Gates implements AsyncDisposable {
  /** Every arrival, in order: a node that began twice is in it twice. */
  readonly nodes: string[] = [];
  readonly #server: Server;
  readonly #arrived: Arrival[] = [];
  readonly #expected: { node: string; resolve: (arrival: Arrival) => void }[] = [];
  #open = false;

  static async listen(): Promise<Gates> {
    const gates = new Gates();
    gates.#server.listen(0, "127.0.0.1");
    await once(gates.#server, "listening");
    return gates;
  }

  private constructor() {
    this.#server = createServer((request, response) =>
      this.#onArrival(decodeURIComponent(request.url!.slice(1)), response),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next arrival of the node that no call got yet. */
  arrival(node: string): Promise<Arrival> {
    const at = this.#arrived.findIndex((one) => one.node === node);
    if (at >= 0) return Promise.resolve(this.#arrived.splice(at, 1)[0]!);
    return new Promise((resolve) => this.#expected.push({ node, resolve }));
  }

  /** From now on nobody has to wait. */
  openAll(): void {
    this.#open = true;
    for (const arrival of this.#arrived.splice(0)) arrival.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #onArrival(node: string, response: ServerResponse): void {
    this.nodes.push(node);
    const gone = once(response, "close").then(() => {
      if (response.writableEnded) return new Promise<void>(() => {});
    });
    const arrival: Arrival = { node, gone, release: () => void response.end() };
    const at = this.#expected.findIndex((one) => one.node === node);
    if (at >= 0) this.#expected.splice(at, 1)[0]!.resolve(arrival);
    else if (this.#open) arrival.release();
    else this.#arrived.push(arrival);
  }
}
