import type { Json, JsonObject } from "../core/json.ts";

/**
 * Live values of a graph as the JSON that clients see (specification 3.7): messages become flat
 * objects with a `type`, other library objects what their `toJSON` says. Duck-typed, because a user's
 * project has its own copy of the libraries.
 * @throws TypeError for what has no JSON form: cycles and BigInt.
 */
export function toWire(value: unknown): Json {
  return convert(value, []) ?? null;
}

/** Undefined means: leave the key out. */
function convert(value: unknown, ancestors: object[]): Json | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "bigint":
      throw new TypeError("Cannot serialise a BigInt: return a number or a string instead.");
    case "object":
      return value === null ? null : convertObject(value, ancestors);
    default:
      return undefined;
  }
}

/** `ancestors` is one list for a whole conversion: the path to the value that is being converted. */
function convertObject(value: object, ancestors: object[]): Json {
  if (ancestors.includes(value)) {
    throw new TypeError("Cannot serialise a circular structure: a value contains itself.");
  }
  ancestors.push(value);
  const converted = convertInside(value, ancestors);
  ancestors.pop();
  return converted;
}

function convertInside(value: object, inside: object[]): Json {
  if (value instanceof StoredWire) return value.json;
  if (Array.isArray(value)) return value.map((item) => convert(item, inside) ?? null);
  if (isMessage(value)) {
    const { type, data } = value.toDict();
    return { ...convertEntries(data, inside), type };
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Map) return convertEntries(Object.fromEntries(value), inside);
  if (value instanceof Set) return [...value].map((item) => convert(item, inside) ?? null);
  if (value instanceof Error) return { error: value.name, message: value.message };
  if (hasToJson(value)) {
    const json = value.toJSON();
    return (json === value ? convertEntries(value, inside) : convert(json, inside)) ?? null;
  }
  return convertEntries(value, inside);
}

function convertEntries(value: object, ancestors: object[]): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const converted = convert((value as Record<string, unknown>)[key], ancestors);
    if (converted !== undefined) result[key] = converted;
  }
  return result;
}

/** A value that was never made an object: what `toWire` would have made of it. Not to be changed. */
export class StoredWire {
  readonly json: Json;
  #text: string | null = null;

  constructor(json: Json) {
    this.json = json;
  }

  /** Kept, since it goes out again with every later state. */
  get text(): string {
    return (this.#text ??= JSON.stringify(this.json));
  }
}

/**
 * The JSON of `wire`, which `toWire` has made of a state's `values`: texts that are kept are put
 * together (1 ms for 2,000 messages of 1 KB) rather than written again (5 ms).
 */
export function wireText(values: unknown, wire: Json): string {
  if (values instanceof StoredWire) return values.text;
  if (Array.isArray(values) && Array.isArray(wire)) {
    const parts = values.map((value: unknown, at) =>
      value instanceof StoredWire ? value.text : JSON.stringify(wire[at]),
    );
    return `[${parts.join()}]`;
  }
  return JSON.stringify(wire);
}

interface Message {
  id?: string;
  toDict(): { type: string; data: object };
}

export function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null) return false;
  const { toDict, getType, _getType } = value as Record<string, unknown>;
  return (
    typeof toDict === "function" &&
    (typeof getType === "function" || typeof _getType === "function")
  );
}

export interface MessageChunk extends Message {
  concat(other: MessageChunk): MessageChunk;
}

export function isMessageChunk(value: unknown): value is MessageChunk {
  return isMessage(value) && typeof (value as { concat?: unknown }).concat === "function";
}

function hasToJson(value: object): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}
