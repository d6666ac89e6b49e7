import { describe, expect, test } from "vitest";
import { allOf, meets, readFilter } from "../../src/core/condition.ts";
import type { JsonObject } from "../../src/core/json.ts";

const metadata: JsonObject = {
  owner: "ada",
  teams: ["red", "blue"],
  level: 3,
  secret: false,
  parent: null,
  address: { city: "London" },
};

describe("filters of authorization handlers", () => {
  test.for<[object, boolean]>([
    [{}, true],
    [{ owner: "ada" }, true],
    [{ owner: "bob" }, false],
    [{ owner: { $eq: "ada" } }, true],
    [{ owner: { $eq: "bob" } }, false],
    [{ missing: "ada" }, false],
    [{ owner: "ada", level: 3 }, true],
    [{ owner: "ada", level: 4 }, false],
    [{ level: "3" }, false],
    [{ secret: false }, true],
    [{ secret: null }, false],
    [{ parent: null }, true],
    [{ missing: null }, false],
    [{ teams: { $contains: "red" } }, true],
    [{ teams: { $contains: "re" } }, false],
    [{ teams: { $contains: ["blue", "red"] } }, true],
    [{ teams: { $contains: ["blue", "green"] } }, false],
    [{ owner: { $contains: "ada" } }, false],
    [{ missing: { $contains: "red" } }, false],
    [{ teams: "red" }, false],
    [{ $or: [{ owner: "bob" }, { teams: { $contains: "red" } }] }, true],
    [{ $or: [{ owner: "bob" }, { level: 4 }] }, false],
    [{ $or: [] }, false],
    [{ $and: [{ owner: "ada" }, { level: 3 }] }, true],
    [{ $and: [{ owner: "ada" }, { level: 4 }] }, false],
    [{ $and: [] }, true],
    [{ owner: "ada", $or: [{ level: 4 }, { $and: [{ secret: false }, { level: 3 }] }] }, true],
    [{ owner: "bob", $or: [{ level: 3 }] }, false],
    [{ constructor: "x" }, false],
  ])("%j: %s", ([filter, expected]) => {
    expect(meets(metadata, readFilter(filter))).toBe(expected);
  });

  // Read as "anything", each of these would open what it was meant to close.
  test.for<[object, string]>([
    [{ owner: undefined }, '"owner" must be a text, number, boolean or null'],
    [{ owner: { $eq: undefined } }, '"owner" must be'],
    [{ owner: { $ne: "ada" } }, "not an object with the keys $ne"],
    [{ owner: { $eq: "ada", $contains: "x" } }, '"owner" must be'],
    [{ owner: {} }, "not an object with the keys none"],
    [{ owner: ["ada"] }, "not a list"],
    [{ owner: Number.NaN }, "not a number"],
    [{ owner: { $contains: [{ a: 1 }] } }, '"owner" must be'],
    [{ owner: { $contains: undefined } }, '"owner" must be'],
    [{ $or: { owner: "ada" } }, '"$or" needs a list of filters'],
    [{ $and: ["ada"] }, '"$and" needs a list of filters'],
    [{ $or: [{ owner: undefined }] }, '"owner" must be'],
    [{ $not: [{ owner: "ada" }] }, '"$not" is no operator'],
  ])("%j is refused", ([filter, sentence]) => {
    expect(() => readFilter(filter)).toThrow(sentence);
  });

  test("what is refused does not tell the values", () => {
    expect(() => readFilter({ token: { $ne: "hunter2" } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
    );
  });
});

test("no condition asks nothing, and several all count", () => {
  const [ada, level] = [readFilter({ owner: "ada" }), readFilter({ level: 4 })];
  expect(allOf([null, null])).toBeNull();
  expect(meets(metadata, null)).toBe(true);
  expect(meets(metadata, allOf([null, ada]))).toBe(true);
  expect(meets(metadata, allOf([ada, level]))).toBe(false);
});
