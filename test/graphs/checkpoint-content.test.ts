import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CheckpointStorage, NumberedName } from "../../src/core/ports/checkpoints.ts";
import { namesIn, packContent, unpackContent } from "../../src/graphs/checkpoint-content.ts";
import { Names } from "../../src/graphs/names.ts";
import { VersionCounter, VersionPacker, VersionUnpacker } from "../../src/graphs/versions.ts";

/** Numbers names as a database does; `asked` counts how often it was asked. */
function numbering() {
  const all: NumberedName[] = [];
  const asked = { count: 0 };
  const storage = {
    async numbersOf(names: string[]) {
      asked.count += 1;
      for (const name of names) {
        if (!all.some((one) => one.name === name)) all.push({ name, number: all.length + 1 });
      }
      return all.filter(({ name }) => names.includes(name));
    },
    async namesOf(numbers: number[]) {
      asked.count += 1;
      return all.filter(({ number }) => numbers.includes(number));
    },
  };
  /** Another server's: it has learnt nothing yet. */
  const open = () => Names.of({ ...storage } as unknown as CheckpointStorage);
  return { open, asked };
}

async function packed(checkpoint: Checkpoint, names: Names, rest: string | null = null) {
  await names.known(namesIn(checkpoint));
  return packContent(checkpoint, [], rest, names);
}

const name = fc.oneof(
  fc.constantFrom("messages", "__start__", "branch:to:reply", "__proto__", "1", "x".repeat(300)),
  fc.string({ unit: "binary" }),
);
const version = fc.oneof(
  fc.integer({ min: 1, max: 50 }).map((whole) => Number(`${whole}.12345678${whole % 3}`)),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.nat(),
  fc.string(),
  fc.constant("00000000000000000000000000000002.0.243798848838515"),
);
const versions = fc.dictionary(name, version);

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  v: fc.constantFrom(1, 4, 4, 4, 5),
  id: fc.constant("1"),
  ts: fc.constantFrom("2026-11-20T19:18:15.302Z", "2026-11-20T19:18:15.302147+00:00", ""),
  channel_values: fc.constant({}),
  channel_versions: versions,
  versions_seen: fc.dictionary(name, versions),
}) as fc.Arbitrary<Checkpoint>;

describe("a checkpoint's content", () => {
  it("reads back as it was, also on a server that has not seen its names", async () => {
    const { open } = numbering();
    const property = fc.asyncProperty(checkpoints, async (checkpoint) => {
      const seen = { ...checkpoint.versions_seen, same: checkpoint.channel_versions };
      const given = { ...checkpoint, versions_seen: seen } as Checkpoint;
      const text = await packed(given, open(), '{"more":1}');
      const read = await unpackContent(text, "1", open());
      expect(JSON.stringify(read.checkpoint)).toBe(JSON.stringify(given));
      expect(read.rest).toEqual({ more: 1 });
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it("costs less than half of its JSON, and asks for names only once", async () => {
    const { open, asked } = numbering();
    const names = open();
    const counter = new VersionCounter();
    const next = () => counter.next(898.9);
    const [start, messages, branch] = [next(), next(), next()];
    const checkpoint: Checkpoint = {
      v: 4,
      id: "1",
      ts: "2026-11-20T19:18:15.302Z",
      channel_values: {},
      channel_versions: { __start__: start, messages, "branch:to:reply": branch },
      versions_seen: { __input__: {}, __start__: { __start__: start }, reply: { messages: 5.5 } },
    };
    const text = await packed(checkpoint, names);
    expect(text.length).toBeLessThan(JSON.stringify(checkpoint).length / 2);
    await packed(checkpoint, names);
    await unpackContent(text, "1", names);
    expect(asked.count).toBe(1);
  });

  it("is read as earlier versions of the server stored it, names and all", async () => {
    const text = `{"v":4,"ts":"2026-11-20T19:18:15.302Z","versions":{"__start__":899.9,"messages":900.1},
      "seen":{"__input__":{},"reply":{"__start__":true,"messages":5}},
      "values":[["messages",3,1],["__start__",0,{"a":1}]],"rest":{"more":1}}`;
    const { checkpoint, values, rest } = await unpackContent(text, "1", numbering().open());
    expect(checkpoint).toEqual({
      v: 4,
      id: "1",
      ts: "2026-11-20T19:18:15.302Z",
      channel_values: {},
      channel_versions: { __start__: 899.9, messages: 900.1 },
      versions_seen: { __input__: {}, reply: { __start__: 899.9, messages: 5 } },
    });
    expect(values).toEqual([
      { channel: "messages", kind: "list", spans: 1, isOpen: true, hasTexts: false },
      { channel: "__start__", kind: "inline", json: { a: 1 } },
    ]);
    expect(rest).toEqual({ more: 1 });
  });

  it("cannot be read where a name is not known", async () => {
    await expect(unpackContent("[0,[7,1.5],[],[]]", "1", numbering().open())).rejects.toThrow("7");
  });
});

describe("versions", () => {
  it("are counted up, and no checkpointer gives one twice for the same number", () => {
    const counter = new VersionCounter();
    const given = Array.from({ length: 1000 }, () => counter.next(7.25));
    expect(new Set(given).size).toBe(1000);
    expect(new Set(given.map(Math.floor))).toEqual(new Set([8]));
    expect(Math.floor(counter.next(undefined))).toBe(1);
    expect(Math.floor(counter.next("41.5"))).toBe(42);
  });

  it("read back as they were, in the order in which they were packed", () => {
    const property = fc.property(fc.array(version), (given) => {
      const packer = new VersionPacker();
      const all = given.map((one) => packer.pack(one));
      const unpacker = new VersionUnpacker();
      expect(
        (JSON.parse(JSON.stringify(all)) as typeof all).map((one) => unpacker.unpack(one)),
      ).toEqual(given);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
