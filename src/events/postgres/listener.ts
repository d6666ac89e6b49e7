import type { Client } from "pg";
import type { Log } from "../../core/ports/ports.ts";
import { channelOf, clientFor, type Place, unreachable } from "./database.ts";

const firstRetryMs = 100;
const lastRetryMs = 5_000;

interface ListenerParams {
  place: Place;
  purpose: string;
  log: Log;
  onPayload: (payload: string) => void;
  /** The connection is back after a loss: whatever was notified in between was not heard. */
  onReconnect: () => void;
}

/** LISTEN and NOTIFY of one channel on one connection of its own, which comes back when it is lost. */
export class Listener implements AsyncDisposable {
  readonly #params: ListenerParams;
  readonly #channel: string;
  #client: Client | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = firstRetryMs;
  #disposed = false;
  /** Payloads to send; equal ones once. */
  readonly #unsent = new Set<string>();
  #sending: Promise<void> | null = null;

  constructor(params: ListenerParams) {
    this.#params = params;
    this.#channel = channelOf(params.place, params.purpose);
  }

  /** @throws unavailable when the server cannot be reached. Later losses are mended in the background. */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      throw unreachable(this.#params.place, error);
    }
  }

  /** While the connection is lost, nothing is sent: those who listen catch up by themselves. */
  notify(payload: string): void {
    if (!this.#client || this.#disposed) return;
    this.#unsent.add(payload);
    this.#sending ??= this.#send();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    if (this.#retry) clearTimeout(this.#retry);
    await this.#sending;
    await this.#client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const client = clientFor(this.#params.place, this.#params.purpose);
    const lost = (error?: Error): void => this.#lost(client, error);
    client.on("error", lost);
    client.on("end", lost);
    client.on("notification", ({ payload }) => this.#params.onPayload(payload ?? ""));
    try {
      await client.connect();
      // A hint is not worth a flush to disk, which all others that notify would wait for.
      await client.query("set synchronous_commit to off");
      await client.query(`listen "${this.#channel}"`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    // Disposed while connecting: nobody else would close it.
    if (this.#disposed) return client.end();
    this.#client = client;
    this.#retryMs = firstRetryMs;
  }

  #lost(client: Client, error?: Error): void {
    if (this.#client !== client || this.#disposed) return;
    this.#client = null;
    const { log, purpose } = this.#params;
    log.warn(
      { error: error?.message },
      `Connection for ${purpose} to PostgreSQL lost; reconnecting.`,
    );
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    this.#retry = setTimeout(() => void this.#reconnect(), this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect();
    } catch {
      if (!this.#disposed) this.#reconnectLater();
      return;
    }
    if (this.#disposed) return;
    this.#params.log.info({}, `Connection for ${this.#params.purpose} to PostgreSQL is back.`);
    this.#params.onReconnect();
  }

  /** What gathers while one statement is on its way goes with the next. */
  async #send(): Promise<void> {
    await Promise.resolve();
    while (this.#unsent.size > 0 && this.#client) {
      const payloads = [...this.#unsent];
      this.#unsent.clear();
      const query = {
        name: "notify",
        text: "select pg_notify($1, payload) from unnest($2::text[]) as payload",
        values: [this.#channel, payloads],
      };
      await this.#client.query(query).catch(() => {
        // The connection is lost, which is heard and mended elsewhere; hints may be lost.
      });
    }
    this.#unsent.clear();
    this.#sending = null;
  }
}
