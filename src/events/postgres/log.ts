import { type EventContent, firstPosition, type RunEnd, type RunEvent } from "../../core/event.ts";
import type { RunId } from "../../core/ids.ts";
import type { Limits } from "../../core/limits.ts";
import type { EventLog, LogPart, ReadFrom } from "../../core/ports/events.ts";
import type { Clock, Log } from "../../core/ports/ports.ts";
import type { Attempt } from "../../core/run.ts";
import { positionOf, Reader, RunLog } from "../memory/run-log.ts";
import type { Place } from "./database.ts";
import { Listener } from "./listener.ts";
import type { Entry, EventTables } from "./tables.ts";
import { LogWriter } from "./writer.ts";

/** Time between two looks for logs to forget, in ms. */
const forgetEveryMs = 30_000;

/** A run to which attempts up to `attempt` can no longer append here. */
interface Closed {
  attempt: number;
  /** The end, until it is stored. */
  end: RunEnd | null;
  closedAt: number;
}

/**
 * Logs in a table that all servers of a schema share; they outlive each of them.
 *
 * A run's events are also in the memory of the server that appends them, from the first of its attempt
 * until the end is stored: readers there get them without a round trip. A reader takes from memory what
 * memory has, all else from the table; positions are the same in both. Where a run has no log in
 * memory, an empty one stands for the readers that wait to be notified.
 */
export class PostgresEventLog implements EventLog {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #tables: EventTables;
  readonly #writer: LogWriter;
  readonly #listener: Listener;
  readonly #logs = new Map<RunId, RunLog>();
  /** Remembered for `eventLogTtlMs`, for workers that have not heard yet. */
  readonly #closed = new Map<RunId, Closed>();
  #timer: NodeJS.Timeout | null = null;
  #disposed = false;

