import type { Json } from "../core/json.ts";

/** How many states are kept; the ones not asked for longest go first. */
const statesMax = 32;

/** Of what a state is. */
interface StateKey {
  /** A UUID. A thread and its copy have the same until one of them goes on. */
  checkpointId: string;
  /** Says, in this generation of the graphs, what of a checkpoint is the state. */
  graphId: string;
  generation: number;
}

/** What was read; `isFinal` when nothing is still to be done upon the checkpoint. */
interface ReadValues {
  values: Json;
  checkpointId: string;
  isFinal: boolean;
}

/**
 * The latest values of threads that are being asked about, in wire form. A checkpoint never changes,
 * so what is kept is right as long as the thread's head is the same one; but what its tasks have
 * written so far counts as values, too, so only those of a checkpoint without tasks are kept. Decoding
 * a state of 2,000 messages takes 20 ms; clients that page through a conversation ask for it again and
 * again, and a copy is answered with what the thread has.
 */
export class ValuesCache {
  readonly #kept = new Map<string, Json>();

  async read(wanted: StateKey, read: () => Promise<ReadValues>): Promise<Json> {
    const known = this.#kept.get(keyOf(wanted));
    if (known !== undefined) {
      this.#keep(wanted, known);
      return known;
    }
    // What is read may be of a newer head than the one that was asked for.
    const { values, checkpointId, isFinal } = await read();
    if (isFinal) this.#keep({ ...wanted, checkpointId }, values);
    return values;
  }

  #keep(state: StateKey, values: Json): void {
    const key = keyOf(state);
    this.#kept.delete(key);
    this.#kept.set(key, values);
    if (this.#kept.size > statesMax) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

function keyOf({ checkpointId, graphId, generation }: StateKey): string {
  return `${checkpointId} ${generation} ${graphId}`;
}
