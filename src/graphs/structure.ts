/** Deeper values are not looked at: they may contain themselves. */
const depthMax = 64;

/** What a serializer sees of an object: the object itself when its keys say it all. */
export function visible(value: object): unknown {
  // The messages' own `toJSON` is made of their keys.
  if ("lc_kwargs" in value) return value;
  if (value instanceof Map || value instanceof Set) return [...value];
  if (value instanceof Error) return value.message;
  if (value instanceof RegExp) return String(value);
  // Of another length or content is another text.
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
  }
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === "function" ? (toJSON.call(value) as unknown) : value;
}

/**
 * Everything that serialising a value would find in it, as a flat list: for what is not made of its
 * keys, like sets, dates, and whatever has a `toJSON`.
 */
export class Structure {
  readonly #parts: unknown[];

  private constructor(parts: unknown[]) {
    this.#parts = parts;
  }

  /** Null when the value is nested too deep to be looked through. */
  static of(value: object): Structure | null {
    const parts: unknown[] = [];
    return record(value, parts, 0) ? new Structure(parts) : null;
  }

  isStill(value: object): boolean {
    const now: unknown[] = [];
    if (!record(value, now, 0) || now.length !== this.#parts.length) return false;
    return now.every((part, at) => Object.is(part, this.#parts[at]));
  }
}

function record(value: unknown, parts: unknown[], depth: number): boolean {
  if (typeof value !== "object" || value === null) {
    parts.push(value);
    return true;
  }
  if (depth > depthMax) return false;
  // A set is stored as something else than an array with the same in it.
  parts.push(Object.getPrototypeOf(value));
  const seen = visible(value);
  if (typeof seen !== "object" || seen === null) {
    parts.push(seen);
    return true;
  }
  if (Array.isArray(seen)) {
    parts.push(seen.length);
    // Unlike the array itself, its iterator does not pass over holes.
    return seen.values().every((item) => record(item, parts, depth + 1));
  }
  const keys = Object.keys(seen);
  parts.push(keys.length);
  return keys.every((key) => {
    parts.push(key);
    return record((seen as Record<string, unknown>)[key], parts, depth + 1);
  });
}
