import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { ThreadId } from "../core/ids.ts";
import type { LineageId, Span } from "../core/lineage.ts";
import { isEqual, isUnchanged, type Trace, traceOf } from "./trace.ts";

/** A stored item as an object, with the trace that tells whether it still is what is stored. */
export interface LiveItem {
  lineage: LineageId;
  position: number;
  value: unknown;
  /** Null for what cannot change. */
  trace: Trace | null;
}

/** Whether it still is what is stored. */
export function isIntact(item: LiveItem): boolean {
  const { trace } = item;
  return trace === null || isUnchanged(trace) || isEqualAgain(item, trace);
}

function isEqualAgain(item: LiveItem, trace: Trace): boolean {
  const value = item.value as object;
  if (!isEqual(value, trace)) return false;
  item.trace = traceOf(value);
  return true;
}

/** What is cached of a thread. */
export interface CachedItems {
  /** In the order of `spans`; null for what is not there, or no longer what is stored. */
  take(spans: Span[]): (LiveItem | null)[];
  /** The item that this very object stands for. */
  find(element: object): LiveItem | undefined;
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

  /** `bytesMax` counts the items as they are stored; as objects they take three to four times that. */
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
  ): CachedItems | undefined {
    const thread = this.#threads.get(threadId);
    if (!thread) return undefined;
    this.#threads.delete(threadId);
    if (thread.generation !== generation || thread.serializer !== serializer) {
      this.#bytes -= thread.bytes;
      return undefined;
    }
    this.#threads.set(threadId, thread);
    return thread;
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
      thread = new CachedThread(generation, serializer);
      this.#threads.set(threadId, thread);
    }
    for (const { item, bytes } of items) this.#bytes += thread.add(item, bytes);
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

class CachedThread implements CachedItems {
  readonly generation: number;
  readonly serializer: SerializerProtocol;
  bytes = 0;
  readonly #items = new Map<LineageId, (LiveItem | undefined)[]>();
  readonly #byElement = new WeakMap<object, LiveItem>();

  constructor(generation: number, serializer: SerializerProtocol) {
    this.generation = generation;
    this.serializer = serializer;
  }

  take(spans: Span[]): (LiveItem | null)[] {
    const taken: (LiveItem | null)[] = [];
    for (const { lineage, first, end } of spans) {
      const items = this.#items.get(lineage);
      for (let position = first; position < end; position++) {
        const item = items?.[position];
        taken.push(item && isIntact(item) ? item : null);
      }
    }
    return taken;
  }

  find(element: object): LiveItem | undefined {
    return this.#byElement.get(element);
  }

  /** Returns by how much it has grown. */
  add(item: LiveItem, bytes: number): number {
    const lineage = this.#items.get(item.lineage) ?? [];
    this.#items.set(item.lineage, lineage);
    const grown = lineage[item.position] === undefined ? bytes : 0;
    lineage[item.position] = item;
    if (item.trace) this.#byElement.set(item.value as object, item);
    this.bytes += grown;
    return grown;
  }
}
