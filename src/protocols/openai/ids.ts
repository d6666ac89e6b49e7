import { createHash } from "node:crypto";
import { isUuid, type AssistantId, type RunId, type ThreadId } from "../../core/ids.ts";

/**
 * OpenAI's form of our ids: a prefix and the UUID in base 62, padded to 24 characters. It can be read
 * back, so nothing need be stored. An id that OpenAI made leads to a UUID that is computed from it, under
 * which nothing is stored: it is not found. A message's id need be no UUID and is kept as it is.
 */
export type Prefix = "asst" | "thread" | "run" | "msg" | "step";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idLength = 24;
const base = 62n;
const uuidsMax = 1n << 128n;

export function encodeId(prefix: Prefix, id: string): string {
  if (id.startsWith(`${prefix}_`)) return id;
  let rest = BigInt(`0x${(isUuid(id) ? id : hashedUuid(id)).replaceAll("-", "")}`);
  let text = "";
  for (; rest > 0n; rest /= base) text = digits[Number(rest % base)] + text;
  return `${prefix}_${text.padStart(idLength, "0")}`;
}

/** A UUID as it stands is understood too, for those who know the thread from the LangGraph API. */
export function decodeId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  const encoded = /^[a-z]+_([0-9A-Za-z]{24})$/.exec(text)?.[1];
  if (!encoded?.startsWith("00")) return hashedUuid(text);
  let value = 0n;
  for (const digit of encoded) value = value * base + BigInt(digits.indexOf(digit));
  return value < uuidsMax ? formatUuid(value.toString(16).padStart(32, "0")) : hashedUuid(text);
}

export const assistantIdOf = (text: string) => decodeId(text) as AssistantId;
export const threadIdOf = (text: string) => decodeId(text) as ThreadId;
export const runIdOf = (text: string) => decodeId(text) as RunId;

/** The same text gives the same UUID, always. Version 8: made by a rule of our own. */
export function hashedUuid(text: string): string {
  const hash = createHash("sha256").update(text).digest().subarray(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return formatUuid(hash.toString("hex"));
}

function formatUuid(hex: string): string {
  return [8, 12, 16, 20, 32]
    .map((end, at, ends) => hex.slice(at === 0 ? 0 : ends[at - 1], end))
    .join("-");
}
