import { describe, expect } from "vitest";
import type { Item, ItemVector } from "../../../src/core/item.ts";
import { itStores, type OpenStorage, start } from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

function newItem(namespace: string[], key: string, change: Partial<Item> = {}): Item {
  return {
    namespace,
    key,
    value: { text: key },
    createdAt: start,
    updatedAt: start,
    ttl: null,
    ...change,
  };
}

/** Of length 1, as storage gets them. */
function vector(...numbers: number[]): Omit<ItemVector, "path"> {
  const length = Math.hypot(...numbers) || 1;
  return { model: "m", values: Float32Array.from(numbers, (one) => one / length) };
}

function placed(path: string, of: Omit<ItemVector, "path">): ItemVector {
  return { ...of, path };
}

export function describeItems(open: OpenStorage): void {
  describe("items", () => {
    itStores(open, "an item reads back as it was put", async (storage) => {
      const item = newItem(["users", "한 글", "a/b"], "key with space.", {
        value: { deep: { list: [1, null, "🙂"] } },
        updatedAt: start + 1,
      });
      await storage.items.put(item);
      expect(await storage.items.get(item.namespace, item.key, start)).toEqual(item);
      expect(await storage.items.get(["users"], item.key, start)).toBeNull();
      expect(await storage.items.get(item.namespace, "other", start)).toBeNull();
    });

    itStores(
      open,
      "putting again replaces the value and keeps when it was created",
      async (storage) => {
        await storage.items.put(newItem(["a"], "k"));
        const again = { value: { new: true }, createdAt: start + 9, updatedAt: start + 9 };
        await storage.items.put(newItem(["a"], "k", again));
        expect(await storage.items.get(["a"], "k", start)).toEqual(
          newItem(["a"], "k", { ...again, createdAt: start }),
        );
      },
    );

    itStores(open, "deleting says whether there was an item", async (storage) => {
      await storage.items.put(newItem(["a"], "k"));
      await storage.items.put(newItem(["a", "b"], "k"));
      expect(await storage.items.delete(["a"], "k")).toBe(true);
      expect(await storage.items.delete(["a"], "k")).toBe(false);
      expect(await storage.items.get(["a"], "k", start)).toBeNull();
      expect(await storage.items.get(["a", "b"], "k", start)).not.toBeNull();
    });

    itStores(open, "a prefix matches whole labels only", async (storage) => {
      for (const namespace of [
        ["a"],
        ["a", "b"],
        ["a", "bc"],
        ["ab"],
        ["b", "a"],
        ["a", "b", "c"],
      ]) {
        await storage.items.put(newItem(namespace, namespace.join(".")));
      }
      const found = async (prefix: string[]) => {
        const items = await storage.items.search({ prefix, page, now: start });
        return items.map(({ key }) => key).toSorted();
      };
      expect(await found(["a"])).toEqual(["a", "a.b", "a.b.c", "a.bc"]);
      expect(await found(["a", "b"])).toEqual(["a.b", "a.b.c"]);
      expect(await found(["b"])).toEqual(["b.a"]);
      expect(await found([])).toHaveLength(6);
      expect(await found(["%"])).toEqual([]);
    });

    itStores(open, "search shows the last updated first", async (storage) => {
      for (const [at, key] of ["b", "c", "a"].entries()) {
        await storage.items.put(newItem(["n"], key, { updatedAt: start + at }));
      }
      await storage.items.put(newItem(["n"], "b", { updatedAt: start + 10 }));
      const items = await storage.items.search({ prefix: ["n"], page, now: start });
      expect(items.map(({ key }) => key)).toEqual(["b", "a", "c"]);
    });

    itStores(
      open,
      "a filter compares top-level keys, and pages count what matches",
      async (storage) => {
        for (let age = 0; age < 10; age++) {
          const value = { age, even: age % 2 === 0, name: `n${age}`, tags: ["x", age] };
          await storage.items.put(newItem(["n"], `k${age}`, { value, updatedAt: start + age }));
        }
        await storage.items.put(newItem(["n"], "other", { value: { age: "5" } }));
        const found = async (filter: object, part = page) => {
          const params = { prefix: ["n"], filter: filter as Item["value"], page: part, now: start };
          return (await storage.items.search(params)).map(({ key }) => key);
        };
        expect(await found({ age: 5 })).toEqual(["k5"]);
        expect(await found({ age: { $gte: 7 }, even: true })).toEqual(["k8"]);
        expect(await found({ age: { $gt: 2, $lt: 5 } })).toEqual(["k4", "k3"]);
        expect(await found({ name: { $lte: "n1" } })).toEqual(["k1", "k0"]);
        expect(await found({ age: { $ne: 5 }, even: false })).toEqual(["k9", "k7", "k3", "k1"]);
        expect(await found({ tags: ["x", 3] })).toEqual(["k3"]);
        expect(await found({ missing: 1 })).toEqual([]);
        expect(await found({})).toHaveLength(11);
        expect(await found({ even: true }, { limit: 2, offset: 1 })).toEqual(["k6", "k4"]);
      },
    );

    itStores(open, "items of equal age keep one order over pages", async (storage) => {
      for (let at = 0; at < 5; at++) await storage.items.put(newItem(["n"], `k${at}`));
      const keys: string[] = [];
      for (const offset of [0, 2, 4]) {
        const items = await storage.items.search({
          prefix: [],
          page: { limit: 2, offset },
          now: start,
        });
        keys.push(...items.map(({ key }) => key));
      }
      expect(keys.toSorted()).toEqual(["k0", "k1", "k2", "k3", "k4"]);
    });

    itStores(open, "namespaces are listed once each, sorted label by label", async (storage) => {
      expect(await storage.items.namespaces(start)).toEqual([]);
      const namespaces = [["b"], ["a", "z"], ["a b"], ["a"], ["a", "b"], ["B"], ["a-b", "c"]];
      for (const namespace of namespaces) {
        await storage.items.put(newItem(namespace, "one"));
        await storage.items.put(newItem(namespace, "two"));
      }
      expect(await storage.items.namespaces(start)).toEqual([
        ["B"],
        ["a"],
        ["a", "b"],
        ["a", "z"],
        ["a b"],
        ["a-b", "c"],
        ["b"],
      ]);
      await storage.items.delete(["b"], "one");
      await storage.items.delete(["b"], "two");
      expect(await storage.items.namespaces(start)).toHaveLength(6);
    });
  });

  describe("vectors of items", () => {
    const east = vector(1, 0);
    const north = vector(0, 1);

    itStores(
      open,
      "with a vector the nearest items come first, with their cosine",
      async (storage) => {
        await storage.items.put(newItem(["n"], "same"), [placed("$", vector(2, 0))]);
        await storage.items.put(newItem(["n"], "between"), [placed("$", vector(1, 1))]);
        await storage.items.put(newItem(["n"], "across"), [placed("$", north)]);
        await storage.items.put(newItem(["n"], "opposite"), [placed("$", vector(-3, 0))]);
        await storage.items.put(newItem(["n"], "nothing"), [placed("$", vector(0, 0))]);
        await storage.items.put(newItem(["other"], "elsewhere"), [placed("$", east)]);
        const found = await storage.items.search({ prefix: ["n"], near: east, page, now: start });
        expect(found.map(({ key }) => key)).toEqual([
          "same",
          "between",
          "across",
          "nothing",
          "opposite",
        ]);
        const scores = [1, Math.SQRT1_2, 0, 0, -1];
        for (const [place, { score }] of found.entries()) {
          expect(score, found[place]!.key).toBeCloseTo(scores[place]!, 5);
        }
        const { score, ...item } = found[0]!;
        expect(item).toEqual(newItem(["n"], "same"));
        expect(score).toBeTypeOf("number");
      },
    );

    itStores(open, "an item counts once, by the nearest of its vectors", async (storage) => {
      await storage.items.put(newItem(["n"], "both"), [
        placed("a", north),
        placed("b", vector(2, 1)),
      ]);
      await storage.items.put(newItem(["n"], "one"), [placed("a", vector(1, 1))]);
      const found = await storage.items.search({ prefix: [], near: east, page, now: start });
      expect(found.map(({ key }) => key)).toEqual(["both", "one"]);
      expect(found[0]!.score).toBeCloseTo(2 / Math.sqrt(5), 5);
    });

    itStores(
      open,
      "items without a vector of the model come behind, newest first, without a score",
      async (storage) => {
        const put = async (key: string, age: number, vectors?: ItemVector[]) =>
          storage.items.put(newItem(["n"], key, { updatedAt: start + age }), vectors);
        await put("none", 1);
        await put("of another model", 3, [{ ...placed("$", east), model: "m2" }]);
        await put("longer", 2, [{ ...placed("$", vector(1, 2, 3)), model: "m (3)" }]);
        await put("far", 4, [placed("$", vector(-1, 0))]);
        const found = await storage.items.search({ prefix: ["n"], near: east, page, now: start });
        expect(found.map(({ key, score }) => [key, score !== undefined])).toEqual([
          ["far", true],
          ["of another model", false],
          ["longer", false],
          ["none", false],
        ]);
        expect(await storage.items.describeVectors("m")).toMatchObject({ strangers: 2 });
        expect(await storage.items.describeVectors("m2")).toMatchObject({ strangers: 2 });
      },
    );

    itStores(open, "filter and pages apply to what is near", async (storage) => {
      for (let place = 0; place < 12; place++) {
        const value = { even: place % 2 === 0, place };
        const item = newItem(["n"], `k${String(place).padStart(2, "0")}`, { value });
        await storage.items.put(item, [placed("$", vector(12 - place, place))]);
      }
      const found = async (filter: object, part = page) => {
        const params = {
          prefix: ["n"],
          near: east,
          filter: filter as Item["value"],
          page: part,
          now: start,
        };
        return (await storage.items.search(params)).map(({ key }) => key);
      };
      expect(await found({ even: true }, { limit: 2, offset: 1 })).toEqual(["k02", "k04"]);
      expect(await found({ place: { $gte: 3, $lt: 6, $ne: 4 } })).toEqual(["k03", "k05"]);
      expect(await found({ place: { $in: [7, 1] }, even: { $eq: false } })).toEqual(["k01", "k07"]);
      expect(await found({}, { limit: 3, offset: 10 })).toEqual(["k10", "k11"]);
      expect(await found({ place: { $nin: [0, 1] } }, { limit: 1, offset: 0 })).toEqual(["k02"]);
    });

    itStores(open, "a filter is applied however far behind what matches is", async (storage) => {
      await Promise.all(
        Array.from({ length: 600 }, (_, place) =>
          storage.items.put(newItem(["n"], `k${place}`, { value: { place } }), [
            placed("$", vector(1000 - place, place)),
          ]),
        ),
      );
      const filter = { place: { $gte: 590 } };
      const search = {
        prefix: ["n"],
        near: east,
        filter,
        page: { limit: 3, offset: 2 },
        now: start,
      };
      const found = await storage.items.search(search);
      expect(found.map(({ key }) => key)).toEqual(["k592", "k593", "k594"]);
    });

    itStores(open, "vectors are replaced and deleted with their item", async (storage) => {
      const first = async () =>
        (await storage.items.search({ prefix: [], near: east, page, now: start })).map(
          ({ score }) => score,
        );
      await storage.items.put(newItem(["n"], "k"), [placed("a", east), placed("b", north)]);
      expect((await first())[0]).toBeCloseTo(1, 5);
      await storage.items.put(newItem(["n"], "k"), [placed("b", north)]);
      expect((await first())[0]).toBeCloseTo(0, 5);
      await storage.items.put(newItem(["n"], "k"));
      expect(await first()).toEqual([undefined]);
      await storage.items.put(newItem(["n"], "k"), [{ ...placed("a", east), model: "old" }]);
      expect((await storage.items.describeVectors("m")).strangers).toBe(1);
      await storage.items.delete(["n"], "k");
      expect((await storage.items.describeVectors("m")).strangers).toBe(0);
      await storage.items.put(newItem(["n"], "k"));
      expect(await first()).toEqual([undefined]);
    });

    itStores(open, "vectors of what is over are not searched, and go with it", async (storage) => {
      const ttl = { minutes: 1, expiresAt: start + 60_000 };
      await storage.items.put(newItem(["n"], "over", { ttl }), [placed("$", east)]);
      await storage.items.put(newItem(["n"], "stays"), [placed("$", north)]);
      const found = async (after: number) =>
        (await storage.items.search({ prefix: [], near: east, page, now: start + after })).map(
          ({ key }) => key,
        );
      expect(await found(59_999)).toEqual(["over", "stays"]);
      expect(await found(60_000)).toEqual(["stays"]);
      expect((await storage.items.describeVectors("other")).strangers).toBe(2);
      expect(await storage.items.removeExpired({ now: start + 60_000, limit: 10 })).toBe(1);
      expect((await storage.items.describeVectors("other")).strangers).toBe(1);
    });

    itStores(open, "an item whose vectors cannot be stored stays as it was", async (storage) => {
      await storage.items.put(newItem(["n"], "k"), [placed("a", east)]);
      const twice = [placed("a", north), placed("a", north)];
      const changed = newItem(["n"], "k", { value: { changed: true } });
      await expect(storage.items.put(changed, twice)).rejects.toThrow(/unique/i);
      expect(await storage.items.get(["n"], "k", start)).toEqual(newItem(["n"], "k"));
      const [found] = await storage.items.search({ prefix: [], near: east, page, now: start });
      expect(found!.score).toBeCloseTo(1, 5);
    });

    itStores(open, "of writers at once one wins, with its vectors", async (storage) => {
      const writers = [east, north].flatMap((one) => [one, one, one]);
      await Promise.all(
        writers.map((one, place) => {
          const value = { east: one === east };
          return storage.items.put(newItem(["n"], "k", { value, updatedAt: start + place }), [
            placed("$", one),
          ]);
        }),
      );
      const [found] = await storage.items.search({ prefix: [], near: east, page, now: start });
      expect(found!.score).toBeCloseTo(found!.value["east"] ? 1 : 0, 5);
    });
  });
}
