import type { ThreadId } from "../core/ids.ts";
import type { Json } from "../core/json.ts";

/** How many threads' latest values are kept; the ones not asked for longest go first. */
const threadsMax = 32;

/**
 * The latest values of threads that are being asked about, in wire form. A checkpoint never changes,
 * so what is kept is right as long as the thread's head is the same one. Decoding a state of 2,000
 * messages takes 20 ms; clients that poll a run or page through a conversation ask for it again
 * and again.
 */
export class ValuesCache {
  readonly #kept = new Map<ThreadId, { checkpointId: string; generation: number; values: Json }>();

  /** `generation`: of the graphs, which say what of a checkpoint is the state. */
  async read(
    key: { threadId: ThreadId; checkpointId: string; generation: number },
    read: () => Promise<{ values: Json; checkpointId: string }>,
  ): Promise<Json> {
    const { threadId, checkpointId, generation } = key;
    const kept = this.#kept.get(threadId);
    this.#kept.delete(threadId);
    const isSame = kept?.checkpointId === checkpointId && kept.generation === generation;
    // What is read may be of a newer head than the one that was asked for.
    const current = isSame ? kept : { ...(await read()), generation };
    this.#kept.set(threadId, current);
    if (this.#kept.size > threadsMax) this.#kept.delete(this.#kept.keys().next().value!);
    return current.values;
  }
}
