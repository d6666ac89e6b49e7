import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ThreadId } from "../../src/core/ids.ts";
import { mintLineage } from "../../src/core/lineage.ts";
import type {
  CheckpointStorage,
  CheckpointTuple,
  StoredItem,
  StoredValue,
} from "../../src/core/ports/checkpoints.ts";
import { CheckpointGone } from "../../src/graphs/checkpoint-gone.ts";
import {
  excerpted,
  excerptedText,
  hasLongText,
  textsIn,
  wholeTuple,
} from "../../src/graphs/excerpts.ts";
import { measureThread } from "../../src/graphs/thread-size.ts";

const json = (value: unknown): StoredValue => ({
  type: "json",
  bytes: new TextEncoder().encode(JSON.stringify(value)),
});

function itemsOf(...values: unknown[]): StoredItem[] {
  const lineage = mintLineage();
  return values.map((value, position) => ({ lineage, position, value: json(value) }));
}

function tupleOf(content: string, value: StoredValue, texts: StoredItem[]): CheckpointTuple {
  const write = { taskId: "task", index: 0, channel: "messages", value };
  return {
    threadId: "thread" as ThreadId,
    namespace: "",
    checkpointId: "1",
    parentId: null,
    content,
    spans: [],
    metadata: {},
    writes: [write],
    texts,
    generation: 1,
  };
}

/** What comes back of a checkpoint whose content and only write are these. */
function readBack(content: string, value: StoredValue, texts: StoredItem[]) {
  const whole = wholeTuple(tupleOf(content, value, texts));
  return { content: whole.content, value: whole.writes[0]!.value };
}

const textOf = ({ bytes }: StoredValue) => new TextDecoder().decode(bytes);

const long = "A text that is long enough. ".repeat(20);

describe("excerpts", () => {
  it("stand for long texts that items have, with what is the same around them", () => {
    const message = { lc: 1, kwargs: { content: long, id: "1" }, type: "constructor" };
    const items = itemsOf("other", message);
    const value = json([{ ...message, kwargs: { content: long } }]);
    const shorter = excerpted(value, textsIn(items))!;
    expect(shorter.value.bytes.length).toBeLessThan(60);
    const { lineage } = items[0]!;
    expect(shorter.texts).toEqual([{ lineage, first: 1, end: 2 }]);
    expect(textOf(readBack("", shorter.value, items).value)).toBe(textOf(value));
  });

  it("do not stand for short texts, for what no item has, or in what is not JSON", () => {
    const short = "x".repeat(200);
    const known = textsIn(itemsOf(short, long));
    expect(excerpted(json([short, `${long}.`]), known)).toBeNull();
    expect(excerpted({ type: "bytes", bytes: json(long).bytes }, known)).toBeNull();
    expect([json(short), json(long)].map(hasLongText)).toEqual([false, true]);
  });

  it("end between characters, so that a text is still one", () => {
    const items = itemsOf({ a: "가", b: long, c: "각" });
    const content = JSON.stringify({ a: "나", b: long, c: "간" });
    const shorter = excerptedText(content, textsIn(items))!;
    expect(shorter.content.length).toBeLessThan(60);
    expect(readBack(shorter.content, json(1), items).content).toBe(content);
  });

  it("cannot be read without their item", () => {
    const items = itemsOf(long);
    const shorter = excerpted(json([long]), textsIn(items))!;
    const content = excerptedText(JSON.stringify([long]), textsIn(items))!.content;
    for (const left of [itemsOf(long), []]) {
      expect(() => readBack("", shorter.value, left)).toThrow(CheckpointGone);
      expect(() => readBack(content, json(1), left)).toThrow(CheckpointGone);
    }
  });

  it("read back to the byte, whatever stands around and in the texts", () => {
    const unit = fc.constantFrom('"', "\\", "\u0001", "a", "한", "🙂", "\ud800", "\n", "}", ",");
    const longText = fc.string({ unit, minLength: 200, maxLength: 400, size: "max" });
    const part = fc.oneof(longText, fc.string({ unit, maxLength: 5 }), fc.jsonValue());
    const property = fc.property(
      fc.array(part, { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 }),
      fc.array(part, { maxLength: 3 }),
      (parts, order, others) => {
        const items = itemsOf(...parts, parts, { content: parts[0], others });
        const mixed = order.map((at) => [...parts, ...others][at] ?? { content: parts[0] });
        const value = json(mixed);
        const content = JSON.stringify(mixed);
        const known = textsIn(items);
        const shorter = excerpted(value, known);
        const shorterText = excerptedText(content, known);
        const read = readBack(shorterText?.content ?? content, shorter?.value ?? value, items);
        expect(Buffer.compare(read.value.bytes, value.bytes)).toBe(0);
        expect(read.content).toBe(content);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it("whose item went while they were read are not counted", async () => {
    const items = itemsOf(long);
    const content = excerptedText(JSON.stringify([long]), textsIn(items))!.content;
    const gone = tupleOf(content, json(1), []);
    const storage = {
      async *list() {
        yield gone;
      },
    } as Partial<CheckpointStorage> as CheckpointStorage;
    const size = await measureThread(storage, gone.threadId);
    expect(size.checkpoints).toEqual({ count: 0, bytes: 0 });
  });
});
