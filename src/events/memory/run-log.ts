import {
  attemptOf,
  firstPosition,
  type EventContent,
  type RunEnd,
  type RunEvent,
} from "../../core/event.ts";
import type { ReadFrom } from "../../core/ports/events.ts";

/**
 * The events of one run, shared by all its readers. A reader is nothing but the last position it saw,
 * so the log keeps no list of readers, only of those that wait. Waking resolves their promise: they
 * go on in the microtask after the append, and what was appended until then is one batch.
 */
export class RunLog {
  end: RunEnd | null = null;
  /** When the end came, in ms since 1970. */
  endedAt = 0;
  /** Size of the events kept and of the end's values, in bytes of JSON. */
  bytes = 0;
  /** The newest attempt that appended; 0 before the first. */
  attempt = 0;
  /** How many events went because the log was over its limit. */
  dropped = 0;
  readonly waiting = new Set<Reader>();
  /** Kept events are `#events[#head …]`; dropped ones leave a hole until there are many. */
  #events: (RunEvent | undefined)[] = [];
  #head = 0;
  #nextPosition = 0;

  /** The position of the last event ever appended; -1 before the first. */
  get lastPosition(): number {
    return this.#nextPosition - 1;
  }

  /** The position of the oldest event kept, or of the next one when none is kept. */
  get firstKept(): number {
    return this.#events[this.#head]?.position ?? this.#nextPosition;
  }

  /** Nothing was said and nobody listens. */
  get unused(): boolean {
    return this.attempt === 0 && this.end === null && this.waiting.size === 0;
  }

  /** Returns the events as stored; none when the log has ended or a newer attempt has appended. */
  append(attempt: number, contents: EventContent[], bytesMax: number): RunEvent[] {
    if (this.end !== null || attempt < this.attempt || contents.length === 0) return [];
    if (attempt > this.attempt) {
      this.attempt = attempt;
      this.#nextPosition = firstPosition(attempt);
    }
    const appended: RunEvent[] = [];
    for (const { name, data } of contents) {
      const event = { position: this.#nextPosition++, name, data };
      this.#events.push(event);
      appended.push(event);
      this.bytes += Buffer.byteLength(data);
    }
    if (this.bytes > bytesMax) this.#dropOldest(bytesMax);
    this.wake();
    return appended;
  }

  /** Begins with events of attempts before this process. */
  restore(events: RunEvent[]): void {
    this.#events = [...events];
    for (const { data } of events) this.bytes += Buffer.byteLength(data);
    const last = events.at(-1);
    if (!last) return;
    this.attempt = attemptOf(last.position);
    this.#nextPosition = last.position + 1;
  }

  /** False when the log has ended before. */
  finish(end: RunEnd, now: number): boolean {
    if (this.end !== null) return false;
    this.end = end;
    this.endedAt = now;
    this.bytes += Buffer.byteLength(end.values ?? "");
    this.wake();
    return true;
  }

  /** The events kept whose position is greater. */
  behind(position: number): RunEvent[] {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.position > position) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low) as RunEvent[];
  }

  wake(): void {
    for (const reader of this.waiting) reader.wake();
    this.waiting.clear();
  }

  /** The newest event stays, however large: a reader that waits must get it. */
  #dropOldest(bytesMax: number): void {
    const last = this.#events.length - 1;
    while (this.bytes > bytesMax && this.#head < last) {
      this.bytes -= Buffer.byteLength(this.#events[this.#head]!.data);
      this.#events[this.#head++] = undefined;
      this.dropped++;
    }
    if (this.#head > 1024 && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** One reader's way to wait: one abort listener for its whole life, one promise for each wait. */
export class Reader {
  readonly #signal: AbortSignal;
  #resolve: (() => void) | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this);
  }

  /** Resolves at the log's next word, or when the signal aborts. */
  next(log: RunLog): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      log.waiting.add(this);
    });
  }

  wake(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }

  handleEvent(): void {
    this.wake();
  }

  close(): void {
    this.#signal.removeEventListener("abort", this);
  }
}

/** The position behind which a reader of this log, absent so far when undefined, begins. */
export function positionOf(from: ReadFrom, log: RunLog | undefined): number {
  if (from === "start") return -1;
  if (from === "now") return log?.lastPosition ?? -1;
  return from.after;
}
