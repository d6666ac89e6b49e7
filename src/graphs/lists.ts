import { lineageLengthMax, mintLineage, type LineageId, type Span } from "../core/lineage.ts";
import type { StoredItem, StoredValue } from "../core/ports/checkpoints.ts";
import { isIntact, type LiveItem } from "./item-cache.ts";
import type { HeldList, Tail } from "./thread-memory.ts";
import { traceOf, type Trace } from "./trace.ts";

/** A list in more pieces than this is stored anew: reading and naming the pieces costs more. */
const spansMax = 256;

/**
 * Fewer neighbours than this are not shared with another list: a subgraph's and its parent's messages
 * would else take turns, and each checkpoint would name as many pieces as the thread has turns.
 */
const foreignMin = 8;

/**
 * How many elements at its start a value shares with the list it has most likely grown from: the same
 * objects, which nobody changed in place.
 */
export function lengthKept(value: unknown, base: HeldList | undefined): number {
  if (!Array.isArray(value) || !base) return 0;
  const { items } = base;
  const end = Math.min(value.length, items.length);
  let at = 0;
  while (at < end && items[at]!.value === value[at] && isIntact(items[at]!)) at += 1;
  return at;
}

/**
 * Whether an array is stored element by element: objects and texts are, while arrays of numbers (an
 * embedding, say) or of arrays are one value that changes as a whole. The library's own channels are
 * short-lived. `kept`: the first so many elements are a list's.
 */
export function isList(channel: string, value: unknown, kept: number): value is unknown[] {
  if (!Array.isArray(value) || value.length === 0 || channel.startsWith("__")) return false;
  for (let at = kept; at < value.length; at++) {
    const element: unknown = value[at];
    if (typeof element === "string") continue;
    if (typeof element !== "object" || element === null || Array.isArray(element)) return false;
  }
  return true;
}

/** How a list will be stored. */
export interface ListPlan {
  /** Stored already, as the start of another list. */
  kept: { items: LiveItem[]; spans: Span[]; hasTexts: boolean };
  /** What comes behind, each stored already or new. */
  rest: (LiveItem | FreshElement)[];
  tail: Tail | null;
}

interface FreshElement {
  element: unknown;
  stored: StoredValue;
  trace: Trace | null;
}

/**
 * Of the list it has most likely grown from, the first elements stay as they are stored; the others
 * are looked up. An element that was changed in place counts as new. Everything up to the first
 * `await` happens at once, so the list is stored as it was when this was called.
 */
export async function planList(
  list: unknown[],
  { base, kept }: { base: HeldList | undefined; kept: number },
  find: (element: object) => LiveItem | undefined,
  encode: (value: unknown) => Promise<StoredValue>,
): Promise<ListPlan> {
  const start = startOf(base, kept);
  const known = withoutFragments(start.spans, findKnown(list, kept, find), base);
  const shared = known ? start : startOf(base, 0);
  const pending = list.slice(shared.items.length).map((element, index) => {
    const item = known?.[index];
    if (item) return item;
    const trace = typeof element === "object" ? traceOf(element as object) : null;
    return { element, trace, stored: encode(element) };
  });
  const rest: ListPlan["rest"] = [];
  for (const one of pending) {
    rest.push("stored" in one ? { ...one, stored: await one.stored } : one);
  }
  return { kept: shared, rest, tail: base?.tail ?? null };
}

function startOf(base: HeldList | undefined, length: number): ListPlan["kept"] {
  if (!base || length === 0) return { items: [], spans: [], hasTexts: false };
  if (length === base.items.length) return base;
  const items = base.items.slice(0, length);
  const hasTexts = items.some(({ value }) => typeof value === "string");
  return { items, spans: firstOf(base.spans, length), hasTexts };
}

function firstOf(spans: Span[], length: number): Span[] {
  const taken: Span[] = [];
  let left = length;
  for (const { lineage, first, end } of spans) {
    if (left === 0) break;
    const count = Math.min(left, end - first);
    taken.push({ lineage, first, end: first + count });
    left -= count;
  }
  return taken;
}

/** Of the elements from `start` on. */
function findKnown(
  list: unknown[],
  start: number,
  find: (element: object) => LiveItem | undefined,
): (LiveItem | null)[] {
  return list.slice(start).map((element) => {
    if (typeof element !== "object" || element === null) return null;
    const item = find(element);
    return item && isIntact(item) ? item : null;
  });
}

/** Drops what is stored in short pieces of other lists. Null when there are too many pieces. */
function withoutFragments(
  start: Span[],
  known: (LiveItem | null)[],
  base: HeldList | undefined,
): (LiveItem | null)[] | null {
  const own = new Set<LineageId>(base?.spans.map(({ lineage }) => lineage));
  const kept = [...known];
  let spans = start.length;
  for (let at = 0; at < known.length;) {
    const item = known[at];
    let end = at + 1;
    if (item) {
      while (end < known.length && follows(known[end - 1]!, known[end])) end += 1;
      if (!own.has(item.lineage) && end - at < foreignMin) kept.fill(null, at, end);
      spans += 1;
    }
    at = end;
  }
  return spans > spansMax ? null : kept;
}

function follows(one: LiveItem, next: LiveItem | null | undefined): boolean {
  return next?.lineage === one.lineage && next.position === one.position + 1;
}

/** Gives new elements their places. Pure but for the lineages it mints, so it can be done again. */
export function placeList({ kept, rest, tail }: ListPlan): {
  held: HeldList;
  items: StoredItem[];
  fresh: LiveItem[];
} {
  const placer = new Placer(tail);
  const stored: StoredItem[] = [];
  const fresh: LiveItem[] = [];
  const behind = rest.map((one): LiveItem => {
    if (!("stored" in one)) return one;
    const place = placer.next();
    stored.push({ ...place, value: one.stored });
    const item = { ...place, value: one.element, trace: one.trace };
    fresh.push(item);
    return item;
  });
  const held: HeldList = {
    kind: "list",
    spans: extended(kept.spans, behind),
    items: [...kept.items, ...behind],
    hasTexts: kept.hasTexts || behind.some(({ value }) => typeof value === "string"),
    tail: placer.tail,
  };
  return { held, items: stored, fresh };
}

function extended(spans: Span[], items: LiveItem[]): Span[] {
  const all = spans.map((span) => ({ ...span }));
  let last = all.at(-1);
  for (const { lineage, position } of items) {
    if (last?.lineage === lineage && last.end === position) last.end += 1;
    else all.push((last = { lineage, first: position, end: position + 1 }));
  }
  return all;
}

/** Hands out places at the end of a lineage, and of a new one when there is none or it is full. */
export class Placer {
  tail: Tail | null;

  constructor(tail: Tail | null) {
    this.tail = tail;
  }

  next(): { lineage: Tail["lineage"]; position: number } {
    const { lineage, next } =
      this.tail && this.tail.next < lineageLengthMax
        ? this.tail
        : { lineage: mintLineage(), next: 0 };
    this.tail = { lineage, next: next + 1 };
    return { lineage, position: next };
  }
}
