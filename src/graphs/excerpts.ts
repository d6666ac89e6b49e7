import type { LineageId, Span } from "../core/lineage.ts";
import type { CheckpointTuple, StoredItem, StoredValue } from "../core/ports/checkpoints.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";

/**
 * A text that a task wrote soon stands in an item, too: as part of a message. Then what was stored
 * first is shortened: in place of the text it has an excerpt, which says where among an item's bytes the
 * text is. An excerpt stands between two bytes 1, which JSON never has: control characters are escaped
 * there.
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

export function hasLongText({ type, bytes }: StoredValue): boolean {
  return type === "json" && longTexts(bufferOf(bytes)).length > 0;
}

/** With excerpts for texts that are known, and the items these are of; null when none is known. */
export function excerpted(
  { type, bytes: given }: StoredValue,
  known: KnownTexts,
): { value: StoredValue; texts: Span[] } | null {
  if (type !== "json") return null;
  const bytes = bufferOf(given);
  const parts: Uint8Array[] = [];
  const texts = new Map<string, Span>();
  let copied = 0;
  for (const text of longTexts(bytes)) {
    const place = text.from < copied ? undefined : known.get(keyOf(bytes, text));
    if (!place) continue;
    const { lineage, position } = place.item;
    const { before, after } = alike(bytes, text, place, copied);
    const numbers = [lineage, position, place.from - before, text.end - text.from + before + after];
    const excerpt = numbers.map((number) => number.toString(radix)).join(".");
    parts.push(bytes.subarray(copied, text.from - before), Buffer.from(`\u0001${excerpt}\u0001`));
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
  const { texts, writes } = tuple;
  const isShort = writes.some(({ value }) => value.type === excerptedType);
  return {
    ...tuple,
    content: wholeText(tuple.content, texts),
    writes: isShort
      ? writes.map((write) => ({ ...write, value: whole(write.value, texts) }))
      : writes,
  };
}

function whole(value: StoredValue, items: StoredItem[]): StoredValue {
  if (value.type !== excerptedType) return value;
  return { type: "json", bytes: filled(bufferOf(value.bytes), items) };
}

function wholeText(text: string, items: StoredItem[]): string {
  if (!text.includes("\u0001")) return text;
  return filled(Buffer.from(text), items).toString();
}

function filled(bytes: Buffer, items: StoredItem[]): Buffer {
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, copied)) {
    const end = bytes.indexOf(mark, at + 1);
    const excerpt = bytes.toString("latin1", at + 1, end).split(".");
    const [lineage, position, from, length] = excerpt.map((part) => Number.parseInt(part, radix));
    const item = items.find(
      (one) => one.lineage === (lineage as LineageId) && one.position === position,
    );
    if (!item) throw new CheckpointGone();
    parts.push(bytes.subarray(copied, at), item.value.bytes.subarray(from, from! + length!));
    copied = end + 1;
  }
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
