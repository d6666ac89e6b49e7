import { isDeepStrictEqual } from "node:util";
import {
  AIMessage,
  AIMessageChunk,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  HumanMessageChunk,
  RemoveMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { Document } from "@langchain/core/documents";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { Send } from "@langchain/langgraph";
import { DeltaSnapshot, MemorySaver } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StoredValue } from "../../src/core/ports/checkpoints.ts";
import { Reviver } from "../../src/graphs/reviver.ts";
import { WireReader } from "../../src/graphs/stored-wire.ts";
import { toWire } from "../../src/graphs/wire.ts";

/** The serializer is the oracle: whatever it makes of a text, or throws, these make of it, too. */

const key = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    "lc",
    "type",
    "id",
    "kwargs",
    "args",
    "__lc_escaped__",
    "__proto__",
    "constructor",
  ),
  fc.constantFrom("content", "name", "tool_calls", "toolCallId", "toJSON", "value", "then"),
);

const scalar = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.constant(undefined),
    fc.array(tie("plain"), { maxLength: 3 }),
    fc.dictionary(key, tie("plain"), { maxKeys: 4 }),
    fc.array(tie("plain"), { maxLength: 3 }).map((items) => new Set(items)),
    fc.array(fc.tuple(scalar, tie("plain")), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.constantFrom(/a+/gi, new Error("wrong"), new TypeError("worse")),
    fc.uint8Array({ maxLength: 4 }),
  ),
}));

const content = fc.oneof(
  fc.string(),
  fc.array(fc.record({ type: fc.constantFrom("text", "image", "tool_call"), text: fc.string() })),
  fc.constant(null),
);
const dictionary = fc.oneof(
  fc.constant({}),
  fc.dictionary(key, plain, { maxKeys: 3 }),
  fc.constant({ output_version: "v1" }),
  fc.constant({ tool_calls: [{ id: "1", function: { name: "f", arguments: "{}" } }] }),
);
const call = fc.record({ name: fc.string(), args: dictionary, id: fc.option(fc.string()) });

