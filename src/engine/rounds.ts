import type { Ports } from "../core/ports/ports.ts";

/** Timers, so that tests can hold them. Returns how to cancel. */
export type StartTimer = (delayMs: number, run: () => void) => () => void;

export const startTimer: StartTimer = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};

/**
 * Work that comes in rounds: when somebody asks, at the moment the last round named, and, should a
 * hint be lost, every `beatMs`. One round at a time; who asks during one makes another follow.
 */
export class Rounds implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #startTimer: StartTimer;
  /** Returns when there is something to do next, in ms since 1970; null when that is not known. */
  readonly #round: () => Promise<number | null>;
  #running: Promise<void> | null = null;
  #asked = false;
  #stopped = false;
  #cancelTimer: () => void = () => {};

  constructor(ports: Ports, start: StartTimer, round: () => Promise<number | null>) {
    this.#ports = ports;
    this.#startTimer = start;
    this.#round = round;
  }

  /** Resolves when a round that began after the call has ended. Never rejects. */
  ask(): Promise<void> {
    if (this.#stopped) return this.#running ?? Promise.resolve();
    this.#asked = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    let due: number | null = null;
    while (this.#asked && !this.#stopped) {
      this.#asked = false;
      try {
        due = await this.#round();
      } catch (thrown) {
        this.#ports.log.error({ error: thrown }, "a round of work failed; it is tried again");
      }
    }
    // At once, not when the promise is settled: an ask in between would be lost.
    this.#running = null;
    this.#wait(due);
  }

  #wait(due: number | null): void {
    this.#cancelTimer();
    if (this.#stopped) return;
    const { clock, limits } = this.#ports;
    const untilDue = due === null ? Infinity : Math.max(due - clock.now(), 1);
    this.#cancelTimer = this.#startTimer(Math.min(untilDue, limits.beatMs), () => void this.ask());
  }

  /** Waits for the round that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer();
    await this.#running;
  }
}
