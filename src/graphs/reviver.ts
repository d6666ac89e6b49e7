import { isDeepStrictEqual } from "node:util";
import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { isObject, type JsonObject } from "../core/json.ts";
import type { StoredValue } from "../core/ports/checkpoints.ts";

/** Deeper than this the library's own limit may be near. */
const depthMax = 30;

/** Not for this one: the serializer itself must do it. */
class Unknown extends Error {}

const unknown = new Unknown("Only the serializer knows this value.");
const decoder = new TextDecoder();

/**
 * Values out of what the library's serializer wrote, as it would read them. That one makes several
 * promises for every object and parses a message three times (58 µs a message of 1 KB); this one does
 * what is common at once (7 µs) and leaves the rest to it: other classes than messages, escaped
 * objects, whatever it does not know. A serializer that reads the examples below in another way than
 * this one is left to do everything itself.
 */
export class Reviver {
  readonly #serializer: SerializerProtocol;
  readonly #classes = new Map<string, MessageClass | null>();
  #isKnown = true;

  private constructor(serializer: SerializerProtocol) {
    this.#serializer = serializer;
  }

  static of(serializer: SerializerProtocol): Promise<Reviver> {
    const known = revivers.get(serializer);
    if (known) return known;
    const opening = new Reviver(serializer).#compare();
    revivers.set(serializer, opening);
    return opening;
  }

  /** In a box, because undefined is a value; null when it has to be `revive`d. */
  reviveNow({ type, bytes }: StoredValue): { value: unknown } | null {
    if (type === "bytes") return { value: bytes };
    if (type !== "json") return null;
    return this.#tried(() => JSON.parse(decoder.decode(bytes)) as unknown);
  }

  async revive(stored: StoredValue): Promise<unknown> {
    const revived = this.reviveNow(stored);
    if (revived) return revived.value;
    const { type, bytes } = stored;
    if (type === "json") await this.#learn(JSON.parse(decoder.decode(bytes)));
    return this.#serializer.loadsTyped(type, bytes);
  }

  /** Of what stands inside other JSON. */
  async reviveJson(json: unknown): Promise<unknown> {
    if (typeof json !== "object" || json === null) return json;
    const text = JSON.stringify(json);
    return this.#tried(() => json)?.value ?? this.#serializer.loadsTyped("json", text);
  }

  #tried(parse: () => unknown): { value: unknown } | null {
    if (!this.#isKnown) return null;
    try {
      return { value: this.#walk(parse(), 0) };
    } catch {
      // Where the serializer fails, too, it says why.
      return null;
    }
  }

  /** In place, from the innermost outwards. */
  #walk(value: unknown, depth: number): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (depth > depthMax) throw unknown;
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at++) value[at] = this.#walk(value[at], depth + 1);
      return value;
    }
    const record = value as Record<string, unknown>;
    if (isMessageRecord(record)) return this.#message(record);
    for (const key of Object.keys(record)) {
      if (key === "__proto__") throw unknown;
      const inner = record[key];
      if (typeof inner === "object" && inner !== null) record[key] = this.#walk(inner, depth + 1);
    }
    return "lc" in record ? reviveRecord(record) : record;
  }

  #message({ id, kwargs }: MessageRecord): unknown {
    const known = this.#classes.get(id[2]);
    if (!known || !isObject(kwargs)) throw unknown;
    return known.make(simplified(kwargs, 0) as JsonObject);
  }

  /** Finds the classes of the messages in `json`, as the serializer finds them. */
  async #learn(json: unknown): Promise<void> {
    for (const id of messageIdsIn(json, 0)) {
      if (this.#classes.has(id[2])) continue;
      this.#classes.set(id[2], null);
      const kwargs = { content: "", tool_call_id: "", id: "" };
      const example = JSON.stringify({ lc: 1, type: "constructor", id, kwargs });
      const made = await this.#load(example);
      if (isObject(made))
        this.#classes.set(id[2], new MessageClass(made.constructor as Constructor));
    }
  }

  /** Undefined also when it throws. */
  async #load(text: string): Promise<unknown> {
    const bytes = new TextEncoder().encode(text);
    try {
      return (await this.#serializer.loadsTyped("json", bytes)) as unknown;
    } catch {
      return undefined;
    }
  }

  async #compare(): Promise<this> {
    for (const text of examples) {
      await this.#learn(JSON.parse(text));
      const revived = this.#tried(() => JSON.parse(text) as unknown);
      if (revived && isDeepStrictEqual(revived.value, await this.#load(text))) continue;
      this.#isKnown = false;
      break;
    }
    return this;
  }
}

const revivers = new WeakMap<SerializerProtocol, Promise<Reviver>>();

type Constructor = new (fields: unknown) => object;

/** A class of messages, and how the library names its fields in JSON. */
class MessageClass {
  readonly #make: Constructor;
  /** By the name in JSON. */
  readonly #names = new Map<string, string>();

  constructor(make: Constructor) {
    this.#make = make;
    const aliases: Record<string, string> = {};
    for (let one: unknown = make; isClass(one); one = Object.getPrototypeOf(one)) {
      Object.assign(aliases, Reflect.get(one.prototype, "lc_aliases"));
    }
    for (const [name, inJson] of Object.entries(aliases)) this.#names.set(inJson, name);
  }

