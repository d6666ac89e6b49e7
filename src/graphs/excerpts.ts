import type { Span } from "../core/lineage.ts";
import type { CheckpointTuple, StoredItem, StoredValue } from "../core/ports/checkpoints.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";

/**
 * A text that a task wrote soon stands in an item, too: as part of a message. Then what was stored
 * first is shortened: in place of the text it has an excerpt, which says where among an item's bytes the
 * text is. An excerpt stands between two bytes 1, which JSON never has: control characters are escaped
 * there. Where all of some items stands, one behind the other as a list's elements, it says which these are.
 */

/** Shorter texts stay: an excerpt costs about 45 bytes and a row that is written again. */
export const textBytesMin = 256;

/** The `type` of what has excerpts and without them is `json`. */
const excerptedType = "excerpts";

const mark = 1;
const quote = '"'.charCodeAt(0);
const backslash = "\\".charCodeAt(0);
const radix = 36;

/** The bytes at `from` up to, not with, `end`. */
interface Range {
  from: number;
  end: number;
}

interface Place extends Range {
  item: StoredItem;
  bytes: Buffer;
}

/** Texts that stand in items; the key is the text as JSON, quotes included. */
export type KnownTexts = Map<string, Place>;

export function textsIn(items: StoredItem[]): KnownTexts {
  const known: KnownTexts = new Map();
  for (const item of items) {
    if (item.value.type !== "json") continue;
    const bytes = bufferOf(item.value.bytes);
    for (const range of longTexts(bytes)) known.set(keyOf(bytes, range), { ...range, item, bytes });
  }
  return known;
}

export function hasLongText(value: StoredValue): boolean {
  return isJson(value) && longTexts(bufferOf(value.bytes)).length > 0;
}

/** Excerpts never have quotes, so that texts are found between them, too. */
function isJson({ type }: StoredValue): boolean {
  return type === "json" || type === excerptedType;
}

/** What stands for whole items, with commas between them. */
export function itemsReference({ lineage, first, end }: Span): Buffer {
  return marked([lineage, first, end]);
}

function marked(numbers: number[]): Buffer {
  return Buffer.from(`\u0001${numbers.map((number) => number.toString(radix)).join(".")}\u0001`);
}

/** JSON with `itemsReference`s in it. */
export function withReferences(bytes: Buffer): StoredValue {
  return { type: excerptedType, bytes };
}

/** With excerpts for texts that are known, and the items these are of; null when none is known. */
export function excerpted(
  given: StoredValue,
  known: KnownTexts,
): { value: StoredValue; texts: Span[] } | null {
  if (!isJson(given)) return null;
  const bytes = bufferOf(given.bytes);
  const parts: Uint8Array[] = [];
  const texts = new Map<string, Span>();
  let copied = 0;
  for (const text of longTexts(bytes)) {
    const place = text.from < copied ? undefined : known.get(keyOf(bytes, text));
    if (!place) continue;
    const { lineage, position } = place.item;
    const { before, after } = alike(bytes, text, place, copied);
    const numbers = [lineage, position, place.from - before, text.end - text.from + before + after];
    parts.push(bytes.subarray(copied, text.from - before), marked(numbers));
    copied = text.end + after;
    texts.set(`${lineage} ${position}`, { lineage, first: position, end: position + 1 });
  }
  if (texts.size === 0) return null;
  parts.push(bytes.subarray(copied));
  const value = { type: excerptedType, bytes: Buffer.concat(parts) };
  return { value, texts: [...texts.values()] };
}

/** The same for a checkpoint's content. */
export function excerptedText(
  content: string,
  known: KnownTexts,
): { content: string; texts: Span[] } | null {
  const shorter = excerpted({ type: "json", bytes: Buffer.from(content) }, known);
  return shorter && { content: bufferOf(shorter.value.bytes).toString(), texts: shorter.texts };
}

/**
 * How many bytes before and behind the text are the same in both: most of a message, too. Whole
 * characters only, since a checkpoint's content is stored as text.
 */
