import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  maxChannelVersion,
  WRITES_IDX_MAP,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple as LibraryTuple,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import type { ThreadId } from "../core/ids.ts";
import type { JsonObject } from "../core/json.ts";
import type {
  CheckpointAddress,
  CheckpointStorage,
  CheckpointTuple,
  StoredValue,
  StoredWrite,
  Writer,
} from "../core/ports/checkpoints.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";
import { CheckpointReader } from "./checkpoint-reader.ts";
import { CheckpointWriter } from "./checkpoint-writer.ts";
import { wholeTuple } from "./excerpts.ts";
import { ItemCache } from "./item-cache.ts";
import { Reviver } from "./reviver.ts";
import { ThreadMemory } from "./thread-memory.ts";
import { VersionCounter } from "./versions.ts";
import { toWire } from "./wire.ts";

const tasksChannel = "__pregel_tasks";

/** Writes of no task, which are part of the state as soon as they are stored. */
const nobody = "00000000-0000-0000-0000-000000000000";

/** Writes to these are not to the state. */
const asideChannels = new Set(["__interrupt__", "__error__", "__resume__"]);

/** Channels to read in the form that clients see; see `Checkpointer`. */
export interface WireChannels {
  names: ReadonlySet<string>;
  /** The latest state has what its tasks have written so far; older ones are shown without. */
  withWrites: boolean;
}

/** A checkpoint may be removed while it is read; the next look finds another one, or none. */
const readsMax = 5;

/**
 * The graph library's view of our checkpoint storage, in the name of one writer: an attempt at a run,
 * whose writes are refused once it has lost the run, or an edit. The serializer is that of the user's
 * copy of the library, so that values come back as instances of the classes user code knows.
 *
 * A value that a node changes in place counts as changed where its channel has a new version: elements
 * of lists are compared with what was stored. A channel without a new version did not change.
 */
export class Checkpointer extends BaseCheckpointSaver {
  readonly #storage: CheckpointStorage;
  readonly #reader: CheckpointReader;
  readonly #checkpointWriter: CheckpointWriter;
  readonly #isMoot: (error: unknown) => boolean;
  readonly #asWire: WireChannels | null;
  readonly #versions = new VersionCounter();
  readonly #threads = new Map<ThreadId, ThreadMemory>();

