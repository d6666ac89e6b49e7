import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP proxy before a server, whose connections a test can break as a network does. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutAt: { text: string; done: () => void } | null = null;

  static async before(url: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(Number(new URL(url).port));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => {});
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
      near.pipe(far);
      far.on("data", (data: Buffer) => this.#pass(data, near));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection, once, as soon as the server has sent the text. */
  cutOnceAfter(text: string): Promise<void> {
    return new Promise((done) => {
      this.#cutAt = { text, done };
    });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  #pass(data: Buffer, near: Socket): void {
    const cutAt = this.#cutAt;
    if (!cutAt || !data.includes(cutAt.text)) return void near.write(data);
    this.#cutAt = null;
    // The client gets what was sent, and then half an event.
    near.write(Buffer.concat([data, Buffer.from("event: up")]), () => {
      this.cut();
      cutAt.done();
    });
  }
}
