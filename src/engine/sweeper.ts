import type { ExpiryPolicy } from "../core/expiry.ts";
import { sweepItems, sweepThreads } from "../core/operations/expiry.ts";
import type { Ports } from "../core/ports/ports.ts";
import { Rounds, type StartTimer, startTimer } from "./rounds.ts";

interface Sweep {
  name: string;
  /** Null: it is not done. */
  intervalMs: (policy: ExpiryPolicy) => number | null;
  run: (ports: Ports, signal: AbortSignal) => Promise<void>;
}

const sweeps: Sweep[] = [
  { name: "threads", intervalMs: ({ threads }) => threads.sweepIntervalMs, run: sweepThreads },
  { name: "items", intervalMs: ({ items }) => items.sweepIntervalMs, run: sweepItems },
];

/**
 * Sees to what has outlived its time, at intervals. All servers on a database run one and take turns
 * through a table, so the interval and the limit of a sweep hold for all of them together. What the policy says may change
 * meanwhile; the next round, at most a beat away, has it.
 */
export class Sweeper implements AsyncDisposable {
  readonly #ports: Ports;
  /** When this server asks for the turn at a sweep again, in ms since 1970. */
  readonly #dueAt = new Map<Sweep, number>();
  readonly #rounds: Rounds;
  readonly #abort = new AbortController();

  constructor(ports: Ports, timer: StartTimer = startTimer) {
    this.#ports = ports;
    this.#rounds = new Rounds(ports, timer, () => this.#sweepAll());
    void this.#rounds.ask();
  }

  /** Sweeps what it is this server's turn at now. */
  ask(): Promise<void> {
    return this.#rounds.ask();
  }

  async #sweepAll(): Promise<number> {
    const { clock, expiry, storage } = this.#ports;
    for (const sweep of sweeps) {
      const now = clock.now();
      const { name } = sweep;
      const intervalMs = sweep.intervalMs(expiry);
      const dueAt = this.#dueAt.get(sweep) ?? now;
      if (intervalMs === null) this.#dueAt.delete(sweep);
      // A turn that is further away than an interval was put off by a longer one.
      if (intervalMs === null || (now < dueAt && dueAt <= now + intervalMs)) continue;
      const { taken, nextAt } = await storage.sweeps.take({ name, now, intervalMs });
      this.#dueAt.set(sweep, nextAt);
      if (taken) await sweep.run(this.#ports, this.#abort.signal);
    }
    return Math.min(...this.#dueAt.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#rounds[Symbol.asyncDispose]();
  }
}