function alike(
  bytes: Buffer,
  text: Range,
  place: Place,
  copied: number,
): { before: number; after: number } {
  const beforeMax = Math.min(text.from - copied, place.from);
  let before = 0;
  while (
    before < beforeMax &&
    bytes[text.from - before - 1] === place.bytes[place.from - before - 1]
  ) {
    before += 1;
  }
  while (isInsideCharacter(bytes[text.from - before])) before -= 1;
  const afterMax = Math.min(bytes.length - text.end, place.bytes.length - place.end);
  let after = 0;
  while (after < afterMax && bytes[text.end + after] === place.bytes[place.end + after]) after += 1;
  while (isInsideCharacter(bytes[text.end + after])) after -= 1;
  return { before, after };
}

/** Of UTF-8: every byte of a character but its first. */
function isInsideCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/**
 * The checkpoint as it was before anything of it was shortened.
 *
 * @throws CheckpointGone where an item is missing, which may have gone after the rest was read.
 */
export function wholeTuple(tuple: CheckpointTuple): CheckpointTuple {
  const { writes } = tuple;
  const texts: Texts = new Map();
  for (const { lineage, position, value } of tuple.texts) {
    texts.set(placeName(lineage, position), value.bytes);
  }
  const isShort = writes.some(({ value }) => value.type === excerptedType);
  return {
    ...tuple,
    content: wholeText(tuple.content, texts),
    writes: isShort
      ? writes.map((write) => ({ ...write, value: whole(write.value, texts) }))
      : writes,
  };
}

/** Bytes of items by their `placeName`. */
type Texts = Map<string, Uint8Array>;

function placeName(lineage: number, position: number): string {
  return `${lineage} ${position}`;
}

function whole(value: StoredValue, items: Texts): StoredValue {
  if (value.type !== excerptedType) return value;
  return { type: "json", bytes: filled(bufferOf(value.bytes), items) };
}

function wholeText(text: string, items: Texts): string {
  if (!text.includes("\u0001")) return text;
  return filled(Buffer.from(text), items).toString();
}

function filled(bytes: Buffer, items: Texts): Buffer {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, copied)) {
    const end = bytes.indexOf(mark, at + 1);
    const excerpt = bytes.toString("latin1", at + 1, end).split(".");
    const numbers = excerpt.map((part) => Number.parseInt(part, radix));
    parts.push(bytes.subarray(copied, at), ...referred(numbers, items));
    copied = end + 1;
  }
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
}

const comma = Buffer.from(",");

function referred(numbers: number[], items: Texts): Uint8Array[] {
  const bytesAt = (place: number) => {
    const bytes = items.get(placeName(numbers[0]!, place));
    if (!bytes) throw new CheckpointGone();
    return bytes;
  };
  const [, first, from, length] = numbers as [number, number, number, number?];
  if (length !== undefined) return [bytesAt(first).subarray(from, from + length)];
  const parts: Uint8Array[] = [bytesAt(first)];
  for (let place = first + 1; place < from; place++) parts.push(comma, bytesAt(place));
  return parts;
}

/** Of JSON. */
function longTexts(bytes: Buffer): Range[] {
  const found: Range[] = [];
  if (bytes.length < textBytesMin) return found;
  for (let from = bytes.indexOf(quote); from !== -1;) {
    const end = closing(bytes, from) + 1;
    if (end - from >= textBytesMin) found.push({ from, end });
    from = bytes.indexOf(quote, end);
  }
  return found;
}

/** Where the text that begins at `start` ends. */
function closing(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(quote, start + 1);
  while (isEscaped(bytes, at)) at = bytes.indexOf(quote, at + 1);
  return at;
}

function isEscaped(bytes: Buffer, at: number): boolean {
  let first = at;
  while (bytes[first - 1] === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

/** Every byte a character: two keys are the same when the bytes are. */
function keyOf(bytes: Buffer, { from, end }: Range): string {
  return bytes.toString("latin1", from, end);
}

/** The same memory. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
