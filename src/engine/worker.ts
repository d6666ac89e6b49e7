import type { RunId } from "../core/ids.ts";
import type { Ports } from "../core/ports/ports.ts";
import type { Signal } from "../core/ports/events.ts";
import type { ClaimedRun } from "../core/ports/storage.ts";
import { runFields } from "../core/trace-context.ts";
import { Execution } from "./execution.ts";

/**
 * Takes runs from the table and executes up to `jobsPerWorker` of them at once. Woken by hints and,
 * should one be lost, by its own beat; the beat also extends the leases of all runs it holds, however
 * long a node takes.
 */
export class Worker implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #owner: string;
  readonly #executions = new Map<RunId, Execution>();
  readonly #unsubscribe: () => void;
  readonly #beat: NodeJS.Timeout;
  #due: NodeJS.Timeout | undefined;
  #claiming = false;
  /** How many more runs there may be, as far as anybody said. */
  #asked = 0;
  #claims: Promise<unknown> = Promise.resolve();
  #stopping = false;

  /** `owner` names this worker among all that share the database. */
  constructor(ports: Ports, owner: string) {
    this.#ports = ports;
    this.#owner = owner;
    this.#unsubscribe = ports.signals.subscribe((signal) => this.#onSignal(signal));
    this.#beat = setInterval(() => void this.#onBeat(), ports.limits.beatMs);
    void this.#claimAll();
  }

  /** Runs being executed by this worker. */
  get active(): number {
    return this.#executions.size;
  }

  #onSignal(signal: Signal): void {
    if (signal.kind === "work") void this.#claimAll();
    if (signal.kind === "cancel") this.#executions.get(signal.runId)?.stop("ended");
  }

  async #onBeat(): Promise<void> {
    const { limits, clock, storage, log } = this.#ports;
    try {
      const attempts = [...this.#executions.values()].map(({ attempt }) => attempt);
      if (attempts.length > 0) {
        const leaseUntil = clock.now() + limits.leaseMs;
        const held = await storage.runs.extendLeases({ attempts, leaseUntil });
        const still = new Set(held.map(({ runId }) => runId));
        for (const { runId } of attempts)
          if (!still.has(runId)) this.#executions.get(runId)?.stop("ended");
      }
      await this.#claimAll();
    } catch (thrown) {
      log.error({ error: thrown }, "the worker's beat failed; it is tried again");
    }
  }

  /** Claims until all slots are taken or nothing is left. One loop at a time; a call during it prolongs it. */
  async #claimAll(): Promise<void> {
    this.#asked += 1;
    if (this.#claiming) return;
    this.#claiming = true;
    try {
      while (this.#asked > 0 && this.#room() > 0) await this.#claimSome();
      if (this.#room() > 0) await this.#wakeWhenDue();
    } catch (thrown) {
      this.#ports.log.error({ error: thrown }, "no run could be claimed; it is tried again");
    } finally {
      this.#claiming = false;
    }
    if (this.#asked > 0 && this.#room() > 0) void this.#claimAll();
  }

  /** As many as somebody has spoken of: other servers may have room, too. */
  async #claimSome(): Promise<void> {
    const { storage, clock, limits } = this.#ports;
    const count = Math.min(this.#asked, this.#room());
    this.#asked = 0;
    const now = clock.now();
    const leaseUntil = now + limits.leaseMs;
    const claims = storage.runs.claim({ owner: this.#owner, now, leaseUntil, count });
    const begun = claims.then(({ runs }) => runs.forEach((one) => this.#begin(one)));
    this.#claims = begun.catch(() => {});
    await begun;
    if ((await claims).more) this.#asked += 1;
  }

  /** Free slots. */
  #room(): number {
    return this.#stopping ? 0 : this.#ports.limits.jobsPerWorker - this.#executions.size;
  }

  #begin(claimed: ClaimedRun): void {
    const { log } = this.#ports;
    const { run } = claimed;
    if (claimed.takenOver) {
      log.warn(runFields(run), "taking over a run whose worker was lost");
    }
    const execution = new Execution(this.#ports, run, claimed.takenOver);
    this.#executions.set(run.runId, execution);
    void execution.done.then(() => {
      // A run that came back to this worker meanwhile is another execution.
      if (this.#executions.get(run.runId) === execution) this.#executions.delete(run.runId);
      return this.#claimAll();
    });
  }

  /** Delayed runs and leases that expire become claimable without anybody saying so. */
  async #wakeWhenDue(): Promise<void> {
    const now = this.#ports.clock.now();
    const due = await this.#ports.storage.runs.nextDue(now);
    clearTimeout(this.#due);
    if (due === null || due - now >= this.#ports.limits.beatMs) return;
    this.#due = setTimeout(() => void this.#claimAll(), Math.max(due - now, 1));
  }

  /** Lets runs finish for `shutdownGraceMs`, then hands them back for the next server to continue. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#beat);
    clearTimeout(this.#due);
    this.#unsubscribe();
    // What is being claimed at this moment is handed back like the rest.
    await this.#claims;
    const finished = Promise.all([...this.#executions.values()].map(({ done }) => done));
    const grace = new AbortController();
    const patience = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#ports.limits.shutdownGraceMs);
      grace.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    await Promise.race([finished, patience]);
    grace.abort();
    for (const execution of this.#executions.values()) execution.stop("shutdown");
    await finished;
  }
}