const fields = fc.record(
  {
    content,
    id: fc.option(fc.string(), { nil: undefined }),
    name: fc.option(fc.string()),
    additional_kwargs: dictionary,
    response_metadata: dictionary,
    tool_calls: fc.array(call, { maxLength: 2 }),
    invalid_tool_calls: fc.array(call, { maxLength: 1 }),
    usage_metadata: fc.constantFrom(
      { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
      undefined,
    ),
    tool_call_id: fc.string(),
    status: fc.constantFrom("success", "error"),
    artifact: plain,
    metadata: dictionary,
    role: fc.string(),
    madeUp: plain,
  },
  { requiredKeys: ["content", "tool_call_id", "role"] },
);

type Made = new (fields: never) => object;
const common: Made[] = [HumanMessage, AIMessage, SystemMessage, ToolMessage];
const rare: Made[] = [
  ChatMessage,
  FunctionMessage,
  AIMessageChunk,
  HumanMessageChunk,
  RemoveMessage,
];

/** Some fields no class accepts. */
const message = fc
  .tuple(fc.constantFrom(...common, ...common, ...rare), fields)
  .map(([Class, given]) => {
    try {
      return new Class(structuredClone(given) as never);
    } catch {
      return new HumanMessage("refused");
    }
  });

/** As they are written. */
const live = fc.oneof(
  { weight: 4, arbitrary: message },
  { weight: 1, arbitrary: plain },
  { weight: 1, arbitrary: fc.record({ inner: message, beside: plain }) },
  { weight: 1, arbitrary: fc.array(message, { maxLength: 2 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      new Document({ pageContent: "page", metadata: { at: 1 } }),
      new Send("node", { messages: [new HumanMessage("sent")] }),
      new DeltaSnapshot([new HumanMessage("first")]),
      ChatPromptTemplate.fromMessages([["human", "{question}"]]),
      new HumanMessage({ content: "nested", additional_kwargs: { inner: new AIMessage("deep") } }),
    ),
  },
);

/** As nobody writes them: records of the serializer's own with anything in them. */
const record = fc.record(
  {
    lc: fc.constantFrom(1, 2, 3, "1"),
    type: fc.constantFrom(
      "constructor",
      "undefined",
      "delta_snapshot",
      "secret",
      "not_implemented",
    ),
    id: fc.oneof(
      fc.constantFrom(["Set"], ["Map"], ["RegExp"], ["Error"], ["Uint8Array"], ["Date"], "Set", []),
      fc
        .constantFrom("AIMessage", "ToolMessage", "Nothing", "constructor")
        .map((name) => ["langchain_core", "messages", name]),
      fc.constantFrom(["langchain_core", "messages"], ["langchain_core", "documents", "Document"]),
    ),
    method: fc.constantFrom(null, "from", "of"),
    args: fc.oneof(
      fc.array(fc.array(fc.oneof(plain, fc.nat(300), fc.tuple(plain, plain)), { maxLength: 3 })),
      fc.constantFrom(["a+", "g"], ["(", "g"], ["text"], [1], [[0, 255]], [[0, 256]], "text"),
    ),
    kwargs: fc.oneof(fields, plain, fc.constant({ content: "", tool_call_id: "1" })),
    value: plain,
  },
  { requiredKeys: [] },
);
const hostile = fc.oneof(
  record,
  fc.array(record, { maxLength: 2 }),
  fc.dictionary(key, record, { maxKeys: 2 }),
  record.map((kwargs) => ({
    lc: 1,
    type: "constructor",
    id: ["langchain_core", "messages", "HumanMessage"],
    kwargs: { content: "", additional_kwargs: kwargs },
  })),
);

beforeEach(() => {
  // The library's advice about tool calls.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => void vi.restoreAllMocks());

function serializer() {
  return new MemorySaver().serde;
}

const written = fc.oneof(live, hostile);

async function store(value: unknown): Promise<StoredValue> {
  const [type, bytes] = await serializer().dumpsTyped(value);
  return { type, bytes };
}

async function outcome<Value>(of: () => Promise<Value>): Promise<Value | { failed: string }> {
  try {
    return await of();
  } catch (error) {
    return { failed: (error as Error).message };
  }
}

describe("values read without the serializer's promises", () => {
  it("are what the serializer reads", async () => {
    const ours = serializer();
    const reviver = await Reviver.of(ours);
    await fc.assert(
      fc.asyncProperty(written, async (value) => {
        const stored = await store(value);
        const read = () => outcome(async () => ours.loadsTyped(stored.type, stored.bytes));
        const expected = await read();
        // An object of which a value is the prototype equals no other.
        fc.pre(isDeepStrictEqual(expected, await read()));
        // The second time the classes are known.
        await outcome(() => reviver.revive(stored));
        const revived = await outcome(() => reviver.revive(stored));
        expect(isDeepStrictEqual(revived, expected), new TextDecoder().decode(stored.bytes)).toBe(
          true,
        );
      }),
      { numRuns: 800 },
    );
  });

  it("need no promise for what threads are made of", async () => {
    const reviver = await Reviver.of(serializer());
    const values = [
      new HumanMessage({ content: "a", id: "1" }),
      new AIMessage({ content: [{ type: "text", text: "b" }], tool_calls: [] }),
      new ToolMessage({ content: "c", tool_call_id: "2", artifact: { rows: [1, null] } }),
      new SystemMessage("d"),
      { plain: [1, undefined, new Set([new Map([[1, /a/]])]), new Uint8Array([1])] },
    ];
    for (const value of values) expect(reviver.reviveNow(await store(value))).not.toBeNull();
  });

  it("are left to a serializer that reads something else out of the same text", async () => {
    const other = serializer();
    const { loadsTyped } = other;
    other.loadsTyped = async (type, bytes) => {
      const value: unknown = await loadsTyped.call(other, type, bytes);
      return value instanceof Set ? [...value] : value;
    };
    const stored = await store(new Set([1, 2]));
    const reviver = await Reviver.of(other);
    expect(reviver.reviveNow(stored)).toBeNull();
    expect(await reviver.revive(stored)).toEqual([1, 2]);
  });

  it("may be nested as deep as a request's body may", async () => {
    const text = `${"[".repeat(500)}${"]".repeat(500)}`;
    const bytes = new TextEncoder().encode(text);
    const reviver = await Reviver.of(serializer());
    const revived = await reviver.revive({ type: "json", bytes });
    expect(JSON.stringify(revived)).toBe(text);
  });
});

describe("the wire form of stored values", () => {
  it("is that of the object, to the letter", async () => {
    const ours = serializer();
    const reader = await WireReader.of(ours);
    const wireText = async (value: () => Promise<unknown>) => {
      const made = await outcome(value);
      return JSON.stringify(made);
    };
    await fc.assert(
      fc.asyncProperty(written, async (value) => {
        const stored = await store(value);
        const expected = await wireText(async () =>
          toWire(await ours.loadsTyped(stored.type, stored.bytes)),
        );
        const first = await wireText(async () => (await reader.read(stored)).json);
        const second = await wireText(async () => (await reader.read(stored)).json);
        expect([first, second]).toEqual([expected, expected]);
      }),
      { numRuns: 800 },
    );
  });

  it("is had without making the object, from the second of its kind on", async () => {
    const reader = await WireReader.of(serializer());
    for (const Class of [HumanMessage, AIMessage, SystemMessage]) {
      const first = await store(new Class({ content: "a", id: "1" }));
      const second = await store(new Class({ content: "b", id: "2" }));
      expect(reader.readNow(first)).toBeNull();
      await reader.read(first);
      expect(reader.readNow(second)?.json).toEqual(toWire(new Class({ content: "b", id: "2" })));
    }
  });

  it("is asked of the object when the library shows messages in another way", async () => {
    const toDict = vi.spyOn(HumanMessage.prototype, "toDict");
    toDict.mockImplementation(function (this: HumanMessage) {
      return { type: "human", data: { text: this.content } } as never;
    });
    const reader = await WireReader.of(serializer());
    for (const text of ["a", "b"]) {
      const { json } = await reader.read(await store(new HumanMessage(text)));
      expect(json).toEqual({ text, type: "human" });
    }
  });
});
