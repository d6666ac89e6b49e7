import { expect } from "vitest";
import { nextMillisecond, unique, type Scenarios } from "./scenarios.ts";

/** A namespace no other scenario has, with three items about cities, put one after another. */
async function cities(client: Parameters<Scenarios[string][string]>[0]["client"]) {
  const root = unique("cities");
  await client.store.putItem([root, "asia"], "서울", { people: 9.4, country: "한국" });
  await nextMillisecond();
  await client.store.putItem([root, "asia"], "부산", { people: 3.3, country: "한국" });
  await nextMillisecond();
  await client.store.putItem([root, "europe"], "Wien", { people: 2, country: "Austria" });
  return root;
}

export const storeScenarios: Scenarios = {
  putItem: {
    "stores, and replaces what the key held": async ({ client }) => {
      const namespace = [unique("notes"), "a"];
      await client.store.putItem(namespace, "키", { text: "첫째" });
      const first = await client.store.getItem(namespace, "키");
      expect(first).toMatchObject({ namespace, key: "키", value: { text: "첫째" } });
      await client.store.putItem(namespace, "키", { text: "둘째" }, { index: false });
      const second = await client.store.getItem(namespace, "키");
      expect(second!.value).toEqual({ text: "둘째" });
      expect(second!.createdAt).toBe(first!.createdAt);
      expect(Date.parse(second!.updatedAt)).toBeGreaterThanOrEqual(Date.parse(first!.updatedAt));
    },
    "an empty namespace and one with periods are refused": async ({ client }) => {
      await expect(client.store.putItem([], "key", {})).rejects.toMatchObject({
        status: expect.any(Number),
        message: /[Nn]amespace/,
      });
      await expect(client.store.putItem(["a.b"], "key", {})).rejects.toThrow(/[Pp]eriod/);
    },
  },

  getItem: {
    "what nodes store is the same store": async ({ client }) => {
      await client.runs.wait(null, "remembering", { input: { input: "from a node" } });
      const item = await client.store.getItem(["notes"], "last");
      expect(item!.value).toEqual({ text: "from a node" });
    },
    "of a missing item is null": async ({ client }) => {
      expect(await client.store.getItem(["nowhere"], "nothing")).toBeNull();
    },
  },

  deleteItem: {
    "removes it, once or twice": async ({ client }) => {
      const root = await cities(client);
      await client.store.deleteItem([root, "asia"], "서울");
      await client.store.deleteItem([root, "asia"], "서울");
      expect(await client.store.getItem([root, "asia"], "서울")).toBeNull();
      const { items } = await client.store.searchItems([root]);
      expect(items.map(({ key }) => key)).toEqual(["Wien", "부산"]);
    },
  },

  searchItems: {
    "finds below a prefix of whole labels, newest first, by pages": async ({ client }) => {
      const root = await cities(client);
      const keys = async (prefix: string[], options?: object) =>
        (await client.store.searchItems(prefix, options)).items.map(({ key }) => key);
      expect(await keys([root])).toEqual(["Wien", "부산", "서울"]);
      expect(await keys([root, "asia"])).toEqual(["부산", "서울"]);
      expect(await keys([root.slice(0, -1)])).toEqual([]);
      expect(await keys([root], { limit: 1, offset: 1 })).toEqual(["부산"]);
    },
    "filters by equality and by every operator": async ({ client }) => {
      const root = await cities(client);
      const table: [Record<string, unknown>, string[]][] = [
        [{ country: "한국" }, ["부산", "서울"]],
        [{ country: { $eq: "Austria" } }, ["Wien"]],
        [{ country: { $ne: "한국" } }, ["Wien"]],
        [{ people: { $gt: 3.3 } }, ["서울"]],
        [{ people: { $gte: 3.3 } }, ["부산", "서울"]],
        [{ people: { $lt: 3.3 } }, ["Wien"]],
        [{ people: { $lte: 3.3 } }, ["Wien", "부산"]],
        [{ country: "한국", people: { $gt: 1, $lt: 5 } }, ["부산"]],
        [{ missing: 1 }, []],
      ];
      for (const [filter, wanted] of table) {
        const { items } = await client.store.searchItems([root], { filter });
        expect([filter, items.map(({ key }) => key)]).toEqual([filter, wanted]);
      }
    },
  },

  listNamespaces: {
    "by prefix, suffix, depth and page": async ({ client }) => {
      const root = await cities(client);
      const list = async (options: object) =>
        (await client.store.listNamespaces({ prefix: [root], ...options })).namespaces;
      expect(await list({})).toEqual([
        [root, "asia"],
        [root, "europe"],
      ]);
      expect(await list({ suffix: ["asia"] })).toEqual([[root, "asia"]]);
      expect(await list({ maxDepth: 1 })).toEqual([[root]]);
      expect(await list({ limit: 1, offset: 1 })).toEqual([[root, "europe"]]);
      expect(await list({ prefix: ["*", "asia"], suffix: [root, "*"] })).toEqual([[root, "asia"]]);
    },
  },
};
