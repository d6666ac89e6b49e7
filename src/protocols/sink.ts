import type { ServerResponse } from "node:http";

/** Where the body of a long answer goes. */
export interface Sink {
  /** Aborts when the reader goes away before the end. */
  readonly gone: AbortSignal;
  /** The reader takes no more at the moment. */
  readonly full: boolean;
  /** Null when more may follow at once; else resolves when it may, or when the reader has gone. */
  write(text: string): Promise<void> | null;
  /** The whole answer has been written. */
  end(text?: string): void;
  /** Breaks the answer off, so that the reader sees that it is not whole. */
  abort(): void;
}

/**
 * Writes straight to Node's response: 12 µs of the server's time an event instead of 14.5 through a web
 * stream (64 streams of tokens on two cores), and no stream to keep for each idle reader.
 */
export class NodeSink implements Sink {
  readonly #outgoing: ServerResponse;
  readonly #gone = new AbortController();
  #drained: PromiseWithResolvers<void> | null = null;

  constructor(outgoing: ServerResponse, status: number, headers: Record<string, string>) {
    this.#outgoing = outgoing;
    outgoing.on("close", () => this.#closed());
    outgoing.on("drain", () => this.#resume());
    // What goes wrong on the connection is followed by `close`.
    outgoing.on("error", () => {});
    if (outgoing.destroyed) {
      this.#gone.abort();
    } else {
      outgoing.writeHead(status, headers);
      // A client counts a request as open, and learns the run's id, once the headers are there.
      outgoing.flushHeaders();
    }
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get full(): boolean {
    return this.#drained !== null;
  }

  write(text: string): Promise<void> | null {
    if (this.#gone.signal.aborted || this.#outgoing.write(text)) return null;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  end(text?: string): void {
    if (!this.#gone.signal.aborted) this.#outgoing.end(text);
  }

  abort(): void {
    this.#outgoing.destroy();
  }

  #closed(): void {
    if (!this.#outgoing.writableFinished) this.#gone.abort();
    this.#resume();
  }

  #resume(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}

const bufferedBytesMax = 64 * 1024;

/** The same for requests answered in process. */
export class WebSink implements Sink {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #gone = new AbortController();
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #drained: PromiseWithResolvers<void> | null = null;
  #ended = false;

  constructor(reader: AbortSignal) {
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#resume(),
        cancel: () => this.#leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: bufferedBytesMax }) as QueuingStrategy<
        Uint8Array<ArrayBuffer>
      >,
    );
    reader.addEventListener("abort", () => this.#leave(), { once: true });
    if (reader.aborted) this.#leave();
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get full(): boolean {
    return this.#drained !== null;
  }

  write(text: string): Promise<void> | null {
    if (this.#ended) return null;
    this.#controller.enqueue(this.#encoder.encode(text));
    if (this.#controller.desiredSize! > 0) return null;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  end(text?: string): void {
    if (this.#ended) return;
    if (text !== undefined) this.#controller.enqueue(this.#encoder.encode(text));
    this.#ended = true;
    this.#controller.close();
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller.error(new Error("The answer was broken off."));
  }

  #leave(): void {
    if (!this.#ended) this.#gone.abort();
    this.#ended = true;
    this.#resume();
  }

  #resume(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}
