import { lineageLengthMax, mintLineage, type Span } from "../core/lineage.ts";
import type { StoredItem, StoredValue } from "../core/ports/checkpoints.ts";
import type { LiveItem } from "./item-cache.ts";
import type { HeldList, Tail } from "./thread-memory.ts";
import { isUnchanged, traceOf, type Trace } from "./trace.ts";

/** A list in more pieces than this is stored anew: reading and naming the pieces costs more. */
const spansMax = 256;

/**
 * Fewer neighbours than this are not shared with another list: a subgraph's and its parent's messages
 * would else take turns, and each checkpoint would name as many pieces as the thread has turns.
 */
const foreignMin = 8;

/** Never matches: for elements that cannot be traced, which are stored anew each time. */
const untraceable: Trace = [];

/**
 * Whether an array is stored element by element: objects and texts are, while arrays of numbers (an
 * embedding, say) or of arrays are one value that changes as a whole. The library's own channels are
 * short-lived.
 */
export function isList(channel: string, value: unknown): value is unknown[] {
  if (!Array.isArray(value) || value.length === 0 || channel.startsWith("__")) return false;
  for (let at = 0; at < value.length; at++) {
    const element: unknown = value[at];
    if (typeof element === "string") continue;
    if (typeof element !== "object" || element === null || Array.isArray(element)) return false;
  }
  return true;
}

/** How a list will be stored: which of its elements are stored already, and the others' values. */
export interface ListPlan {
  elements: unknown[];
  /** Where elements are stored; null for new ones. */
  known: (LiveItem | null)[];
  /** By index, for new elements. */
  fresh: Map<number, { value: StoredValue; trace: Trace | null }>;
  tail: Tail | null;
}

/**
 * Compares with the list it has most likely grown from, element by element and by identity, and looks
 * up what is left. An element that was changed in place counts as new. Everything up to the first
 * `await` happens at once, so the list is stored as it was when this was called.
 */
export async function planList(
  list: unknown[],
  base: HeldList | undefined,
  find: (element: object) => LiveItem | undefined,
  encode: (value: unknown) => Promise<StoredValue>,
): Promise<ListPlan> {
  const elements = [...list];
  const known = withoutFragments(findKnown(elements, base, find), base);
  const pending: { index: number; trace: Trace | null; value: Promise<StoredValue> }[] = [];
  for (const [index, element] of elements.entries()) {
    if (known[index]) continue;
    const trace = typeof element === "object" ? (traceOf(element) ?? untraceable) : null;
    pending.push({ index, trace, value: encode(element) });
  }
  const fresh: ListPlan["fresh"] = new Map();
  for (const { index, trace, value } of pending) fresh.set(index, { trace, value: await value });
  return { elements, known, fresh, tail: base?.tail ?? null };
}

function findKnown(
  elements: unknown[],
  base: HeldList | undefined,
  find: (element: object) => LiveItem | undefined,
): (LiveItem | null)[] {
  let growing = base !== undefined;
  return elements.map((element, index) => {
    if (growing && base && index < base.elements.length) {
      const item = base.items[index]!;
      if (Object.is(base.elements[index], element) && isIntact(item, element)) return item;
    }
    growing = false;
    if (typeof element !== "object" || element === null) return null;
    const item = find(element);
    return item && isIntact(item, element) ? item : null;
  });
}

function isIntact({ trace }: LiveItem, element: unknown): boolean {
  return trace === null || isUnchanged(element, trace);
}

/** Drops what is stored in short pieces of other lists, and everything when there are too many pieces. */
function withoutFragments(
  known: (LiveItem | null)[],
  base: HeldList | undefined,
): (LiveItem | null)[] {
  const own = new Set(base?.spans.map(({ lineage }) => lineage));
  const kept = [...known];
  let spans = 0;
  for (let start = 0; start < known.length;) {
    const item = known[start];
    let end = start + 1;
    if (item) {
      while (end < known.length && follows(known[end - 1]!, known[end])) end += 1;
      if (!own.has(item.lineage) && end - start < foreignMin) kept.fill(null, start, end);
      spans += 1;
    }
    start = end;
  }
  return spans > spansMax ? kept.fill(null) : kept;
}

function follows(one: LiveItem, next: LiveItem | null | undefined): boolean {
  return next?.lineage === one.lineage && next.position === one.position + 1;
}

/** Gives new elements their places. Pure but for the lineages it mints, so it can be done again. */
export function placeList(plan: ListPlan): { held: HeldList; items: StoredItem[] } {
  const placer = new Placer(plan.tail);
  const stored: StoredItem[] = [];
  const items = plan.elements.map((element, index): LiveItem => {
    const known = plan.known[index];
    if (known) return known;
    const { value, trace } = plan.fresh.get(index)!;
    const place = placer.next();
    stored.push({ ...place, value });
    return { ...place, value: element, trace };
  });
  const spans = spansOfItems(items);
  const held: HeldList = {
    kind: "list",
    spans,
    elements: plan.elements,
    items,
    tail: placer.tail,
  };
  return { held, items: stored };
}

function spansOfItems(items: LiveItem[]): Span[] {
  const spans: Span[] = [];
  let last: Span | undefined;
  for (const { lineage, position } of items) {
    if (last?.lineage === lineage && last.end === position) last.end += 1;
    else spans.push((last = { lineage, first: position, end: position + 1 }));
  }
  return spans;
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
