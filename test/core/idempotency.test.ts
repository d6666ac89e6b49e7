import { expect, test } from "vitest";
import { fingerprintOf, keysOf } from "../../src/core/idempotency.ts";
import type { RunId } from "../../src/core/ids.ts";

test("requests that say the same have one fingerprint, in whatever order their keys come", () => {
  const one = fingerprintOf({ a: 1, b: { c: [1, { d: null, e: "x" }] } });
  expect(fingerprintOf({ b: { c: [1, { e: "x", d: null }] }, a: 1 })).toBe(one);
});

test.each([
  [{ a: [1, 2] }, { a: [2, 1] }],
  [{ a: 1 }, { a: "1" }],
  [{ a: null }, {}],
  [{ a: { b: 1 } }, { a: [["b", 1]] }],
  [{ input: { "1": 0, "10": 1 } }, { input: { "1": 1, "10": 0 } }],
])("%j and %j are different requests", (one, other) => {
  expect(fingerprintOf(one)).not.toBe(fingerprintOf(other));
});

test("a header cannot name another caller's run by its id", () => {
  const runId = "0196d5b4-0000-7000-8000-000000000000" as RunId;
  expect(keysOf({})).toEqual([]);
  expect(keysOf({ idempotencyKey: null, runId: null })).toEqual([]);
  expect(keysOf({ idempotencyKey: `run:${runId}` })).not.toContain(keysOf({ runId })[0]);
  expect(keysOf({ idempotencyKey: "k", runId })).toHaveLength(2);
});
