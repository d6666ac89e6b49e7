import type { LineageId, Span } from "../core/lineage.ts";
import type { NewWrite } from "../core/ports/checkpoints.ts";
import type { CachedItems, LiveItem } from "./item-cache.ts";

/** How a channel's value is stored. */
export type Held =
  /** In the checkpoint's own text; `texts`: what it has excerpts of. */
  | { kind: "inline"; text: string; texts: Span[] }
  /** As one item. */
  | { kind: "item"; spans: [Span] }
  | HeldList;

/** An array, each element as an item. */
export interface HeldList {
  kind: "list";
  spans: Span[];
  /** For each element. */
  items: LiveItem[];
  hasTexts: boolean;
  /** Where the list goes on when it grows; null: in a lineage of its own that is still to begin. */
  tail: Tail | null;
}

export interface Tail {
  lineage: LineageId;
  next: number;
}

/** What this checkpointer stored of one checkpoint with long texts, which items may soon have, too. */
export interface StoredStep {
  content: { text: string; texts: Span[] } | null;
  /** Each resolves when it is known what was stored; to none where that failed. */
  writes: Promise<NewWrite[]>[];
}

/** A superstep's writes may be there before its checkpoint, while the one before is being stored. */
const stepsMax = 3;

/** Versions of a channel that are remembered: of the latest checkpoints, and of one to fork from. */
const versionsMax = 4;

/** What one checkpointer knows about how the values of a namespace are stored. */
export class NamespaceMemory {
  readonly #channels = new Map<string, Map<string, Held>>();
  /** Where values that are one item go. */
  wholeTail: Tail | null = null;
  /** Resolves when the put before has ended. */
  idle: Promise<unknown> = Promise.resolve();
  /** By checkpoint id, the oldest first. */
  readonly #steps = new Map<string, StoredStep>();

  storedStep(checkpointId: string): StoredStep | undefined {
    return this.#steps.get(checkpointId);
  }

  openStep(checkpointId: string): StoredStep {
    const known = this.#steps.get(checkpointId);
    if (known) return known;
    const step: StoredStep = { content: null, writes: [] };
    this.#steps.set(checkpointId, step);
    const [oldest] = this.#steps.keys();
    if (this.#steps.size > stepsMax) this.#steps.delete(oldest!);
    return step;
  }

  closeStep(checkpointId: string): void {
    this.#steps.delete(checkpointId);
  }

  held(channel: string, version: string): Held | undefined {
    return this.#channels.get(channel)?.get(version);
  }

  hold(channel: string, version: string, held: Held): void {
    const versions = this.#channels.get(channel) ?? new Map<string, Held>();
    this.#channels.set(channel, versions);
    versions.delete(version);
    versions.set(version, held);
    if (versions.size <= versionsMax) return;
    for (const oldest of versions.keys()) {
      versions.delete(oldest);
      break;
    }
  }

  /** The list that was read or stored last: what a new value most likely has grown from. */
  latestList(channel: string): HeldList | undefined {
    const latest = [...(this.#channels.get(channel)?.values() ?? [])].at(-1);
    return latest?.kind === "list" ? latest : undefined;
  }

  /** Somebody else has gone on where this one would have. */
  forgetTails(): void {
    this.wholeTail = null;
    for (const versions of this.#channels.values()) {
      for (const held of versions.values()) if (held.kind === "list") held.tail = null;
    }
  }

  clear(): void {
    this.wholeTail = null;
    this.#channels.clear();
    // What is named there may be gone.
    this.#steps.clear();
  }
}

/** What one checkpointer knows about a thread, in the generation in which it was learnt. */
export class ThreadMemory {
  generation: number | null = null;
  /** Elements of lists that it has loaded and stored itself. */
  #items = new WeakMap<object, LiveItem>();
  /** Where the others came from. */
  #cached: CachedItems | null = null;
  readonly #namespaces = new Map<string, NamespaceMemory>();

  of(namespace: string): NamespaceMemory {
    const known = this.#namespaces.get(namespace);
    if (known) return known;
    const memory = new NamespaceMemory();
    this.#namespaces.set(namespace, memory);
    return memory;
  }

  /** What of an element is stored, as far as it was stored of this very object. */
  find(element: object): LiveItem | undefined {
    return this.#items.get(element) ?? this.#cached?.find(element);
  }

  /** `items`: elements of lists. */
  learn(items: LiveItem[]): void {
    for (const item of items) if (item.trace) this.#items.set(item.value as object, item);
  }

  takeFrom(cached: CachedItems | null): void {
    this.#cached = cached;
  }

  /** Forgets what was learnt in another generation. */
  enter(generation: number): void {
    if (this.generation !== null && this.generation !== generation) this.clear();
    this.generation = generation;
  }

  clear(): void {
    this.generation = null;
    this.#items = new WeakMap();
    this.#cached = null;
    for (const namespace of this.#namespaces.values()) namespace.clear();
  }
}
