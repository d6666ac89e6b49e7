import type { ThreadId } from "../ids.ts";
import type { LogPart, ReadFrom } from "../ports/events.ts";
import type { Ports } from "../ports/ports.ts";
import { isFinal, type Run } from "../run.ts";
import { endSequenceOf, sequenceOf } from "../thread-sequence.ts";
import { followRun } from "./streams.ts";

/** Where a reader begins: at the first event kept, with what comes next, or behind an event of the run that has the ordinal. */
export type ThreadPosition = "start" | "now" | { ordinal: number; position: number };

/** A run that has its place on the thread. */
export type PlacedRun = Run & { ordinal: number };

export type ThreadPart = { run: PlacedRun } & LogPart;

/** Runs looked at in one go. */
const runsPage = 100;

/**
 * The events of all runs of a thread, one run after the other: first what their logs have kept, then
 * what happens. Does not end before `signal` aborts or the server stops, and waits for a thread that
 * does not exist yet. New runs are heard of by hints; should one be lost, by asking the database every
 * `heartbeatMs`.
 */
export async function* followThread(
  ports: Ports,
  threadId: ThreadId,
  from: ThreadPosition,
  signal: AbortSignal,
): AsyncGenerator<ThreadPart> {
  const reader = new ThreadReader(ports, threadId, signal);
  try {
    yield* reader.read(from);
  } finally {
    reader.close();
  }
}

class ThreadReader {
  readonly #ports: Ports;
  readonly #threadId: ThreadId;
  readonly #signal: AbortSignal;
  readonly #unwatch: () => void;
  /** The ordinal of the last run that was read to its end. */
  #behind = 0;
  /** A hint came since the database was asked. */
  #hinted = false;
  #onHint: (() => void) | null = null;

  constructor(ports: Ports, threadId: ThreadId, signal: AbortSignal) {
    this.#ports = ports;
    this.#threadId = threadId;
    this.#signal = signal;
    this.#unwatch = ports.signals.watch(threadId, () => {
      this.#hinted = true;
      this.#onHint?.();
    });
  }

  close(): void {
    this.#unwatch();
  }

  async *read(from: ThreadPosition): AsyncGenerator<ThreadPart> {
    const first = await this.#open(from);
    while (!this.#signal.aborted) {
      this.#hinted = false;
      const run = await this.#nextRun();
      if (!run) {
        await this.#hint();
        continue;
      }
      const start = run.ordinal === first?.ordinal ? first.from : "start";
      const waits = run.status === "pending" && run.attempt === 0;
      const outcome = yield* this.#readRun(run, start, waits);
      if (outcome === "stopped") return;
      if (outcome === "ended") this.#behind = run.ordinal;
    }
  }

  /** A run that waits may be overtaken by one whose delay is over; `overtaken`: look again. */
  async *#readRun(
    run: PlacedRun,
    from: ReadFrom,
    waits: boolean,
  ): AsyncGenerator<ThreadPart, "ended" | "overtaken" | "stopped"> {
    const overtaken = new AbortController();
    if (waits) this.#onHint = () => overtaken.abort();
    if (waits && this.#hinted) overtaken.abort();
    const until = AbortSignal.any([this.#signal, overtaken.signal]);
    try {
      for await (const part of followRun(this.#ports, run, from, until)) {
        // What has begun is not overtaken any more.
        this.#onHint = null;
        yield { run, ...part };
        if ("end" in part) return "ended";
      }
    } finally {
      this.#onHint = null;
    }
    return overtaken.signal.aborted && !this.#signal.aborted ? "overtaken" : "stopped";
  }

  /** Finds the run to begin with, and where in it. */
  async #open(from: ThreadPosition): Promise<{ ordinal: number; from: ReadFrom } | null> {
    const { storage, clock, limits } = this.#ports;
    const thread = await storage.threads.get(this.#threadId);
    if (!thread) return null;
    const oldest = clock.now() - limits.eventLogTtlMs;
    // Of runs that ended longer ago nothing is kept.
    const isKept = (run: Run) =>
      !isFinal(run.status) || (from !== "now" && run.updatedAt >= oldest);
    const kept = placed(await this.#recent(isKept)).filter(isKept);
    const lowest = Math.min(...kept.map(({ ordinal }) => ordinal), thread.lastOrdinal + 1);
    this.#behind = lowest - 1;
    if (from === "start") return null;
    if (from === "now") {
      const run = kept.find(({ ordinal }) => ordinal === lowest);
      return run && run.attempt > 0 ? { ordinal: lowest, from: "now" } : null;
    }
    this.#behind = Math.max(this.#behind, from.ordinal - 1);
    return { ordinal: from.ordinal, from: from.position < 0 ? "start" : { after: from.position } };
  }

  /** The run after the last one read. */
  async #nextRun(): Promise<PlacedRun | null> {
    const thread = await this.#ports.storage.threads.get(this.#threadId);
    // One that is made again under the id begins to count anew.
    if (!thread) this.#behind = 0;
    if (!thread || thread.lastOrdinal <= this.#behind) return null;
    const isNew = (run: Run) => run.ordinal === null || run.ordinal > this.#behind;
    const runs = placed(await this.#recent(isNew)).filter(isNew);
    const next = runs.toSorted((one, other) => one.ordinal - other.ordinal)[0];
    // Those in between are gone.
    if (!next) this.#behind = thread.lastOrdinal;
    return next ?? null;
  }

  /** The runs in flight, and back to the first page on which one is not `wanted`. */
  async #recent(wanted: (run: Run) => boolean): Promise<Run[]> {
    const { storage } = this.#ports;
    const threadId = this.#threadId;
    const page = { limit: runsPage, offset: 0 };
    const found = await storage.runs.list({ threadId, status: "running", page });
    for (; ; page.offset += runsPage) {
      const runs = await storage.runs.list({ threadId, page });
      found.push(...runs);
      if (runs.length < runsPage || !runs.every(wanted)) return found;
    }
  }

  /** Resolves at a hint, at the latest after `heartbeatMs`, and when the signal aborts. */
  #hint(): Promise<void> {
    if (this.#hinted || this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", done);
        this.#onHint = null;
        resolve();
      };
      const timer = setTimeout(done, this.#ports.limits.heartbeatMs);
      timer.unref();
      this.#signal.addEventListener("abort", done);
      this.#onHint = done;
    });
  }
}

function placed(runs: Run[]): PlacedRun[] {
  return runs.filter((run): run is PlacedRun => run.ordinal !== null);
}

/**
 * The number of the last event that the thread's runs have come to, or those before the one with the
 * ordinal; 0 before the first.
 */
export async function lastSequence(
  ports: Ports,
  threadId: ThreadId,
  ordinal = Infinity,
): Promise<number> {
  const thread = await ports.storage.threads.get(threadId);
  if (!thread || thread.lastOrdinal === 0) return 0;
  const page = { limit: runsPage, offset: 0 };
  const [running, pending] = await Promise.all(
    (["running", "pending"] as const).map((status) =>
      ports.storage.runs.list({ threadId, status, page }),
    ),
  );
  const current = placed(running!).find((run) => run.ordinal < ordinal);
  const position = current ? await ports.events.lastPosition(current.runId) : -1;
  if (current && position >= 0) return sequenceOf(current.ordinal, position, Infinity);
  const waiting = placed([...running!, ...pending!]).map((run) => run.ordinal);
  return endSequenceOf(Math.min(...waiting, thread.lastOrdinal + 1, ordinal) - 1);
}
