import type { Checkpoint, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { ThreadId } from "../core/ids.ts";
import { type Span, subtractSpans } from "../core/lineage.ts";
import type { CheckpointStorage, CheckpointTuple, StoredItem } from "../core/ports/checkpoints.ts";
import { type PackedList, type PackedValue, unpackContent } from "./checkpoint-content.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";
import type { ItemCache, LiveItem } from "./item-cache.ts";
import { Names } from "./names.ts";
import { Reviver } from "./reviver.ts";
import { WireReader } from "./stored-wire.ts";
import type { Held, HeldList, ThreadMemory } from "./thread-memory.ts";
import { type Trace, traceOf, untraceable } from "./trace.ts";

/**
 * Makes checkpoints of what is stored, with items that are cached where they still are what is stored,
 * and remembers in `memory` what is stored how. No object stands in a checkpoint twice: what the graph
 * stored as two values it gets back as two.
 */
export class CheckpointReader {
  readonly #storage: CheckpointStorage;
  readonly #names: Names;
  readonly #serializer: SerializerProtocol;
  readonly #cache: ItemCache | null;
  /** Elements of lists are read as null, and lists are not remembered. */
  readonly #omitLists: boolean;
  /** Wire forms, of which checkpoints of a thread share most. */
  readonly #wireCache: ItemCache;

  constructor(params: {
    storage: CheckpointStorage;
    serializer: SerializerProtocol;
    cache: ItemCache | null;
    omitLists: boolean;
    wireCache: ItemCache;
  }) {
    this.#storage = params.storage;
    this.#names = Names.of(params.storage);
    this.#serializer = params.serializer;
    this.#cache = params.cache;
    this.#omitLists = params.omitLists;
    this.#wireCache = params.wireCache;
  }

  /**
   * `asWire`: channels whose values come in wire form and are not remembered.
   * @throws CheckpointGone
   */
  async read(
    tuple: CheckpointTuple,
    memory: ThreadMemory,
    asWire: ReadonlySet<string> | null,
  ): Promise<Checkpoint> {
    const reviver = await Reviver.of(this.#serializer);
    const { content, checkpointId } = tuple;
    const { checkpoint, values, rest } = await unpackContent(content, checkpointId, this.#names);
    if (rest !== undefined) Object.assign(checkpoint, await reviver.reviveJson(rest));
    const parts = divide(values, tuple.spans, (value) => this.#formOf(value, asWire));
    const items = await this.#items(tuple, memory, spansOfForm(parts, "live"));
    const wires = await this.#wireForms(tuple, spansOfForm(parts, "wire"));
    memory.enter(tuple.generation);
    const known = memory.of(tuple.namespace);
    let itemsRead = 0;
    let wiresRead = 0;
    for (const { value, spans, form } of parts) {
      const { channel } = value;
      const version = String(checkpoint.channel_versions[channel]);
      const count = lengthOf(spans);
      if (value.kind === "inline") {
        const text = JSON.stringify(value.json);
        set(checkpoint, channel, await reviver.reviveJson(value.json));
        known.hold(channel, version, { kind: "inline", text, texts: [] });
      } else if (form === "omitted") {
        set(checkpoint, channel, Array.from({ length: count }).fill(null));
      } else if (form === "wire") {
        const own = wires.slice(wiresRead, (wiresRead += count));
        set(checkpoint, channel, value.kind === "item" ? own[0] : own);
      } else {
        const own = items.slice(itemsRead, (itemsRead += count));
        const elements = own.map((item) => item.value);
        set(checkpoint, channel, value.kind === "item" ? elements[0] : elements);
        const held = value.kind === "item" ? heldItem(spans[0]!) : heldList(spans, own, value);
        known.hold(channel, version, held);
      }
    }
    return checkpoint;
  }

  #formOf(value: PackedValue, asWire: ReadonlySet<string> | null): Form {
    if (this.#omitLists && value.kind === "list" && !value.hasTexts) return "omitted";
    return asWire?.has(value.channel) ? "wire" : "live";
  }

  async #wireForms(tuple: CheckpointTuple, spans: Span[]): Promise<unknown[]> {
    if (spans.length === 0) return [];
    const { threadId, generation } = tuple;
    const cached = this.#wireCache.view(threadId, generation, this.#serializer);
    const wires = cached?.take(spans) ?? nothingOf(spans);
    const reader = await WireReader.of(this.#serializer);
    const loaded: { item: LiveItem; bytes: number }[] = [];
    for (const { lineage, position, value } of await this.#stored(missing(wires, spans))) {
      const wire = reader.readNow(value) ?? (await reader.read(value));
      const item = { lineage, position, value: wire, trace: null };
      loaded.push({ item, bytes: value.bytes.length });
    }
    this.#wireCache.add(threadId, generation, this.#serializer, loaded);
    let next = 0;
    return wires.map((wire) => (wire ?? loaded[next++]!.item).value);
  }

  /** What lies in `spans`, no object twice. */
  async #items(tuple: CheckpointTuple, memory: ThreadMemory, spans: Span[]): Promise<LiveItem[]> {
    if (spans.length === 0) return [];
    const { threadId, generation } = tuple;
    const cached = this.#cache?.view(threadId, generation, this.#serializer) ?? null;
    const items = cached?.take(spans) ?? nothingOf(spans);
    if (overlap(spans)) dropRepeated(items);
    const loaded = await this.#load(threadId, generation, missing(items, spans));
    memory.enter(generation);
    memory.takeFrom(cached);
    memory.learn(loaded);
    let next = 0;
    return items.map((item) => item ?? loaded[next++]!);
  }

  async #load(threadId: ThreadId, generation: number, spans: Span[]): Promise<LiveItem[]> {
    if (spans.length === 0) return [];
    const stored = await this.#stored(spans);
    const reviver = await Reviver.of(this.#serializer);
    const items: LiveItem[] = [];
    for (const { lineage, position, value } of stored) {
      const revived = reviver.reviveNow(value) ?? { value: await reviver.revive(value) };
      items.push({ lineage, position, value: revived.value, trace: traceOfItem(revived.value) });
    }
    const traced = items.map((item, index) => ({ item, bytes: stored[index]!.value.bytes.length }));
    this.#cache?.add(
      threadId,
      generation,
      this.#serializer,
      traced.filter(({ item }) => item.trace !== untraceable),
    );
    return items;
  }

  async #stored(spans: Span[]): Promise<StoredItem[]> {
    if (spans.length === 0) return [];
    const stored = await this.#storage.items(spans);
    if (stored.length !== lengthOf(spans)) throw new CheckpointGone();
    return stored;
  }
}

/** How a value is read: as an object, in wire form, or as nulls. */
type Form = "live" | "wire" | "omitted";

interface Part {
  value: PackedValue;
  spans: Span[];
  form: Form;
}

/** Each value with its spans. */
function divide(
  values: PackedValue[],
  spans: Span[],
  formOf: (value: PackedValue) => Form,
): Part[] {
  let at = 0;
  return values.map((value) => {
    const count = value.kind === "inline" ? 0 : value.kind === "item" ? 1 : value.spans;
    const own = spans.slice(at, at + count);
    at += count;
    return { value, spans: own, form: formOf(value) };
  });
}

function spansOfForm(parts: Part[], form: Form): Span[] {
  return parts.flatMap((part) => (part.form === form ? part.spans : []));
}

function nothingOf(spans: Span[]): null[] {
  return Array.from({ length: lengthOf(spans) }, () => null);
}

/** The places of the `items` that are null. */
function missing(items: (LiveItem | null)[], spans: Span[]): Span[] {
  const places: Span[] = [];
  let at = 0;
  for (const { lineage, first, end } of spans) {
    for (let position = first; position < end; position++) {
      if (items[at++] !== null) continue;
      const last = places.at(-1);
      if (last?.lineage === lineage && last.end === position) last.end += 1;
      else places.push({ lineage, first: position, end: position + 1 });
    }
  }
  return places;
}

function overlap(spans: Span[]): boolean {
  return lengthOf(subtractSpans(spans, [])) < lengthOf(spans);
}

/** Only the first of them stays. */
function dropRepeated(items: (LiveItem | null)[]): void {
  const given = new Set<LiveItem>();
  for (const [at, item] of items.entries()) {
    if (!item?.trace) continue;
    if (given.has(item)) items[at] = null;
    given.add(item);
  }
}

function lengthOf(spans: Span[]): number {
  return spans.reduce((sum, { first, end }) => sum + end - first, 0);
}

/** Null for what cannot change. */
function traceOfItem(value: unknown): Trace | null {
  return typeof value === "object" && value !== null ? traceOf(value) : null;
}

function heldItem(span: Span): Held {
  return { kind: "item", spans: [span] };
}

function heldList(spans: Span[], items: LiveItem[], { isOpen, hasTexts }: PackedList): HeldList {
  const last = spans.at(-1);
  const tail = isOpen && last ? { lineage: last.lineage, next: last.end } : null;
  return { kind: "list", spans, items, hasTexts, tail };
}

/** A channel may have any name, `__proto__` too. */
function set(checkpoint: Checkpoint, channel: string, value: unknown): void {
  Object.defineProperty(checkpoint.channel_values, channel, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
