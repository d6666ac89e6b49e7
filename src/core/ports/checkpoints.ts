import type { ThreadId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import type { LineageId, Span } from "../lineage.ts";
import type { Attempt } from "../run.ts";

/** A value as the graph library's serializer gives it; storage does not look inside. */
export interface StoredValue {
  type: string;
  bytes: Uint8Array;
}

/** Addresses a checkpoint; `namespace` is "" for the root graph, else `node:task|node:task…`. */
export interface CheckpointAddress {
  threadId: ThreadId;
  namespace: string;
  checkpointId: string;
}

export interface StoredWrite {
  taskId: string;
  /** Position among the task's writes; negative for special channels, which are replaced. */
  index: number;
  channel: string;
  value: StoredValue;
}

/** A write to store. */
export interface NewWrite extends StoredWrite {
  /** What its value has been shortened by. */
  texts?: Span[];
}

export interface StoredCheckpoint extends CheckpointAddress {
  parentId: string | null;
  /** Everything but what lies in `spans`, as JSON; storage does not look inside. */
  content: string;
  /** What it holds, in an order that `content` gives a meaning. */
  spans: Span[];
  metadata: JsonObject;
}

/** The value at one position of a lineage. */
export interface StoredItem {
  lineage: LineageId;
  position: number;
  value: StoredValue;
}

export interface CheckpointTuple extends StoredCheckpoint {
  writes: StoredWrite[];
  /** The items that its content and its writes have been shortened by. */
  texts: StoredItem[];
  /**
   * Changes when something that the thread's checkpoints held is freed. A span is good for a later
   * checkpoint of the thread as long as the generation is the one in which it was learnt.
   */
  generation: number;
}

/**
 * A checkpoint and writes to it that are stored already, shortened by what stands in items; `texts` are
 * these items. Each holds its own, as a checkpoint holds its spans.
 */
export interface Shortened {
  /** Of the same thread and namespace as what is stored with it. */
  checkpointId: string;
  content: { content: string; texts: Span[] } | null;
  writes: { taskId: string; index: number; value: StoredValue; texts: Span[] }[];
}

export interface NumberedName {
  number: number;
  name: string;
}

/** `list` yields what all the given parameters allow. */
export interface CheckpointQuery {
  threadId?: ThreadId;
  namespace?: string;
  checkpointId?: string;
  /** A checkpoint id, exclusive. */
  before?: string;
  /** As `contains` has it. */
  metadata?: JsonObject;
  limit?: number;
}

/**
 * Who writes: an attempt at a run, which must still hold it (else `LeaseLost`), or an edit from
 * outside, which must find no run in flight on the thread (else `thread_busy`). An `extension` is an
 * edit whose checkpoint must have the latest one of its namespace as its parent (else `HeadMoved`), so
 * that of two at once neither is on a branch that nobody sees. Null is not checked.
 */
export type Writer = RunWriter | Editor | null;
export type Editor = "edit" | "extension";

export interface RunWriter extends Attempt {
  /**
   * A crash of the database may take the write back, as if the worker had died a moment earlier, until
   * anything later is stored for good; the end of the run is. Absent: it is stored for good at once.
   */
  mayLag?: boolean;
}

export function isEditor(writer: Writer): writer is Editor {
  return typeof writer === "string";
}

/**
 * Checkpoints, pending writes, and the items that checkpoints hold. Items are stored once and shared
 * by all checkpoints, forks and copies whose spans hold them; an item that no checkpoint holds any
 * more is freed by what removed the last: a rollback, a prune, the deletion of a run or a thread.
 */
export interface CheckpointStorage {
  /**
   * Stores `items` and the checkpoint that holds them, in one transaction; one with the same address
   * is replaced. `origin` is the part of the metadata that many checkpoints share: it is stored once
   * and comes back merged under `metadata`. `texts` are what the content has been shortened by.
   * `generation` is that of the spans which are not of `items`, null when there are none. Returns the
   * thread's generation.
   * What `shortened` names is replaced, where it is not yet part of a copy of the thread and the writes
   * are those of `writer`.
   *
   * @throws SpansFreed when the generation has passed; LineageTaken when an item's position is taken;
   * what the writer's rule says.
   */
  put(params: {
    checkpoint: StoredCheckpoint;
    texts?: Span[];
    origin: JsonObject;
    items: StoredItem[];
    generation: number | null;
    shortened?: Shortened | null;
    writer: Writer;
  }): Promise<number>;
  /**
   * Writes with index ≥ 0 that are there already stay; special ones are replaced. `generation` is that of
   * their texts. Returns those that were stored.
   *
   * @throws SpansFreed when the generation has passed; what the writer's rule says.
   */
  putWrites(params: {
    address: CheckpointAddress;
    writes: NewWrite[];
    generation?: number | null;
    writer: Writer;
  }): Promise<NewWrite[]>;
  /** The latest of the namespace when `checkpointId` is absent. */
  get(params: {
    threadId: ThreadId;
    namespace: string;
    checkpointId?: string;
  }): Promise<CheckpointTuple | null>;
  /** Newest first. */
  list(query: CheckpointQuery): AsyncIterable<CheckpointTuple>;
  /** In the order of `spans`, apart from those that were freed meanwhile. */
  items(spans: Span[]): Promise<StoredItem[]>;
  /** Numbers that stand for these names from now on, for all threads. In any order. */
  numbersOf(names: string[]): Promise<NumberedName[]>;
  /** In any order; without those that stand for nothing. */
  namesOf(numbers: number[]): Promise<NumberedName[]>;
  /** Address and run of a thread's latest root checkpoint. */
  head(threadId: ThreadId): Promise<{ checkpointId: string; runId: string | null } | null>;
  /**
   * Removes what the thread's latest state does not need, see `keepLatest`. Returns how many
   * checkpoints went.
   *
   * @throws thread_busy while a run is in flight on the thread.
   */
  prune(params: { threadId: ThreadId; keep: "latest" }): Promise<number>;
  /** Everything of the thread; its runs and the thread itself stay. */
  deleteThread(threadId: ThreadId): Promise<void>;
}
