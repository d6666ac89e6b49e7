import { fireCron } from "../core/operations/crons.ts";
import type { Ports } from "../core/ports/ports.ts";
import { Rounds, type StartTimer, startTimer } from "./rounds.ts";

/**
 * Fires crons when they are due. All servers on a database run one; a claim in the table and a key for
 * each date see to it that one run comes of it, also when the server dies in between.
 */
export class Scheduler implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #rounds: Rounds;
  readonly #unsubscribe: () => void;

  constructor(ports: Ports, timer: StartTimer = startTimer) {
    this.#ports = ports;
    this.#rounds = new Rounds(ports, timer, () => this.#fireAll());
    this.#unsubscribe = ports.signals.subscribe((signal) => {
      if (signal.kind === "schedule") void this.#rounds.ask();
    });
    void this.#rounds.ask();
  }

  /** Fires what is due now. */
  ask(): Promise<void> {
    return this.#rounds.ask();
  }

  async #fireAll(): Promise<number | null> {
    const { clock, limits, storage } = this.#ports;
    for (;;) {
      const now = clock.now();
      const cron = await storage.crons.claim({ now, leaseUntil: now + limits.leaseMs });
      if (!cron) return storage.crons.nextDue();
      await fireCron(this.#ports, cron);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#rounds[Symbol.asyncDispose]();
  }
}
