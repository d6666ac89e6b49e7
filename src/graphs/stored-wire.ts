import { isDeepStrictEqual } from "node:util";
import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import type { StoredValue } from "../core/ports/checkpoints.ts";
import { isMessageRecord, Reviver, simplified } from "./reviver.ts";
import { StoredWire, toWire } from "./wire.ts";

/**
 * What clients see of stored values, without making objects of them: a stored message is nearly what
 * goes out. Of each class with each set of fields the first is made, too, and compared, so that a
 * version of the library that shows its messages in another way is asked about every one.
 */
export class WireReader {
  readonly #reviver: Reviver;
  /** By class and fields: whether the short way and the library agreed. */
  readonly #agreed = new Map<string, boolean>();

  private constructor(reviver: Reviver) {
    this.#reviver = reviver;
  }

  static async of(serializer: SerializerProtocol): Promise<WireReader> {
    const known = readers.get(serializer);
    if (known) return known;
    const reader = new WireReader(await Reviver.of(serializer));
    readers.set(serializer, reader);
    return reader;
  }

  async read(stored: StoredValue): Promise<StoredWire> {
    const short = this.readNow(stored);
    if (short) return short;
    const wire = toWire(await this.#reviver.revive(stored));
    const guess = guessed(stored);
    if (guess) this.#agreed.set(guess.form, isDeepStrictEqual(guess.wire, wire));
    return new StoredWire(wire);
  }

  /** Null when it has to be `read`. */
  readNow(stored: StoredValue): StoredWire | null {
    const guess = guessed(stored);
    return guess && this.#agreed.get(guess.form) ? new StoredWire(guess.wire) : null;
  }
}

const readers = new WeakMap<SerializerProtocol, WireReader>();
const decoder = new TextDecoder();

interface Guess {
  wire: Json;
  /** What the guess may go wrong with: the class and its fields. */
  form: string;
}

function guessed({ type, bytes }: StoredValue): Guess | null {
  if (type !== "json") return null;
  try {
    const json = JSON.parse(decoder.decode(bytes)) as Json;
    if (isObject(json) && isMessageRecord(json)) return guessedMessage(json.id[2], json.kwargs);
    return { wire: (simplified(json, 0) ?? null) as Json, form: "" };
  } catch {
    return null;
  }
}

const commonFields = ["content", "id", "name", "additional_kwargs", "response_metadata"];

/** What messages of a class show as `type`, and the fields that they hand on as they are given. */
const kinds = new Map([
  kind("HumanMessage", "human"),
  kind("SystemMessage", "system"),
  kind("AIMessage", "ai", "tool_calls", "invalid_tool_calls", "usage_metadata"),
  kind("ToolMessage", "tool", "tool_call_id", "status", "artifact", "metadata"),
]);

function kind(name: string, type: string, ...fields: string[]) {
  return [name, { type, fields: new Set([...commonFields, ...fields]) }] as const;
}

/** Null for a message that its constructor would change. */
function guessedMessage(name: string, json: unknown): Guess | null {
  const known = kinds.get(name);
  if (!known || !isObject(json)) return null;
  const kwargs = simplified(json, 0) as JsonObject;
  const fields = Object.keys(kwargs);
  const { content, additional_kwargs: additional, response_metadata: response } = kwargs;
  if (!fields.every((field) => known.fields.has(field))) return null;
  if (!isObject(additional) || !isObject(response)) return null;
  if (typeof content !== "string" && !Array.isArray(content)) return null;
  if (name === "AIMessage") {
    const { tool_calls: calls, invalid_tool_calls: invalidCalls } = kwargs;
    if (!Array.isArray(calls) || !Array.isArray(invalidCalls)) return null;
    if ("output_version" in response) return null;
  }
  return { wire: { ...kwargs, type: known.type }, form: [name, ...fields].join() };
}
