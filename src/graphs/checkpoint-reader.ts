import type { Checkpoint, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { ThreadId } from "../core/ids.ts";
import type { LineageId, Span } from "../core/lineage.ts";
import type { CheckpointStorage, CheckpointTuple, StoredItem } from "../core/ports/checkpoints.ts";
import { type PackedValue, unpackContent } from "./checkpoint-content.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";
import type { ItemCache, LiveItem } from "./item-cache.ts";
import { Reviver } from "./reviver.ts";
import { WireReader } from "./stored-wire.ts";
import type { HeldList, ThreadMemory } from "./thread-memory.ts";
import { type Trace, traceOf } from "./trace.ts";

/**
 * Makes checkpoints of what is stored, with items that are cached where they still are what is stored,
 * and remembers in `memory` what is stored how. No object stands in a checkpoint twice: what the graph
 * stored as two values it gets back as two.
 */
export class CheckpointReader {
  readonly #storage: CheckpointStorage;
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
    const { checkpoint, values, rest } = unpackContent(tuple.content, tuple.checkpointId);
    if (rest !== undefined) Object.assign(checkpoint, await reviver.reviveJson(rest));
    const parts = divide(values, tuple.spans, (value) => this.#formOf(value, asWire));
    const items = (await this.#items(tuple, placesOf(parts, "live"))).values();
    const wires = (await this.#wireForms(tuple, placesOf(parts, "wire"))).values();
    memory.enter(tuple.generation);
    const known = memory.of(tuple.namespace);
    for (const { value, spans, form } of parts) {
      const { channel } = value;
      const version = String(checkpoint.channel_versions[channel]);
      const count = lengthOf(spans);
      if (value.kind === "inline") {
        const text = JSON.stringify(value.json);
        set(checkpoint, channel, await reviver.reviveJson(value.json));
        known.hold(channel, version, { kind: "inline", text });
      } else if (form === "omitted") {
        set(checkpoint, channel, Array.from({ length: count }).fill(null));
      } else if (form === "wire") {
        const own = [...wires.take(count)];
        set(checkpoint, channel, value.kind === "item" ? own[0] : own);
      } else if (value.kind === "item") {
        set(checkpoint, channel, items.next().value!.value);
        known.hold(channel, version, { kind: "item", spans: [spans[0]!] });
      } else {
        const own = [...items.take(count)];
        const elements = own.map((item) => item.value);
        set(checkpoint, channel, elements);
        known.hold(channel, version, heldList(spans, own, value.isOpen));
        for (const item of own) if (item.trace) memory.items.set(item.value as object, item);
      }
    }
    return checkpoint;
  }

  #formOf(value: PackedValue, asWire: ReadonlySet<string> | null): Form {
    if (this.#omitLists && value.kind === "list" && !value.hasTexts) return "omitted";
    return asWire?.has(value.channel) ? "wire" : "live";
  }

  async #wireForms(tuple: CheckpointTuple, places: Place[]): Promise<unknown[]> {
    if (places.length === 0) return [];
    const { threadId, generation } = tuple;
    const cached = this.#wireCache.view(threadId, generation, this.#serializer);
    const wires: unknown[] = places.map(
      ({ lineage, position }) => cached(lineage, position)?.value,
    );
    const missing = places.filter((_, index) => wires[index] === undefined);
    if (missing.length === 0) return wires;
    const reader = await WireReader.of(this.#serializer);
    const loaded: { item: LiveItem; bytes: number }[] = [];
    for (const { lineage, position, value } of await this.#stored(missing)) {
      const wire = reader.readNow(value) ?? (await reader.read(value));
      const item = { lineage, position, value: wire, trace: null };
      loaded.push({ item, bytes: value.bytes.length });
    }
    this.#wireCache.add(threadId, generation, this.#serializer, loaded);
    let next = 0;
    return wires.map((wire) => wire ?? loaded[next++]!.item.value);
  }

  /** The items at `places`, none of them given twice. */
  async #items(tuple: CheckpointTuple, places: Place[]): Promise<LiveItem[]> {
    if (places.length === 0) return [];
    const { threadId, generation } = tuple;
    const cached = this.#cache?.view(threadId, generation, this.#serializer);
    const given = new Set<LiveItem>();
    const items = places.map(({ lineage, position }) => {
      const item = cached?.(lineage, position);
      if (!item || (item.trace !== null && given.has(item))) return null;
      given.add(item);
      return item;
    });
    const missing = places.filter((_, index) => items[index] === null);
    const loaded = await this.#load(threadId, generation, missing);
    let next = 0;
    return items.map((item) => item ?? loaded[next++]!);
  }

  async #load(threadId: ThreadId, generation: number, places: Place[]): Promise<LiveItem[]> {
    if (places.length === 0) return [];
    const stored = await this.#stored(places);
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
      traced.filter(({ item }) => item.trace === null || item.trace.length > 0),
    );
    return items;
  }

  async #stored(places: Place[]): Promise<StoredItem[]> {
    const stored = await this.#storage.items(spansOfPlaces(places));
    if (stored.length !== places.length) throw new CheckpointGone();
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

interface Place {
  lineage: LineageId;
  position: number;
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

/** Of the parts that are read in this form. */
function placesOf(parts: Part[], form: Form): Place[] {
  const places: Place[] = [];
  for (const part of parts) {
    if (part.form !== form) continue;
    for (const { lineage, first, end } of part.spans) {
      for (let position = first; position < end; position++) places.push({ lineage, position });
    }
  }
  return places;
}

function spansOfPlaces(places: Place[]): Span[] {
  const spans: Span[] = [];
  for (const { lineage, position } of places) {
    const last = spans.at(-1);
    if (last?.lineage === lineage && last.end === position) last.end += 1;
    else spans.push({ lineage, first: position, end: position + 1 });
  }
  return spans;
}

function lengthOf(spans: Span[]): number {
  return spans.reduce((sum, { first, end }) => sum + end - first, 0);
}

/** Null for what cannot change. */
function traceOfItem(value: unknown): Trace | null {
  return typeof value === "object" && value !== null ? (traceOf(value) ?? []) : null;
}

function heldList(spans: Span[], items: LiveItem[], isOpen: boolean): HeldList {
  const last = spans.at(-1);
  return {
    kind: "list",
    spans,
    elements: items.map(({ value }) => value),
    items,
    tail: isOpen && last ? { lineage: last.lineage, next: last.end } : null,
  };
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
