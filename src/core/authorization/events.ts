import type { EventContent, RunEnd } from "../event.ts";
import type { RunId } from "../ids.ts";
import type { EventLog, LogPart, ReadFrom } from "../ports/events.ts";
import type { Attempt } from "../run.ts";
import { notFound } from "../error.ts";
import type { GuardedRuns } from "./runs.ts";

/** Logs of runs the caller sees. */
export class GuardedEvents implements EventLog {
  readonly #events: EventLog;
  readonly #runs: GuardedRuns;

  constructor(events: EventLog, runs: GuardedRuns) {
    this.#events = events;
    this.#runs = runs;
  }

  keep(runId: RunId): void {
    this.#events.keep(runId);
  }

  append(attempt: Attempt, events: EventContent[]): void {
    this.#events.append(attempt, events);
  }

  /** Follows a change of the run in storage, which is guarded. */
  end(runId: RunId, end: RunEnd): void {
    this.#events.end(runId, end);
  }

  async ended(runId: RunId): Promise<RunEnd | null> {
    return (await this.#runs.isVisible(runId)) ? this.#events.ended(runId) : null;
  }

  async lastPosition(runId: RunId): Promise<number> {
    return (await this.#runs.isVisible(runId)) ? this.#events.lastPosition(runId) : -1;
  }

  async *follow(runId: RunId, from: ReadFrom, signal: AbortSignal): AsyncGenerator<LogPart> {
    if (!(await this.#runs.isVisible(runId))) throw notFound(`There is no run ${runId}.`);
    yield* this.#events.follow(runId, from, signal);
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#events[Symbol.asyncDispose]();
  }
}
