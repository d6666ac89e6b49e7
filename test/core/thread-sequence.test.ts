import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstPosition } from "../../src/core/event.ts";
import { endSequenceOf, ordinalOf, sequenceOf } from "../../src/core/thread-sequence.ts";

const place = fc.record({
  ordinal: fc.integer({ min: 1, max: 2 ** 22 - 2 }),
  attempt: fc.integer({ min: 1, max: 8 }),
  position: fc.integer({ min: 0, max: 2 ** 23 - 2 }),
  place: fc.integer({ min: 0, max: 31 }),
});
type Place = typeof place extends fc.Arbitrary<infer One> ? One : never;

function keys({ ordinal, attempt, position, place: at }: Place): number[] {
  return [ordinal, attempt, position, at];
}

function numberOf(one: Place): number {
  return sequenceOf(one.ordinal, firstPosition(one.attempt) + one.position, one.place);
}

describe("numbers of a thread's events", () => {
  test("are in the order of runs, attempts, positions and places, and never the same", () => {
    fc.assert(
      fc.property(place, place, (one, other) => {
        const difference = keys(one).map((key, at) => key - keys(other)[at]!);
        const first = difference.find((distance) => distance !== 0) ?? 0;
        expect(Math.sign(numberOf(one) - numberOf(other))).toBe(Math.sign(first));
      }),
    );
  });

  test("are safe integers, say whose they are, and lie before the run's end", () => {
    fc.assert(
      fc.property(place, (one) => {
        const number = numberOf(one);
        expect(Number.isSafeInteger(number)).toBe(true);
        expect(ordinalOf(number)).toBe(one.ordinal);
        expect(number).toBeLessThan(endSequenceOf(one.ordinal));
        expect(number).toBeGreaterThan(endSequenceOf(one.ordinal - 1));
      }),
    );
  });

  test.each([
    ["more attempts", 1, firstPosition(40), 0],
    ["more events", 1, 2 ** 24, 0],
    ["more of one event", 1, 5, 1000],
  ])("keep their order with %s than there is room for", (_, ordinal, position, at) => {
    const number = sequenceOf(ordinal, position, at);
    expect(number).toBeGreaterThan(sequenceOf(ordinal, Math.min(position, 4), 31));
    expect(number).toBeLessThan(endSequenceOf(ordinal));
  });
});
