import { sweepItems, sweepThreads } from "../core/operations/expiry.ts";
import type { Ports } from "../core/ports/ports.ts";
import { Rounds, type StartTimer, startTimer } from "./rounds.ts";

interface Sweep {
  name: string;
  intervalMs: number;
  run: (ports: Ports, signal: AbortSignal) => Promise<void>;
  /** When this server asks for the turn again, in ms since 1970. */
  dueAt: number;
}

/**
 * Sees to what has outlived its time, at intervals. All servers on a database run one and take turns
 * through a table, so the interval and the limit of a sweep hold for all of them together.
 */
export class Sweeper implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #sweeps: Sweep[];
  readonly #rounds: Rounds;
  readonly #abort = new AbortController();

  constructor(ports: Ports, timer: StartTimer = startTimer) {
    this.#ports = ports;
    const { threads, items } = ports.expiry;
    this.#sweeps = [
      { name: "threads", intervalMs: threads.sweepIntervalMs, run: sweepThreads, dueAt: 0 },
    ];
    if (items.sweepIntervalMs !== null) {
      const { sweepIntervalMs: intervalMs } = items;
      this.#sweeps.push({ name: "items", intervalMs, run: sweepItems, dueAt: 0 });
    }
    this.#rounds = new Rounds(ports, timer, () => this.#sweepAll());
    void this.#rounds.ask();
  }

  /** Sweeps what it is this server's turn at now. */
  ask(): Promise<void> {
    return this.#rounds.ask();
  }

  async #sweepAll(): Promise<number> {
    const { clock, storage } = this.#ports;
    for (const sweep of this.#sweeps) {
      const now = clock.now();
      if (now < sweep.dueAt) continue;
      const { name, intervalMs } = sweep;
      const { taken, nextAt } = await storage.sweeps.take({ name, now, intervalMs });
      sweep.dueAt = nextAt;
      if (taken) await sweep.run(this.#ports, this.#abort.signal);
    }
    return Math.min(...this.#sweeps.map(({ dueAt }) => dueAt));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#rounds[Symbol.asyncDispose]();
  }
}
