import { allOf, keepAsked, meets, type Condition } from "../condition.ts";
import { conflict } from "../error.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { Found } from "../page.ts";
import type { Storage, ThreadChange, ThreadSnapshot, ThreadStorage } from "../ports/storage.ts";
import type { Thread, ThreadFilter } from "../thread.ts";
import { noThread } from "../operations/find.ts";
import type { Access } from "./access.ts";

/** Threads, and with them their runs and checkpoints, by the thread's metadata. What is over is the sweeper's. */
export class GuardedThreads implements Omit<ThreadStorage, "expired"> {
  /** Runs that this request created: theirs even after their thread has gone. */
  readonly created = new Set<RunId>();
  readonly #storage: Storage;
  readonly #access: Access;

  constructor(storage: Storage, access: Access) {
    this.#storage = storage;
    this.#access = access;
  }

  async create(thread: Thread): Promise<{ thread: Thread; created: boolean }> {
    const { threadId } = thread;
    const condition = await this.#access.condition("threads", "create", { thread_id: threadId });
    const metadata = this.#access.tagged("threads", thread.metadata);
    const result = await this.#storage.threads.create({ ...thread, metadata });
    if (!result.created && !meets(result.thread.metadata, condition)) {
      throw conflict(`Thread ${threadId} already exists.`);
    }
    return result;
  }

  async get(threadId: ThreadId): Promise<Thread | null> {
    const condition = await this.#access.condition("threads", "read", { thread_id: threadId });
    const thread = await this.#storage.threads.get(threadId);
    return thread && meets(thread.metadata, condition) ? thread : null;
  }

  async transact<Change extends ThreadChange>(
    threadId: ThreadId,
    decide: (snapshot: ThreadSnapshot) => Change,
  ): Promise<Change> {
    const condition = await this.#access.condition("threads", "change", { thread_id: threadId });
    let wanted: Change | undefined;
    try {
      const change = await this.#storage.threads.transact(threadId, (snapshot) => {
        const { thread } = snapshot;
        if (thread && !meets(thread.metadata, condition)) throw noThread(threadId);
        wanted = this.#tag(decide(snapshot), thread, condition);
        return wanted;
      });
      for (const run of change.insert ?? []) this.created.add(run.runId);
      return change;
    } catch (thrown) {
      await this.#refuseTakenIds(wanted);
      throw thrown;
    }
  }

  async search(params: Parameters<ThreadStorage["search"]>[0]): Promise<Found<Thread>> {
    return this.#storage.threads.search({ ...params, filter: await this.#visible(params.filter) });
  }

  async count(filter: ThreadFilter): Promise<number> {
    return this.#storage.threads.count(await this.#visible(filter));
  }

  async copy({ from, thread }: { from: ThreadId; thread: Thread }): Promise<void> {
    if (!(await this.get(from))) throw noThread(from);
    const metadata = this.#access.tagged("threads", thread.metadata);
    await this.#storage.threads.copy({ from, thread: { ...thread, metadata } });
  }

  async #visible(filter: ThreadFilter): Promise<ThreadFilter> {
    const condition = await this.#access.condition("threads", "search", {});
    return { ...filter, visible: allOf([filter.visible ?? null, condition]) };
  }

  #tag<Change extends ThreadChange>(
    change: Change,
    current: Thread | null,
    condition: Condition | null,
  ): Change {
    const tagged = { ...change };
    if (change.thread) {
      const metadata = current
        ? keepAsked(current.metadata, change.thread.metadata, condition)
        : this.#access.tagged("threads", change.thread.metadata);
      tagged.thread = { ...change.thread, metadata };
    }
    if (change.insert) {
      tagged.insert = change.insert.map((run) => ({
        ...run,
        metadata: this.#access.tagged("threads", run.metadata),
      }));
    }
    if (change.remember) {
      tagged.remember = change.remember.map((one) => ({
        ...one,
        key: this.#access.ownKey(one.key),
      }));
    }
    return tagged;
  }

  /** A caller's own id for a run may be that of a run the caller does not see. */
  async #refuseTakenIds(change: ThreadChange | undefined): Promise<void> {
    for (const { runId } of change?.insert ?? []) {
      if (await this.#storage.runs.get(runId)) {
        throw conflict(`Run ${runId} exists already. Use another run_id, or none to be given one.`);
      }
    }
  }
}
