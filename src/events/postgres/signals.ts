import { randomUUID } from "node:crypto";
import type { ThreadId } from "../../core/ids.ts";
import type { Signal, Signals } from "../../core/ports/events.ts";
import type { Log } from "../../core/ports/ports.ts";
import { MemorySignals } from "../memory/signals.ts";
import type { Place } from "./database.ts";
import { Listener } from "./listener.ts";

/**
 * Hints between all servers of a schema. Those of this process do not take the way through the
 * database.
 */
export class PostgresSignals implements Signals {
  readonly #origin = randomUUID();
  readonly #local = new MemorySignals();
  readonly #listener: Listener;

  constructor(params: { place: Place; log: Log }) {
    this.#listener = new Listener({
      ...params,
      purpose: "signals",
      onPayload: (payload) => this.#heard(payload),
      // Hints may have been lost: look for work.
      onReconnect: () => this.#local.publish({ kind: "work" }),
    });
  }

  /** @throws unavailable when the server cannot be reached. */
  async start(): Promise<void> {
    await this.#listener.start();
  }

  publish(signal: Signal): void {
    this.#local.publish(signal);
    this.#listener.notify(JSON.stringify({ origin: this.#origin, signal }));
  }

  subscribe(listener: (signal: Signal) => void): () => void {
    return this.#local.subscribe(listener);
  }

  watch(threadId: ThreadId, listener: () => void): () => void {
    return this.#local.watch(threadId, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local[Symbol.asyncDispose]();
    await this.#listener[Symbol.asyncDispose]();
  }

  #heard(payload: string): void {
    const { origin, signal } = JSON.parse(payload) as { origin: string; signal: Signal };
    if (origin !== this.#origin) this.#local.publish(signal);
  }
}
