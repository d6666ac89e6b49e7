import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isUnchanged, traceOf } from "../../src/graphs/trace.ts";

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
        const trace = traceOf(value)!;
        const before = await text(value);
        for (const change of made) change(value);
        const isSame = (await text(value)) === before;
        // What is not serialised counts as a change, too: it is stored once more than it need be.
        expect([isUnchanged(value, trace), isSame]).not.toEqual([true, false]);
        expect(isUnchanged(value, trace) || made.length > 0).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
