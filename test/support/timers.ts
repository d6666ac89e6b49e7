import type { StartTimer } from "../../src/engine/rounds.ts";

/** A clock that stands still, and timers that run when the test moves it. */
export class ManualTime {
  #now: number;
  #timers: { at: number; run: () => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  readonly clock = { now: () => this.#now };

  readonly startTimer: StartTimer = (delayMs, run) => {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };

  /** When the next timer runs, in ms from now; null when none is set. */
  get untilNextTimer(): number | null {
    if (this.#timers.length === 0) return null;
    return Math.min(...this.#timers.map(({ at }) => at)) - this.#now;
  }

  /** Runs what has come due. */
  moveTo(now: number): void {
    this.#now = now;
    const due = this.#timers.filter(({ at }) => at <= now);
    this.#timers = this.#timers.filter(({ at }) => at > now);
    for (const { run } of due) run();
  }

  move(milliseconds: number): void {
    this.moveTo(this.#now + milliseconds);
  }
}
