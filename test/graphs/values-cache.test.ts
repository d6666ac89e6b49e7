import { expect, test } from "vitest";
import { ValuesCache } from "../../src/graphs/values-cache.ts";

const state = (checkpointId: string) => ({ checkpointId, graphId: "chat", generation: 1 });

test("values are read once for a checkpoint, and again for another graph or generation", async () => {
  const cache = new ValuesCache();
  let reads = 0;
  const read = async () => ({ values: { read: ++reads }, checkpointId: "1", isFinal: true });
  expect(await cache.read(state("1"), read)).toEqual({ read: 1 });
  expect(await cache.read(state("1"), read)).toEqual({ read: 1 });
  expect(await cache.read({ ...state("1"), graphId: "other" }, read)).toEqual({ read: 2 });
  expect(await cache.read({ ...state("1"), generation: 2 }, read)).toEqual({ read: 3 });
});

test("what was read of a newer checkpoint is kept as that one's", async () => {
  const cache = new ValuesCache();
  const newer = async () => ({ values: "newer", checkpointId: "2", isFinal: true });
  const older = async () => ({ values: "older", checkpointId: "1", isFinal: true });
  expect(await cache.read(state("1"), newer)).toBe("newer");
  expect(await cache.read(state("2"), older)).toBe("newer");
  expect(await cache.read(state("1"), older)).toBe("older");
});

test("what tasks may still add to is read each time", async () => {
  const cache = new ValuesCache();
  let reads = 0;
  const read = async () => ({ values: ++reads, checkpointId: "1", isFinal: reads === 2 });
  const seen = [];
  for (let times = 0; times < 3; times++) seen.push(await cache.read(state("1"), read));
  expect(seen).toEqual([1, 2, 2]);
});

test("what was not asked for longest goes first", async () => {
  const cache = new ValuesCache();
  const readOf = (id: number) => async () => ({ values: id, checkpointId: `${id}`, isFinal: true });
  for (let id = 0; id < 32; id++) await cache.read(state(`${id}`), readOf(id));
  await cache.read(state("0"), readOf(-1));
  await cache.read(state("32"), readOf(32));
  const again = async (id: number) =>
    cache.read(state(`${id}`), async () => ({
      values: "again",
      checkpointId: `${id}`,
      isFinal: true,
    }));
  expect([await again(0), await again(2), await again(1)]).toEqual([0, 2, "again"]);
});
