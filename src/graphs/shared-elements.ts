import { randomUUID } from "node:crypto";
import { type Span, subtractSpans } from "../core/lineage.ts";
import type { StoredValue } from "../core/ports/checkpoints.ts";
import { bufferOf, itemsReference, withReferences } from "./excerpts.ts";
import { isIntact, type LiveItem } from "./item-cache.ts";
import { traceOf, untraceable } from "./trace.ts";

/** Fewer are written out: reading them back takes another look into the database. */
const sharedMin = 4;

/** Stands for an element while the value around it is serialised; nobody else has this text. */
const standIn = `element ${randomUUID()}`;
const standInBytes = Buffer.from(JSON.stringify(standIn));
const comma = ",".charCodeAt(0);

/** A value, and what it has excerpts of. */
export interface SharingValue {
  value: StoredValue;
  texts: Span[];
}

export type FindItem = (element: object) => LiveItem | undefined;

/**
 * Serialises a list, or an object with lists, and names the elements that are stored already rather than
 * repeating them: a subgraph is given, and returns, all messages of its parent. What is read back is, to
 * the byte, what `encode` makes of the value. Looks at the value before anything is awaited.
 */
export async function encodeSharing(
  value: unknown,
  find: FindItem,
  encode: (value: unknown) => Promise<StoredValue>,
): Promise<SharingValue> {
  const reduced = reduce(value, find);
  const shared = reduced && withNames(await encode(reduced.value), reduced.items);
  return shared ?? { value: await encode(value), texts: [] };
}

interface Reduced {
  /** A copy of the value with `standIn`s. */
  value: unknown;
  /** One for each, in the order in which they are serialised. */
  items: LiveItem[];
}

function reduce(value: unknown, find: FindItem): Reduced | null {
  const items: LiveItem[] = [];
  const opened: object[] = [];
  const open = (list: unknown): unknown => {
    if (!isPlainList(list)) return list;
    opened.push(list);
    return list.map((element) => {
      const item = itemOf(element, find);
      if (!item) return element;
      items.push(item);
      return standIn;
    });
  };
  const copy = isPlainObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, list]) => [key, open(list)]))
    : open(value);
  if (items.length < sharedMin) return null;
  if (copy !== value) opened.push(value as object);
  return leadsBack(copy as object, items, opened) ? null : { value: copy, items };
}

/** Whether something in the copy contains what was copied: the serializer cuts circles where they close. */
function leadsBack(copy: object, items: LiveItem[], opened: object[]): boolean {
  const trace = traceOf(copy);
  if (trace === untraceable) return true;
  return opened.some(
    (one) => trace.includes(one) || items.some((item) => item.trace!.includes(one)),
  );
}

function isPlainList(value: unknown): value is unknown[] {
  return (
    Array.isArray(value) &&
    Object.getPrototypeOf(value) === Array.prototype &&
    !Object.hasOwn(value, "toJSON")
  );
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype && !Object.hasOwn(value, "toJSON");
}

/** Undefined for what may be serialised in another way where it stands alone, as items are. */
function itemOf(element: unknown, find: FindItem): LiveItem | undefined {
  if (typeof element !== "object" || element === null || ArrayBuffer.isView(element)) {
    return undefined;
  }
  // The messages' own `toJSON` does not ask where it is.
  if ("toJSON" in element && !("lc_kwargs" in element)) return undefined;
  const item = find(element);
  return item?.trace && isIntact(item) ? item : undefined;
}

/** With references to items in place of the stand-ins; null when they are not what was expected. */
function withNames({ type, bytes: given }: StoredValue, items: LiveItem[]): SharingValue | null {
  if (type !== "json") return null;
  const bytes = bufferOf(given);
  const parts: Uint8Array[] = [];
  const spans: Span[] = [];
  let copied = 0;
  let named = 0;
  for (let at = bytes.indexOf(standInBytes); at !== -1;) {
    const item = items[named++];
    if (!item) return null;
    const span = { lineage: item.lineage, first: item.position, end: item.position + 1 };
    let behind = at + standInBytes.length;
    while (isStandIn(bytes, behind) && isAt(items[named], span)) {
      span.end += 1;
      named += 1;
      behind += 1 + standInBytes.length;
    }
    parts.push(bytes.subarray(copied, at), itemsReference(span));
    spans.push(span);
    copied = behind;
    at = bytes.indexOf(standInBytes, behind);
  }
  if (named !== items.length) return null;
  parts.push(bytes.subarray(copied));
  return { value: withReferences(Buffer.concat(parts)), texts: subtractSpans(spans, []) };
}

/** Whether the next element of the list is one. */
function isStandIn(bytes: Buffer, at: number): boolean {
  const start = at + 1;
  return (
    bytes[at] === comma && bytes.subarray(start, start + standInBytes.length).equals(standInBytes)
  );
}

function isAt(item: LiveItem | undefined, { lineage, end }: Span): boolean {
  return item?.lineage === lineage && item.position === end;
}
