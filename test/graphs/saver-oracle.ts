import {
  MemorySaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";

interface Put {
  kind: "put";
  run: string | null;
  namespace: string;
  parentId: string | undefined;
  checkpoint: Checkpoint;
  metadata: CheckpointMetadata;
  newVersions: ChannelVersions;
}

interface PutWrites {
  kind: "writes";
  run: string | null;
  namespace: string;
  checkpointId: string;
  writes: PendingWrite[];
  taskId: string;
}

const { serde } = new MemorySaver();

/** What MemorySaver would hand back for `value`: taken at once, so that later changes do not show. */
async function asRead<Value>(value: Value): Promise<Value> {
  return (await serde.loadsTyped("json", await asText(value))) as Value;
}

export async function asText(value: unknown): Promise<string> {
  const [, bytes] = await serde.dumpsTyped({ value });
  return new TextDecoder().decode(bytes).slice('{"value":'.length, -1);
}

/**
 * What a thread should be: everything that was done to it, in order. What our storage does beyond a
 * saver (copies, rollbacks, pruning) is to have done less, or the same elsewhere.
 */
export class OracleThread {
  #done: (Put | PutWrites)[];

  constructor(done: (Put | PutWrites)[] = []) {
    this.#done = done;
  }

  async put(step: Omit<Put, "kind">): Promise<void> {
    const checkpoint = await asRead(step.checkpoint);
    this.#done.push({ ...step, kind: "put", checkpoint });
  }

  async putWrites(step: Omit<PutWrites, "kind">): Promise<void> {
    this.#done.push({ ...step, kind: "writes", writes: await asRead(step.writes) });
  }

  copy(): OracleThread {
    return new OracleThread(this.#done.map((one) => ({ ...one, run: null })));
  }

  clear(): void {
    this.#done = [];
  }

  rollBack(run: string): void {
    const gone = this.#puts.filter((one) => one.run === run);
    this.#removePuts(gone);
    this.#done = this.#done.filter((one) => one.run !== run);
  }

  /** Keeps the latest of the root, and of those that belong to it. */
  prune(): void {
    const latest = (namespace: string) =>
      this.#puts
        .filter((one) => one.namespace === namespace)
        .toSorted((one, other) => (one.checkpoint.id < other.checkpoint.id ? 1 : -1))[0];
    const root = latest("");
    const kept = new Set(
      [...new Set(this.#puts.map(({ namespace }) => namespace))]
        .map(latest)
        .filter((one) => !one!.namespace.includes(":") || parentOf(one!) === root?.checkpoint.id),
    );
    this.#removePuts(this.#puts.filter((one) => !kept.has(one)));
  }

  get #puts(): Put[] {
    return this.#done.filter((one) => one.kind === "put");
  }

  /** With the writes on them. */
  #removePuts(gone: Put[]): void {
    const addresses = new Set(gone.map((one) => `${one.checkpoint.id} ${one.namespace}`));
    this.#done = this.#done.filter((one) =>
      one.kind === "put"
        ? !gone.includes(one)
        : !addresses.has(`${one.checkpointId} ${one.namespace}`),
    );
  }

  /** A MemorySaver to which it was done. */
  async saver(threadId: string): Promise<MemorySaver> {
    const saver = new MemorySaver();
    for (const one of this.#done) {
      const configurable = { thread_id: threadId, checkpoint_ns: one.namespace };
      if (one.kind === "put") {
        const config = { configurable: { ...configurable, checkpoint_id: one.parentId } };
        await saver.put(config, one.checkpoint, one.metadata);
      } else {
        const config = { configurable: { ...configurable, checkpoint_id: one.checkpointId } };
        await saver.putWrites(config, one.writes, one.taskId);
      }
    }
    return saver;
  }
}

function parentOf({ metadata }: Put): string | undefined {
  return (metadata.parents as Record<string, string> | undefined)?.[""];
}

/** A tuple in a form in which equal ones are equal texts. */
export async function tupleText({
  config,
  parentConfig,
  checkpoint,
  metadata,
  pendingWrites = [],
}: CheckpointTuple): Promise<string> {
  const { channel_values: values, channel_versions: versions, ...rest } = checkpoint;
  const writes = await Promise.all(pendingWrites.map(asText));
  return asText({
    id: config.configurable?.["checkpoint_id"],
    namespace: config.configurable?.["checkpoint_ns"],
    parent: parentConfig?.configurable?.["checkpoint_id"],
    values: Object.entries(values).toSorted(),
    versions: Object.entries(versions).toSorted(),
    rest: Object.entries(rest).toSorted(),
    metadata: Object.entries(metadata ?? {}).toSorted(),
    writes: writes.toSorted(),
  });
}