  constructor(params: {
    place: Place;
    tables: EventTables;
    limits: Limits;
    clock: Clock;
    log: Log;
  }) {
    const { place, tables, limits, clock, log } = params;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#tables = tables;
    this.#writer = new LogWriter({ tables, clock, log, onStored: (all) => this.#stored(all) });
    this.#listener = new Listener({
      place,
      purpose: "events",
      log,
      onPayload: (payload) => this.#notified(payload),
      onReconnect: () => this.#catchUp([...this.#logs.keys()]),
    });
  }

  /** @throws unavailable when the server cannot be reached. */
  async start(): Promise<void> {
    await this.#listener.start();
    const forget = (): void => {
      this.forget().catch((error: unknown) => {
        this.#log.warn({ error }, "Old event logs could not be removed; trying again later.");
      });
    };
    this.#timer = setInterval(forget, forgetEveryMs);
    this.#timer.unref();
  }

  keep(): void {
    // Every log is in the table.
  }

  append({ runId, attempt }: Attempt, contents: EventContent[]): void {
    if (this.#disposed || attempt <= (this.#closed.get(runId)?.attempt ?? 0)) return;
    const log = this.#open(runId);
    const droppedBefore = log.dropped;
    const events = log.append(attempt, contents, this.#limits.eventLogBytesMax);
    if (log.dropped > droppedBefore) this.#writer.trim(runId, log.firstKept);
    if (events.length > 0) this.#writer.push(events.map((event) => ({ runId, event })));
  }

  end(runId: RunId, end: RunEnd): void {
    if (this.#disposed || this.#closed.get(runId)?.attempt === Infinity) return;
    const endedAt = this.#clock.now();
    this.#closed.set(runId, { attempt: Infinity, end, closedAt: endedAt });
    const log = this.#logs.get(runId);
    // Without events here the log in memory says nothing: its readers wait for the table's word.
    if (log && log.attempt > 0) log.finish(end, endedAt);
    this.#writer.push([{ runId, end, endedAt }]);
  }

  async ended(runId: RunId): Promise<RunEnd | null> {
    return this.#closed.get(runId)?.end ?? (await this.#tables.end(runId));
  }

  async lastPosition(runId: RunId): Promise<number> {
    const log = this.#logs.get(runId);
    return log && log.attempt > 0 ? log.lastPosition : this.#tables.lastPosition(runId);
  }

  follow(runId: RunId, from: ReadFrom, signal: AbortSignal): AsyncIterable<LogPart> {
    const log = this.#logs.get(runId);
    // In memory "now" is the moment of this call; without memory the table says later what it was.
    const inTable = from === "now" && !(log && log.attempt > 0);
    return this.#read(runId, inTable ? null : positionOf(from, log), signal);
  }

  /** Removes what is too old or too much; done now and then, in every server. */
  async forget(): Promise<void> {
    const now = this.#clock.now();
    const { eventLogTtlMs, eventLogsBytesMax, runTimeoutMs } = this.#limits;
    for (const [runId, { end, closedAt }] of this.#closed) {
      if (end === null && closedAt <= now - eventLogTtlMs) this.#closed.delete(runId);
    }
    await this.#tables.forget({
      endedBy: now - eventLogTtlMs,
      bytesMax: eventLogsBytesMax,
      // No attempt lasts longer, so nobody appends to such a run, nor will anyone end it.
      storedBy: now - runTimeoutMs - eventLogTtlMs,
    });
  }

  /** Resolves when all that was appended here is stored. */
  async idle(): Promise<void> {
    await this.#writer.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#timer) clearInterval(this.#timer);
    for (const log of this.#logs.values()) log.wake();
    await this.#writer[Symbol.asyncDispose]();
    await this.#listener[Symbol.asyncDispose]();
    await this.#tables[Symbol.asyncDispose]();
  }

  async *#read(
    runId: RunId,
    from: number | null,
    signal: AbortSignal,
  ): AsyncGenerator<LogPart, void> {
    const reader = new Reader(signal);
    let log = this.#open(runId);
    try {
      if (signal.aborted || this.#disposed) return;
      let position = from ?? (await this.#positionNow(runId, log));
      while (!signal.aborted && !this.#disposed) {
        // A log that was taken out of memory before its end goes on in the table.
        if (!log.end && this.#logs.get(runId) !== log) log = this.#open(runId);
        // From here on a wake is not lost, also while the table is being read.
        const woken = reader.next(log);
        const { events, end } = await this.#behind(runId, log, position);
        if (signal.aborted || this.#disposed) return;
        if (events.length > 0) {
          position = events.at(-1)!.position;
          yield { events };
        } else if (end) {
          yield { end };
          return;
        } else {
          await woken;
        }
      }
    } finally {
      reader.close();
      log.waiting.delete(reader);
      if (log.unused && this.#logs.get(runId) === log) this.#logs.delete(runId);
    }
  }

  /** What the reader gets next; the end only when there are no events left before it. */
  async #behind(
    runId: RunId,
    log: RunLog,
    position: number,
  ): Promise<{ events: RunEvent[]; end: RunEnd | null }> {
    if (log.attempt > 0 && position >= log.firstKept - 1) {
      return { events: log.behind(position), end: log.end };
    }
    const before = log.attempt > 0 ? log.firstKept : null;
    const stored = await this.#tables.read({ runId, after: position, before });
    if (stored.events.length > 0 || log.attempt === 0) return stored;
    // What came before memory's first event has been read, or was dropped.
    return { events: log.behind(position), end: log.end };
  }

  /** Behind what the table has, but not behind what was appended here since the reader came. */
  async #positionNow(runId: RunId, log: RunLog): Promise<number> {
    const stored = await this.#tables.lastPosition(runId);
    return log.attempt > 0 ? Math.min(stored, log.firstKept - 1) : stored;
  }

  #open(runId: RunId): RunLog {
    let log = this.#logs.get(runId);
    if (!log) this.#logs.set(runId, (log = new RunLog()));
    return log;
  }

  #stored(entries: Entry[]): void {
    for (const entry of entries) {
      if ("event" in entry) continue;
      const closed = this.#closed.get(entry.runId);
      if (closed) closed.end = null;
      const log = this.#logs.get(entry.runId);
      this.#logs.delete(entry.runId);
      log?.wake();
    }
  }

  #notified(payload: string): void {
    const [origin, runId] = payload.split(" ") as [string, RunId];
    if (origin !== this.#writer.origin && this.#logs.has(runId)) this.#catchUp([runId]);
  }

  /** Another server may have appended to these runs or ended them: readers look, memory is corrected. */
  #catchUp(runIds: RunId[]): void {
    const known: { runId: RunId; nextAttempt: number }[] = [];
    for (const runId of runIds) {
      const log = this.#logs.get(runId);
      if (!log || log.end) continue;
      if (log.attempt === 0) log.wake();
      else known.push({ runId, nextAttempt: firstPosition(log.attempt + 1) });
    }
    if (known.length > 0) void this.#correct(known);
  }

  async #correct(known: { runId: RunId; nextAttempt: number }[]): Promise<void> {
    try {
      for (const { runId, superseded, end } of await this.#tables.foreign(known)) {
        const log = this.#logs.get(runId);
        const asked = known.find((one) => one.runId === runId)!;
        // What has ended or begun a later attempt here in the meantime knows better.
        if (!log || log.end || firstPosition(log.attempt) >= asked.nextAttempt) continue;
        if (!end && !superseded) continue;
        const closedAt = this.#clock.now();
        this.#closed.set(runId, { attempt: end ? Infinity : log.attempt, end: null, closedAt });
        this.#logs.delete(runId);
        // A reader goes on in the table, behind what it has seen.
        log.wake();
      }
    } catch (error) {
      this.#log.warn({ error }, "Events of other servers could not be looked up.");
    }
  }
}
