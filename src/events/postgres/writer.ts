import { randomUUID } from "node:crypto";
import type { RunId } from "../../core/ids.ts";
import type { Clock, Log } from "../../core/ports/ports.ts";
import { codeOf } from "./database.ts";
import type { Entry, EventTables } from "./tables.ts";

/** Entries of one statement. */
const entriesMax = 2000;
/** What comes within this time of a statement goes with the next; readers in this process do not wait for it. */
const gatherMs = 5;
const firstRetryMs = 100;
const lastRetryMs = 5_000;
/** How long a stopping server tries to store what is queued. */
const drainMs = 5_000;

/** Errors of the data itself (SQLSTATE classes 22 and 23): the same again would fail the same. */
const hopeless = /^2[23]/;

/**
 * Stores entries behind the caller's back, in order: what is queued while one statement is on its way
 * goes with the next, so the busier it is, the larger the statements. A lost database is waited for.
 */
export class LogWriter implements AsyncDisposable {
  readonly origin = randomUUID();
  readonly #tables: EventTables;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onStored: (entries: Entry[]) => void;
  #queue: Entry[] = [];
  /** Positions that logs over their limit no longer keep events before; to be told the table. */
  #firstKept = new Map<RunId, number>();
  #flushing: Promise<void> | null = null;
  readonly #stop = new AbortController();

  constructor(params: {
    tables: EventTables;
    clock: Clock;
    log: Log;
    onStored: (entries: Entry[]) => void;
  }) {
    this.#tables = params.tables;
    this.#clock = params.clock;
    this.#log = params.log;
    this.#onStored = params.onStored;
  }

  push(entries: Entry[]): void {
    for (const entry of entries) this.#queue.push(entry);
    this.#flushing ??= this.#flush();
  }

  /** Events of the run before `position` are not to be kept, nor stored if they are queued still. */
  trim(runId: RunId, position: number): void {
    this.#firstKept.set(runId, position);
  }

  /** Resolves when all that was pushed is stored. */
  async idle(): Promise<void> {
    await this.#flushing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), drainMs);
    await this.#flushing;
    clearTimeout(timer);
    this.#stop.abort();
    if (this.#queue.length > 0) {
      this.#log.error({ entries: this.#queue.length }, "Events were not stored before the stop.");
    }
  }

  async #flush(): Promise<void> {
    await Promise.resolve();
    let retryMs = firstRetryMs;
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) {
      const firstKept = this.#takeFirstKept();
      const entries = this.#queue.splice(0, entriesMax);
      try {
        await this.#store(entries, firstKept);
        retryMs = firstRetryMs;
        await this.#pause(gatherMs);
      } catch (error) {
        if (hopeless.test(codeOf(error))) {
          this.#log.error({ error }, `${entries.length} entries of event logs cannot be stored.`);
          this.#onStored(entries);
          continue;
        }
        this.#log.warn({ error }, `Events could not be stored; trying again in ${retryMs} ms.`);
        this.#queue.unshift(...entries);
        this.#firstKept = new Map([...firstKept, ...this.#firstKept]);
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, lastRetryMs);
      }
    }
    this.#flushing = null;
  }

  async #store(entries: Entry[], firstKept: Map<RunId, number>): Promise<void> {
    // Before the new ones come, so that no reader sees a log over its limit.
    if (firstKept.size > 0) await this.#tables.trim(firstKept);
    const now = this.#clock.now();
    await this.#tables.store({ entries, origin: this.origin, now });
    this.#onStored(entries);
  }

  /** What is to be dropped from the table; what is queued still goes at once. */
  #takeFirstKept(): Map<RunId, number> {
    const firstKept = this.#firstKept;
    if (firstKept.size === 0) return firstKept;
    this.#firstKept = new Map();
    this.#queue = this.#queue.filter(
      (entry) => "end" in entry || entry.event.position >= (firstKept.get(entry.runId) ?? 0),
    );
    return firstKept;
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const signal = this.#stop.signal;
      if (signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
    });
  }
}
