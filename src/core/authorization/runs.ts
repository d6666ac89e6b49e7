import { allOf, meets, type Condition } from "../condition.ts";
import type { RunKey } from "../idempotency.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { Found } from "../page.ts";
import type { EventLog } from "../ports/events.ts";
import type { Ports } from "../ports/ports.ts";
import type { RunStorage, Storage } from "../ports/storage.ts";
import type { Run } from "../run.ts";
import type { Access } from "./access.ts";
import type { GuardedThreads } from "./threads.ts";

/** A run is seen by who sees its thread. Claims and leases are the workers'. */
export class GuardedRuns implements Pick<
  RunStorage,
  | "get"
  | "list"
  | "search"
  | "inFlight"
  | "delete"
  | "lease"
  | "countAhead"
  | "remembered"
  | "forgetKeys"
  | "counts"
> {
  readonly #storage: Storage;
  readonly #events: EventLog;
  readonly #access: Access;
  readonly #threads: GuardedThreads;

  constructor(
    { storage, events }: Pick<Ports, "storage" | "events">,
    access: Access,
    threads: GuardedThreads,
  ) {
    this.#storage = storage;
    this.#events = events;
    this.#access = access;
    this.#threads = threads;
  }

  async get(runId: RunId): Promise<Run | null> {
    const run = await this.#storage.runs.get(runId);
    if (!run || (await this.#seesAll(runId))) return run;
    return (await this.#threads.get(run.threadId)) ? run : null;
  }

  async list(params: Parameters<RunStorage["list"]>[0]): Promise<Run[]> {
    return (await this.#threads.get(params.threadId)) ? this.#storage.runs.list(params) : [];
  }

  async search({ filter, page }: Parameters<RunStorage["search"]>[0]): Promise<Found<Run>> {
    const condition = await this.#access.condition("threads", "search", {});
    const visible = allOf([filter.visible ?? null, condition]);
    return this.#storage.runs.search({ filter: { ...filter, visible }, page });
  }

  async inFlight(status: "pending" | "running" | "all"): Promise<Run[]> {
    const runs = await this.#storage.runs.inFlight(status);
    const seen = new Map<ThreadId, boolean>();
    for (const { threadId } of runs) {
      if (seen.has(threadId)) continue;
      seen.set(threadId, (await this.#threads.get(threadId)) !== null);
    }
    return runs.filter((run) => seen.get(run.threadId));
  }

  async delete(runId: RunId): Promise<boolean> {
    return (await this.get(runId)) !== null && this.#storage.runs.delete(runId);
  }

  async lease(runId: RunId): ReturnType<RunStorage["lease"]> {
    return (await this.get(runId)) && this.#storage.runs.lease(runId);
  }

  /** Runs of others count, too: the answer is only how many. */
  countAhead(params: { runId: RunId; now: number }): Promise<number> {
    return this.#storage.runs.countAhead(params);
  }

  counts(): Promise<{ pending: number; running: number }> {
    return this.#storage.runs.counts();
  }

  remembered(key: string, now: number): Promise<RunKey | null> {
    return this.#storage.runs.remembered(this.#access.ownKey(key), now);
  }

  async forgetKeys(runIds: RunId[]): Promise<void> {
    await this.#storage.runs.forgetKeys(runIds.filter((id) => this.#threads.created.has(id)));
  }

  /** A stateless run is gone with its thread once it has ended; then its log's end says whose it was. */
  async isVisible(runId: RunId): Promise<boolean> {
    if (this.#threads.created.has(runId) || (await this.#seesAll(runId))) return true;
    if (await this.#storage.runs.get(runId)) return (await this.get(runId)) !== null;
    const { threadMetadata } = (await this.#events.ended(runId)) ?? {};
    return threadMetadata !== undefined && meets(threadMetadata, await this.#condition(runId));
  }

  async #seesAll(runId: RunId): Promise<boolean> {
    return (await this.#condition(runId)) === null;
  }

  #condition(runId: RunId): Promise<Condition | null> {
    return this.#access.condition("threads", "read", { run_id: runId });
  }
}
