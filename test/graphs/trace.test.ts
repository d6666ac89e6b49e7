import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isEqual, isUnchanged, traceOf } from "../../src/graphs/trace.ts";

/** Made anew each time, so that one can be changed and compared with another. */
const makers: (() => Record<string, unknown>)[] = [
  () => new HumanMessage({ content: "a", additional_kwargs: { b: [1, { c: 2 }] } }) as never,
  () => new AIMessage({ content: [{ type: "text", text: "d" }], id: "1" }) as never,
  () => ({ plain: [1, "two", null, undefined, { three: true }], at: new Date(0) }),
  () => ({ set: new Set([1, { a: 1 }]), map: new Map([["k", [1]]]), error: new Error("e") }),
  () => ({ bytes: new Uint8Array([1, 2]), expression: /a/g, none: Object.create(null) as object }),
  () => ({ shown: { hidden: 1, toJSON: () => ["shown", 1] }, toJSON: "a text" }),
];

const changes: ((value: Record<string, unknown>) => void)[] = [
  (value) => void (value["more"] = 1),
  (value) => void (value["content"] = "other"),
  (value) => (value["additional_kwargs"] as { b: unknown[] } | undefined)?.b?.push(1),
  (value) => (value["content"] as { text: string }[])?.[0] && (value["content"] = []),
  (value) => void ((value["plain"] as unknown[] | undefined) ?? []).splice(3, 1),
  (value) => (value["at"] as Date | undefined)?.setTime(1),
  (value) => (value["set"] as Set<unknown> | undefined)?.add(2),
  (value) => (value["map"] as Map<string, unknown[]> | undefined)?.get("k")?.push(2),
  (value) => value["error"] && void ((value["error"] as Error).message = "f"),
  (value) => (value["bytes"] as Uint8Array | undefined)?.fill(9),
  (value) => value["shown"] && void ((value["shown"] as { hidden: number }).hidden = 2),
  (value) => value["shown"] && ((value["shown"] as { toJSON: unknown }).toJSON = () => ["now", 2]),
  () => {},
];

test("a value that would be stored as something else has changed, one that nobody touched has not", async () => {
  const { serde } = new MemorySaver();
  const text = async (value: unknown) => Buffer.from((await serde.dumpsTyped(value))[1]).toString();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...makers),
      fc.array(fc.constantFrom(...changes), { maxLength: 2 }),
      async (make, made) => {
        const value = make();
        const trace = traceOf(value);
        const before = await text(value);
        for (const change of made) change(value);
        const isSame = (await text(value)) === before;
        // What is not serialised counts as a change, too: it is stored once more than it need be.
        expect([isUnchanged(trace), isSame]).not.toEqual([true, false]);
        expect([isEqual(value, trace), isSame]).not.toEqual([true, false]);
        expect(isUnchanged(trace) || made.length > 0).toBe(true);
        expect(isEqual(value, trace)).toBe(isUnchanged(trace));
      },
    ),
    { numRuns: 500 },
  );
});

test("what is not a number, and a value that contains itself, can be compared", () => {
  const value: Record<string, unknown> = { inner: { number: Number.NaN } };
  value["self"] = [value];
  const trace = traceOf(value);
  expect(isUnchanged(trace)).toBe(true);
  (value["self"] as unknown[]).push(1);
  expect(isUnchanged(trace)).toBe(false);
});

test("an object exchanged for its equal is not the same, but is equal", () => {
  const message = new HumanMessage({ content: "a", additional_kwargs: { b: [new Map([[1, 2]])] } });
  const trace = traceOf(message);
  const exchange = (b: unknown) => {
    message.additional_kwargs = { b };
    return [isUnchanged(trace), isEqual(message, trace)];
  };
  expect(exchange([new Map([[1, 2]])])).toEqual([false, true]);
  expect(exchange([new Map([[1, 3]])])).toEqual([false, false]);
  expect(exchange([[[1, 2]]])).toEqual([false, false]);
  expect(exchange([new Map([[1, 2]]), 1])).toEqual([false, false]);
  expect(exchange({ 0: new Map([[1, 2]]) })).toEqual([false, false]);
  expect(exchange(null)).toEqual([false, false]);
});

test("what was there is compared as it was, though it was changed before it was exchanged", () => {
  const inner = { b: 1 };
  const value: Record<string, unknown> = { inner };
  const trace = traceOf(value);
  inner.b = 2;
  value["inner"] = { b: 1 };
  expect(isEqual(value, trace)).toBe(true);
  value["inner"] = { b: 2 };
  expect(isEqual(value, trace)).toBe(false);
});

test("what is nested too deep to be traced never counts as unchanged", () => {
  let deep: unknown[] = [];
  for (let depth = 0; depth < 100; depth++) deep = [deep];
  expect(isUnchanged(traceOf({ deep }))).toBe(true);
  expect(isUnchanged(traceOf({ map: new Map([["deep", deep]]) }))).toBe(false);
});

test("objects of more different keys than are remembered are traced all the same", () => {
  const value = Array.from({ length: 1100 }, (_, at): Record<string, number> => ({
    [`k${at}`]: at,
  }));
  const trace = traceOf(value);
  expect(isUnchanged(trace)).toBe(true);
  value[1099]!["k1099"] = -1;
  expect(isUnchanged(trace)).toBe(false);
});

test("a hole is not what stood in its place", () => {
  const value = { list: [1, 2], set: new Set([[1, 2]]) };
  const trace = traceOf(value);
  expect(isEqual({ list: [1, 2], set: new Set([[1, 2]]) }, trace)).toBe(true);
  expect(isEqual({ list: Array(2), set: value.set }, trace)).toBe(false);
  expect(isEqual({ list: value.list, set: new Set([Array(2)]) }, trace)).toBe(false);
  const holed = {
    map: new Map<string, unknown[]>([["a", Object.assign(Array<unknown>(2), { 0: 1 })]]),
  };
  const traced = traceOf(holed);
  holed.map.set("a", Object.assign(Array<unknown>(2), { 1: 1 }));
  expect(isUnchanged(traced)).toBe(false);
});

test("what is of another class has changed, though it has the same in it", () => {
  const pairs: [unknown, unknown][] = [
    [new Set([1]), [1]],
    [new Map([[1, 2]]), [[1, 2]]],
    [new Error("text"), "text"],
    [new Date(0), new Date(0).toJSON()],
  ];
  for (const [then, now] of pairs) {
    const value = { map: new Map([["a", then]]) };
    const trace = traceOf(value);
    expect(isUnchanged(trace)).toBe(true);
    value.map.set("a", now);
    expect(isUnchanged(trace)).toBe(false);
    expect(isEqual(value, trace)).toBe(false);
  }
});