  make(kwargs: JsonObject): object {
    const fields: Record<string, unknown> = {};
    for (const key of Object.keys(kwargs)) {
      fields[this.#names.get(key) ?? this.#nameOf(key)] = kwargs[key];
    }
    return new this.#make(fields);
  }

  /** What a name of several words becomes is the library's to say; so is a name that all objects have. */
  #nameOf(key: string): string {
    if (!/^[a-z]+$/.test(key) || key in Object.prototype) throw unknown;
    this.#names.set(key, key);
    return key;
  }
}

function isClass(value: unknown): value is { prototype: object } {
  return typeof value === "function" && typeof value.prototype === "object";
}

export interface MessageRecord {
  lc: 1;
  type: "constructor";
  id: [library: "langchain_core", module: "messages", name: string];
  kwargs: unknown;
}

export function isMessageRecord(record: object): record is MessageRecord {
  const { lc, type, id } = record as Partial<MessageRecord>;
  return (
    lc === 1 &&
    type === "constructor" &&
    Array.isArray(id) &&
    id.length === 3 &&
    id[0] === "langchain_core" &&
    id[1] === "messages" &&
    typeof id[2] === "string"
  );
}

function messageIdsIn(value: unknown, depth: number): MessageRecord["id"][] {
  if (typeof value !== "object" || value === null || depth > depthMax) return [];
  if (isMessageRecord(value)) return [value.id];
  return Object.values(value).flatMap((inner) => messageIdsIn(inner, depth + 1));
}

/**
 * What a message is made of, in place: JSON in which undefined counts as absent, in a list as null.
 * @throws for anything else.
 */
export function simplified(json: unknown, depth: number): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (depth > depthMax) throw unknown;
  if (Array.isArray(json)) {
    for (let at = 0; at < json.length; at++) json[at] = simplified(json[at], depth + 1) ?? null;
    return json;
  }
  const record = json as Record<string, unknown>;
  if ("lc" in record) {
    if (record["lc"] === 2 && record["type"] === "undefined") return undefined;
    throw unknown;
  }
  for (const key of Object.keys(record)) {
    if (key === "__proto__" || key === "__lc_escaped__") throw unknown;
    const inner = record[key];
    if (typeof inner !== "object" || inner === null) continue;
    const simple = simplified(inner, depth + 1);
    if (simple === undefined) delete record[key];
    else record[key] = simple;
  }
  return record;
}

/** Of an object with the key `lc`, after what is inside it. */
function reviveRecord(record: Record<string, unknown>): unknown {
  const { lc, type } = record;
  if (lc === 2 && type === "undefined") return undefined;
  if (lc === 2 && type === "delta_snapshot" && Object.hasOwn(record, "value")) throw unknown;
  if (lc === 2 && type === "constructor") return construct(record) ?? record;
  if (lc === 1 && type === "constructor" && Array.isArray(record["id"])) throw unknown;
  return record;
}

/** Undefined: it stays as it is. */
function construct({ id, method, args }: Record<string, unknown>): unknown {
  if (!Array.isArray(id) || id.length !== 1 || !Array.isArray(args)) return undefined;
  const isPlain = method === undefined || method === null;
  const [first, second] = args as unknown[];
  const list = args.length === 1 && Array.isArray(first) ? (first as unknown[]) : null;
  switch (id[0]) {
    case "Set":
      return isPlain && list ? new Set(list) : undefined;
    case "Map":
      return isPlain && list?.every(isPair) ? new Map(list) : undefined;
    case "Error":
      return isPlain && args.length === 1 && typeof first === "string"
        ? new Error(first)
        : undefined;
    case "RegExp":
      if (!isPlain || args.length !== 2) return undefined;
      if (typeof first !== "string" || typeof second !== "string") return undefined;
      return new RegExp(first, second);
    case "Uint8Array":
      return (isPlain || method === "from") && list?.every(isByte)
        ? new Uint8Array(list)
        : undefined;
    default:
      return undefined;
  }
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function isByte(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 255;
}

const record = (name: string, args: unknown[], method: string | null = null) => ({
  lc: 2,
  type: "constructor",
  id: [name],
  method,
  args,
  kwargs: {},
});
const absent = { lc: 2, type: "undefined" };
const message = (name: string, kwargs: object) => ({
  lc: 1,
  type: "constructor",
  id: ["langchain_core", "messages", name],
  kwargs,
});

/** What every serializer is asked about before this one may speak for it. */
const examples: string[] = [
  { plain: [1, "two", null, { three: true }], absent, list: [absent, {}] },
  record("Set", [[1, [2]]]),
  [record("Map", [[["key", record("Set", [[]])]]]), record("Map", [[[1]]])],
  [record("RegExp", ["a+", "g"]), record("Error", ["wrong"]), record("Date", ["now"])],
  record("Uint8Array", [[0, 255]], "from"),
  [
    { lc: 3, type: "undefined" },
    { lc: 1, type: "other", id: [] },
  ],
  [
    message("HumanMessage", { content: [{ type: "text", text: "a", of: absent }], name: absent }),
    message("AIMessage", { content: "b", id: "1", tool_calls: [], usage_metadata: { total: 1 } }),
    message("ToolMessage", { content: "c", tool_call_id: "2", artifact: { deep: [{}] } }),
    message("SystemMessage", { content: "d", additional_kwargs: { e: { f: [absent, 1] } } }),
  ],
].map((example) => JSON.stringify(example));
