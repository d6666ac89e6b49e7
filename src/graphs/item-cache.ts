import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { ThreadId } from "../core/ids.ts";
import type { LineageId } from "../core/lineage.ts";
import { isUnchanged, type Trace } from "./trace.ts";

/** A stored item as an object, with the trace that tells whether it still is what is stored. */
export interface LiveItem {
  lineage: LineageId;
  position: number;
  value: unknown;
  /** Null for what cannot change. */
  trace: Trace | null;
}

interface CachedThread {
  generation: number;
  serializer: SerializerProtocol;
  items: Map<LineageId, (LiveItem | undefined)[]>;
  bytes: number;
}

/**
 * Items of the threads that were used last, decoded, so that a run on a long thread need not parse
 * what the run before has parsed (17 µs a message). Runs are given these very objects, and a node may
 * change what it is given: an item that is no longer what is stored is dropped when it is asked for.
 */
export class ItemCache {
  readonly #bytesMax: number;
  /** The least recently used first. */
  readonly #threads = new Map<ThreadId, CachedThread>();
  #bytes = 0;

  /** `bytesMax` counts the items as they are stored; as objects they take about three times that. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What it holds, in bytes as stored. */
  get bytes(): number {
    return this.#bytes;
  }

  view(
    threadId: ThreadId,
    generation: number,
    serializer: SerializerProtocol,
  ): (lineage: LineageId, position: number) => LiveItem | undefined {
    const thread = this.#threads.get(threadId);
    if (!thread) return () => undefined;
    if (thread.generation !== generation || thread.serializer !== serializer) {
      this.#remove(threadId, thread);
      return () => undefined;
    }
    this.#threads.delete(threadId);
    this.#threads.set(threadId, thread);
    return (lineage, position) => {
      const item = thread.items.get(lineage)?.[position];
      return item && (item.trace === null || isUnchanged(item.value, item.trace))
        ? item
        : undefined;
    };
  }

  add(
    threadId: ThreadId,
    generation: number,
    serializer: SerializerProtocol,
    items: { item: LiveItem; bytes: number }[],
  ): void {
    if (items.length === 0) return;
    let thread = this.#threads.get(threadId);
    if (!thread || thread.generation !== generation || thread.serializer !== serializer) {
      if (thread) this.#remove(threadId, thread);
      thread = { generation, serializer, items: new Map(), bytes: 0 };
      this.#threads.set(threadId, thread);
    }
    for (const { item, bytes } of items) {
      const lineage = thread.items.get(item.lineage) ?? [];
      thread.items.set(item.lineage, lineage);
      if (lineage[item.position] === undefined) {
        thread.bytes += bytes;
        this.#bytes += bytes;
      }
      lineage[item.position] = item;
    }
    for (const [oldest, cached] of this.#threads) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#remove(oldest, cached);
    }
  }

  #remove(threadId: ThreadId, thread: CachedThread): void {
    this.#threads.delete(threadId);
    this.#bytes -= thread.bytes;
  }
}
