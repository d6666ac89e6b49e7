import type { ThreadId } from "../ids.ts";
import type { CheckpointStorage } from "../ports/checkpoints.ts";
import type { Storage } from "../ports/storage.ts";
import { noThread } from "../operations/find.ts";
import type { GuardedThreads } from "./threads.ts";

/** States are read and written through graphs, which take a thread the caller has seen. */
export class GuardedCheckpoints implements Pick<CheckpointStorage, "get" | "head" | "prune"> {
  readonly #storage: CheckpointStorage;
  readonly #threads: GuardedThreads;

  constructor({ checkpoints }: Storage, threads: GuardedThreads) {
    this.#storage = checkpoints;
    this.#threads = threads;
  }

  async get(params: Parameters<CheckpointStorage["get"]>[0]): ReturnType<CheckpointStorage["get"]> {
    return (await this.#threads.get(params.threadId)) && this.#storage.get(params);
  }

  async head(threadId: ThreadId): ReturnType<CheckpointStorage["head"]> {
    return (await this.#threads.get(threadId)) && this.#storage.head(threadId);
  }

  async prune(params: Parameters<CheckpointStorage["prune"]>[0]): Promise<number> {
    if (!(await this.#threads.get(params.threadId))) throw noThread(params.threadId);
    return this.#storage.prune(params);
  }
}
