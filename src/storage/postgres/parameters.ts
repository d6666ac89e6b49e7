/** OID of `bytea`. */
const byteaOid = 17;

/**
 * A value as a parameter of a statement: text, or bytes in the binary format. Numbers, booleans and
 * text stand as text, arrays as `{…}`; bytes and arrays of bytes go as they are, since their text form
 * is twice as long.
 *
 * Postgres stores no NUL, and `jsonb` no half surrogate pair either. Both become U+FFFD on their way
 * in (specification 3.6): here in text, in `json` where JSON is made.
 */
export function parameterOf(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return withoutNul(value);
  if (value instanceof Uint8Array) return bufferOf(value);
  if (!Array.isArray(value)) return String(value);
  return value[0] instanceof Uint8Array ? bytesArray(value as Uint8Array[]) : arrayText(value);
}

/** About how many bytes a value takes on its way. */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + sizeOf(one), 0);
  return 8;
}

function withoutNul(text: string): string {
  return text.includes("\u0000") ? text.replaceAll("\u0000", "\ufffd") : text;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function arrayText(values: unknown[]): string {
  return `{${values.map(elementText).join(",")}}`;
}

function elementText(value: unknown): string {
  if (value === null || value === undefined) return "NULL";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = withoutNul(String(value));
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, "\\$&") : text}"`;
}

/** As `array_recv` reads it: dimensions, whether there are nulls, type, length, first index, elements. */
function bytesArray(values: Uint8Array[]): Buffer {
  const size = values.reduce((total, bytes) => total + 4 + bytes.byteLength, 20);
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  for (const number of [1, 0, byteaOid, values.length, 1]) at = buffer.writeInt32BE(number, at);
  for (const bytes of values) {
    at = buffer.writeInt32BE(bytes.byteLength, at);
    buffer.set(bytes, at);
    at += bytes.byteLength;
  }
  return buffer;
}
