import { existsSync } from "node:fs";
import type { EventContent, RunEnd, RunEvent } from "../../core/event.ts";
import type { RunId } from "../../core/ids.ts";
import type { Limits } from "../../core/limits.ts";
import type { EventLog, LogPart, ReadFrom } from "../../core/ports/events.ts";
import type { Clock, Log } from "../../core/ports/ports.ts";
import type { Attempt } from "../../core/run.ts";
import { MemoryEventLog, type EventLogLimits } from "../memory/log.ts";
import { LogFile } from "./file.ts";

type KeptLogLimits = EventLogLimits & Pick<Limits, "runTimeoutMs">;

/**
 * Logs in the memory of one process; those of kept runs also in a file, so that a reader finds after a
 * restart what it had not read before. An event is in the file before the checkpoint of what it tells:
 * the next attempt does not tell it again. The file is read once, when a run of a process before this
 * one is first asked for, and made with the first kept run.
 */
export class SqliteEventLog implements EventLog {
  readonly #memory: MemoryEventLog;
  readonly #path: string;
  readonly #limits: KeptLogLimits;
  readonly #clock: Clock;
  readonly #log: Log;
  #file: LogFile | null = null;
  /** Kept runs, and whether the file knows of their newest attempt. */
  readonly #kept = new Map<RunId, { isNoted: boolean }>();
  /** Logs in the file that memory does not have yet. */
  readonly #unread: Set<RunId>;
  #timer: NodeJS.Timeout | null = null;

  constructor(params: { path: string; limits: KeptLogLimits; clock: Clock; log: Log }) {
    const { path, limits, clock, log } = params;
    this.#path = path;
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#memory = new MemoryEventLog({ limits, clock });
    this.#unread = new Set(existsSync(path) ? this.#opened().runs() : []);
    this.#forget();
  }

  keep(runId: RunId): void {
    this.#read(runId);
    this.#kept.set(runId, { isNoted: false });
  }

  append(attempt: Attempt, events: EventContent[]): void {
    const { runId } = attempt;
    this.#read(runId);
    const appended = this.#memory.append(attempt, events);
    if (appended.length > 0) this.#write(runId, appended, null);
  }

  end(runId: RunId, end: RunEnd): void {
    this.#read(runId);
    this.#memory.end(runId, end);
    if (!this.#kept.has(runId)) return;
    this.#write(runId, [], end);
    this.#kept.delete(runId);
    this.#arm();
  }

  ended(runId: RunId): Promise<RunEnd | null> {
    this.#read(runId);
    return this.#memory.ended(runId);
  }

  lastPosition(runId: RunId): Promise<number> {
    this.#read(runId);
    return this.#memory.lastPosition(runId);
  }

  follow(runId: RunId, from: ReadFrom, signal: AbortSignal): AsyncIterable<LogPart> {
    this.#read(runId);
    return this.#memory.follow(runId, from, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#file?.[Symbol.dispose]();
    this.#file = null;
    await this.#memory[Symbol.asyncDispose]();
  }

  #opened(): LogFile {
    return (this.#file ??= new LogFile(this.#path));
  }

  #read(runId: RunId): void {
    if (!this.#unread.delete(runId)) return;
    try {
      const stored = this.#opened().read(runId);
      this.#memory.restore(runId, stored);
      if (!stored.end) this.#kept.set(runId, { isNoted: true });
    } catch (error) {
      this.#log.error({ file: this.#path, run_id: runId, error }, "kept events could not be read");
    }
  }

  /** A file that cannot be written (or read) costs readers what they missed, never a run. */
  #write(runId: RunId, events: RunEvent[], end: RunEnd | null): void {
    const kept = this.#kept.get(runId);
    if (!kept) return;
    try {
      const file = this.#opened();
      file.transaction(() => {
        for (const event of events) file.append(runId, event);
        const dropped = this.#memory.firstKept(runId);
        if (dropped !== null) file.trim(runId, dropped);
        if (!kept.isNoted || end) file.note(runId, this.#clock.now(), end);
      });
      kept.isNoted = true;
    } catch (error) {
      this.#log.error(
        { file: this.#path, run_id: runId, error },
        "events of a run could not be kept",
      );
    }
  }

  /** Logs that ended long enough ago, and those of runs that can be under way no more. */
  #forget(): void {
    if (!this.#file) return;
    const now = this.#clock.now();
    const { eventLogTtlMs, runTimeoutMs } = this.#limits;
    const file = this.#file;
    try {
      file.transaction(() => {
        for (const runId of file.stale(now - eventLogTtlMs, now - eventLogTtlMs - runTimeoutMs)) {
          file.remove(runId);
          this.#unread.delete(runId);
        }
      });
    } catch (error) {
      this.#log.error({ file: this.#path, error }, "kept events could not be removed");
    }
    if (this.#unread.size > 0) this.#arm();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#forget();
    }, this.#limits.eventLogTtlMs + 1000);
    this.#timer.unref();
  }
}