  /**
   * `cache`: items that other checkpointers have decoded. `omitLists`: elements of lists
   * read as null, for what needs to know how a thread stands but not what is in it. Not for writing.
   * (Lists of texts are read: the library keeps in them what a node still waits for.)
   * `asWire`: what the values of these channels look like to clients, for `toWire`, unless writes have
   * to be applied to them. Not for writing. `wireCache`: what others have read so.
   * `isMoot`: told why a write failed; true when nobody needs it any more, and the graph is to hear nothing.
   */
  constructor(
    storage: CheckpointStorage,
    writer: Writer,
    options: {
      serializer?: SerializerProtocol;
      cache?: ItemCache;
      omitLists?: boolean;
      asWire?: WireChannels;
      wireCache?: ItemCache;
      isMoot?: (error: unknown) => boolean;
    } = {},
  ) {
    super(options.serializer);
    // The library calls it in the name of whatever checkpointer the graph was compiled with.
    this.getNextVersion = this.getNextVersion.bind(this);
    const { cache = null, omitLists = false, asWire = null } = options;
    this.#storage = storage;
    this.#isMoot = options.isMoot ?? (() => false);
    this.#asWire = asWire;
    this.#reader = new CheckpointReader({
      storage,
      serializer: this.serde,
      cache,
      omitLists,
      wireCache: options.wireCache ?? new ItemCache(Number.POSITIVE_INFINITY),
    });
    this.#checkpointWriter = new CheckpointWriter(storage, this.serde, writer);
  }

  async getTuple(config: RunnableConfig): Promise<LibraryTuple | undefined> {
    const { threadId, namespace, checkpointId } = addressOf(config);
    if (threadId === undefined) return undefined;
    for (let reads = 1; ; reads++) {
      const tuple = await this.#storage.get({
        threadId,
        namespace,
        ...(checkpointId ? { checkpointId } : {}),
      });
      if (!tuple) return undefined;
      try {
        return await this.#decode(tuple);
      } catch (error) {
        if (!(error instanceof CheckpointGone) || reads === readsMax) throw error;
      }
    }
  }

  async *list(
    config: RunnableConfig,
    options?: CheckpointListOptions,
  ): AsyncGenerator<LibraryTuple> {
    const configurable = config.configurable ?? {};
    const before = options?.before?.configurable?.["checkpoint_id"] as string | undefined;
    const { threadId, checkpointId } = addressOf(config);
    const tuples = this.#storage.list({
      ...(threadId === undefined ? {} : { threadId }),
      ...(configurable["checkpoint_ns"] === undefined
        ? {}
        : { namespace: configurable["checkpoint_ns"] as string }),
      ...(checkpointId ? { checkpointId } : {}),
      ...(before ? { before } : {}),
      ...(options?.filter ? { metadata: options.filter as JsonObject } : {}),
      ...(options?.limit === undefined ? {} : { limit: options.limit }),
    });
    for await (const tuple of tuples) {
      try {
        yield await this.#decode(tuple);
      } catch (error) {
        if (!(error instanceof CheckpointGone)) throw error;
      }
    }
  }

  async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { threadId, namespace, checkpointId: parentId } = addressOf(config);
    if (threadId === undefined) {
      throw new Error('A checkpoint needs "thread_id" under the config\'s "configurable".');
    }
    const address = { threadId, namespace, checkpointId: checkpoint.id };
    const memory = this.#memory(threadId);
    const known = memory.of(namespace);
    // One after another: each builds on what the one before has stored.
    const step = {
      address,
      parentId: parentId ?? null,
      checkpoint,
      // The library leaves it to savers to note which run a checkpoint is of.
      origin: toWire(config.metadata ?? {}) as JsonObject,
      metadata: toWire(metadata) as JsonObject,
      newVersions,
    };
    const recall = async () => void (parentId && (await this.getTuple(config)));
    const put = known.idle.then(() => this.#checkpointWriter.put(step, memory, recall));
    known.idle = put.catch(() => {});
    await this.#unlessMoot(put);
    return configFor(address);
  }

  async putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> {
    const { threadId, namespace, checkpointId } = addressOf(config);
    if (threadId === undefined || !checkpointId) {
      throw new Error(
        'Writes need "thread_id" and "checkpoint_id" under the config\'s "configurable".',
      );
    }
    const put = this.#checkpointWriter.putWrites(
      { threadId, namespace, checkpointId },
      writes.map(([channel, value], position) => ({
        taskId,
        index: WRITES_IDX_MAP[channel] ?? position,
        channel,
        value,
      })),
      this.#memory(threadId),
    );
    await this.#unlessMoot(put);
  }

  /** The library looks at the outcome of a write only when the graph has stopped, if it ever does. */
  async #unlessMoot(write: Promise<unknown>): Promise<void> {
    try {
      await write;
    } catch (error) {
      if (!this.#isMoot(error)) throw error;
    }
  }

  async deleteThread(threadId: string): Promise<void> {
    await this.#storage.deleteThread(threadId as ThreadId);
  }

  override getNextVersion(current: number | string | undefined): number {
    return this.#versions.next(current);
  }

  #memory(threadId: ThreadId): ThreadMemory {
    const known = this.#threads.get(threadId);
    if (known) return known;
    const memory = new ThreadMemory();
    this.#threads.set(threadId, memory);
    return memory;
  }

  async #decode(stored: CheckpointTuple): Promise<LibraryTuple> {
    const tuple = wholeTuple(stored);
    const memory = this.#memory(tuple.threadId);
    const checkpoint = await this.#reader.read(tuple, memory, this.#wireChannels(tuple.writes));
    if (checkpoint.v < 4 && tuple.parentId !== null) await this.#adoptSends(checkpoint, tuple);
    const pendingWrites: CheckpointPendingWrite[] = [];
    for (const { taskId, channel, value } of tuple.writes) {
      pendingWrites.push([taskId, channel, await this.#value(value)]);
    }
    return {
      config: configFor(tuple),
      checkpoint,
      metadata: tuple.metadata as unknown as CheckpointMetadata,
      ...(tuple.parentId === null
        ? {}
        : { parentConfig: configFor({ ...tuple, checkpointId: tuple.parentId }) }),
      pendingWrites,
    };
  }

  #wireChannels(writes: StoredWrite[]): ReadonlySet<string> | null {
    if (this.#asWire === null) return null;
    const { names, withWrites } = this.#asWire;
    const isApplied = ({ taskId, channel }: StoredWrite) =>
      (withWrites || taskId === nobody) && !asideChannels.has(channel);
    return writes.some(isApplied) ? null : names;
  }

  /** Checkpoints before version 4 kept sends as writes of the parent; now they are a channel. */
  async #adoptSends(checkpoint: Checkpoint, tuple: CheckpointTuple): Promise<void> {
    const { threadId, namespace, parentId } = tuple;
    const parent = await this.#storage.get({ threadId, namespace, checkpointId: parentId! });
    const writes = parent ? wholeTuple(parent).writes : [];
    const sends = writes.filter((write) => write.channel === tasksChannel);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_values[tasksChannel] = await Promise.all(
      sends.map(({ value }) => this.#value(value)),
    );
    checkpoint.channel_versions[tasksChannel] =
      versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
  }

  async #value(value: StoredValue): Promise<unknown> {
    const reviver = await Reviver.of(this.serde);
    return reviver.revive(value);
  }
}

interface PartialAddress {
  threadId: ThreadId | undefined;
  namespace: string;
  checkpointId: string | undefined;
}

function addressOf(config: RunnableConfig): PartialAddress {
  const configurable = config.configurable ?? {};
  const checkpointId: unknown = configurable["checkpoint_id"] || configurable["thread_ts"];
  return {
    threadId: configurable["thread_id"] as ThreadId | undefined,
    namespace: (configurable["checkpoint_ns"] as string | undefined) ?? "",
    checkpointId: (checkpointId || undefined) as string | undefined,
  };
}

function configFor({ threadId, namespace, checkpointId }: CheckpointAddress): RunnableConfig {
  return {
    configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: checkpointId },
  };
}
