import { describe, expect } from "vitest";
import type { AssistantSortField } from "../../../src/core/assistant.ts";
import { randomIds } from "../../../src/core/ids.ts";
import {
  allPages,
  itStores,
  newAssistant,
  type OpenStorage,
  sortedIds,
  start,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };
const byName = { by: "name", order: "asc" } as const;

function refuse(): never {
  throw new Error("refused");
}

export function describeAssistants(open: OpenStorage): void {
  describe("assistants", () => {
    describeVersions(open);
    describeSearch(open);
  });
}

function describeVersions(open: OpenStorage): void {
  itStores(open, "an assistant reads back as it was created, with version 1", async (storage) => {
    const assistant = newAssistant({ description: "", metadata: { a: { b: ["c", 1.5, null] } } });
    expect(await storage.assistants.create(assistant)).toEqual({ assistant, created: true });
    expect(await storage.assistants.get(assistant.assistantId)).toEqual(assistant);
    const { updatedAt: _, ...version } = assistant;
    expect(await storage.assistants.version(assistant.assistantId, 1)).toEqual(version);
  });

  itStores(open, "what does not exist is null", async (storage) => {
    const assistantId = randomIds.assistant();
    expect(await storage.assistants.get(assistantId)).toBeNull();
    expect(await storage.assistants.version(assistantId, 1)).toBeNull();
    expect(await storage.assistants.versions({ assistantId, page })).toEqual([]);
    expect(
      await storage.assistants.addVersion({ assistantId, now: start, change: refuse }),
    ).toBeNull();
    expect(await storage.assistants.activate({ assistantId, version: 1, now: start })).toBeNull();
    expect(await storage.assistants.delete(assistantId)).toBe(false);
  });

  itStores(
    open,
    "creating an id again changes nothing and shows what is there",
    async (storage) => {
      const assistant = newAssistant();
      await storage.assistants.create(assistant);
      const again = { ...assistant, name: "Another", graphId: "other" };
      expect(await storage.assistants.create(again)).toEqual({ assistant, created: false });
      expect(await storage.assistants.get(assistant.assistantId)).toEqual(assistant);
    },
  );

  itStores(open, "two creations of one id at once create one assistant", async (storage) => {
    const assistant = newAssistant();
    const results = await Promise.all([
      storage.assistants.create(assistant),
      storage.assistants.create(assistant),
    ]);
    expect(results.map(({ created }) => created).toSorted()).toEqual([false, true]);
  });

  itStores(open, "a new version is active, old ones stay as they were", async (storage) => {
    const assistant = newAssistant();
    const { assistantId } = assistant;
    await storage.assistants.create(assistant);
    const changed = await storage.assistants.addVersion({
      assistantId,
      now: start + 5,
      change: (current) => ({ ...current, name: "Second", context: { more: [1] } }),
    });
    const expected = { ...assistant, version: 2, name: "Second", context: { more: [1] } };
    expect(changed).toEqual({ ...expected, updatedAt: start + 5 });
    expect(await storage.assistants.get(assistantId)).toEqual(changed);
    expect(await storage.assistants.version(assistantId, 2)).toMatchObject({
      name: "Second",
      createdAt: start + 5,
    });
    expect(await storage.assistants.version(assistantId, 1)).toMatchObject({
      name: "Helper",
      createdAt: start,
    });
  });

  itStores(open, "activating restores a version's whole content", async (storage) => {
    const assistant = newAssistant({ metadata: { first: true } });
    const { assistantId } = assistant;
    await storage.assistants.create(assistant);
    await storage.assistants.addVersion({
      assistantId,
      now: start + 1,
      change: () => ({
        graphId: "other",
        name: "Second",
        description: "changed",
        config: {},
        context: {},
        metadata: {},
      }),
    });
    const restored = await storage.assistants.activate({ assistantId, version: 1, now: start + 2 });
    expect(restored).toEqual({ ...assistant, updatedAt: start + 2 });
    expect(await storage.assistants.get(assistantId)).toEqual(restored);
    expect(
      await storage.assistants.activate({ assistantId, version: 9, now: start + 3 }),
    ).toBeNull();
    expect(await storage.assistants.get(assistantId)).toEqual(restored);
  });

  itStores(
    open,
    "the next version after going back has the highest number plus one and the active content",
    async (storage) => {
      const { assistantId } = (await storage.assistants.create(newAssistant())).assistant;
      const rename = (name: string, now: number) =>
        storage.assistants.addVersion({
          assistantId,
          now,
          change: (current) => ({ ...current, name: `${current.name} ${name}` }),
        });
      await rename("two", start + 1);
      await storage.assistants.activate({ assistantId, version: 1, now: start + 2 });
      expect(await rename("three", start + 3)).toMatchObject({ version: 3, name: "Helper three" });
    },
  );

  itStores(open, "what a change throws is thrown on and nothing is changed", async (storage) => {
    const { assistant } = await storage.assistants.create(newAssistant());
    const { assistantId } = assistant;
    await expect(
      storage.assistants.addVersion({ assistantId, now: start + 1, change: refuse }),
    ).rejects.toThrow("refused");
    expect(await storage.assistants.get(assistantId)).toEqual(assistant);
    expect(await storage.assistants.versions({ assistantId, page })).toHaveLength(1);
  });

  itStores(open, "changes at the same time make a version each", async (storage) => {
    const { assistantId } = (await storage.assistants.create(newAssistant({ name: "" }))).assistant;
    await Promise.all(
      ["a", "b", "c", "d"].map((letter) =>
        storage.assistants.addVersion({
          assistantId,
          now: start + 1,
          change: (current) => ({ ...current, name: current.name + letter }),
        }),
      ),
    );
    const assistant = await storage.assistants.get(assistantId);
    expect(assistant!.version).toBe(5);
    expect([...assistant!.name].toSorted()).toEqual(["a", "b", "c", "d"]);
  });

  itStores(
    open,
    "versions are listed newest first, filtered by their metadata",
    async (storage) => {
      const { assistantId } = (await storage.assistants.create(newAssistant())).assistant;
      for (const even of [true, false, true, false]) {
        await storage.assistants.addVersion({
          assistantId,
          now: start + 1,
          change: (current) => ({ ...current, metadata: { even } }),
        });
      }
      const numbers = async (params: object) => {
        const found = await storage.assistants.versions({ assistantId, page, ...params });
        return found.map(({ version }) => version);
      };
      expect(await numbers({})).toEqual([5, 4, 3, 2, 1]);
      expect(await numbers({ page: { limit: 2, offset: 1 } })).toEqual([4, 3]);
      expect(await numbers({ metadata: { even: true } })).toEqual([4, 2]);
      expect(await numbers({ metadata: {} })).toHaveLength(5);
    },
  );

  itStores(open, "deleting removes the assistant with all versions", async (storage) => {
    const { assistantId } = (await storage.assistants.create(newAssistant())).assistant;
    const other = (await storage.assistants.create(newAssistant())).assistant;
    expect(await storage.assistants.delete(assistantId)).toBe(true);
    expect(await storage.assistants.get(assistantId)).toBeNull();
    expect(await storage.assistants.version(assistantId, 1)).toBeNull();
    expect(await storage.assistants.versions({ assistantId, page })).toEqual([]);
    expect(await storage.assistants.delete(assistantId)).toBe(false);
    expect(await storage.assistants.get(other.assistantId)).toEqual(other);
  });
}

function describeSearch(open: OpenStorage): void {
  itStores(
    open,
    "search filters by graph, by part of the name and by metadata",
    async (storage) => {
      await storage.assistants.create(newAssistant({ name: "Tax 100%", graphId: "tax" }));
      await storage.assistants.create(
        newAssistant({ name: "tax_helper", metadata: { team: "x" } }),
      );
      await storage.assistants.create(
        newAssistant({ name: "세금 도우미", metadata: { team: "y" } }),
      );
      const names = async (filter: object) => {
        const found = await storage.assistants.search({ filter, sort: byName, page });
        expect(found.total).toBe(found.items.length);
        expect(await storage.assistants.count(filter)).toBe(found.total);
        return found.items.map(({ name }) => name);
      };
      expect(await names({})).toEqual(["Tax 100%", "tax_helper", "세금 도우미"]);
      expect(await names({ graphId: "tax" })).toEqual(["Tax 100%"]);
      expect(await names({ name: "TAX" })).toEqual(["Tax 100%", "tax_helper"]);
      expect(await names({ name: "%" })).toEqual(["Tax 100%"]);
      expect(await names({ name: "_" })).toEqual(["tax_helper"]);
      expect(await names({ name: "\\" })).toEqual([]);
      expect(await names({ name: "도우" })).toEqual(["세금 도우미"]);
      expect(await names({ metadata: { team: "x" } })).toEqual(["tax_helper"]);
      expect(await names({ name: "tax", graphId: "agent", metadata: { team: "y" } })).toEqual([]);
    },
  );

  itStores(open, "search shows the active version's content", async (storage) => {
    const { assistantId } = (await storage.assistants.create(newAssistant())).assistant;
    await storage.assistants.addVersion({
      assistantId,
      now: start + 1,
      change: (current) => ({ ...current, graphId: "other", metadata: { now: "here" } }),
    });
    expect(await storage.assistants.count({ graphId: "agent" })).toBe(0);
    expect(await storage.assistants.count({ metadata: { now: "here" } })).toBe(1);
  });

  itStores(open, "names sort by code point, so capitals come first", async (storage) => {
    for (const name of ["b", "a", "B", "é", "Z", "", "한"]) {
      await storage.assistants.create(newAssistant({ name }));
    }
    const { items } = await storage.assistants.search({ filter: {}, sort: byName, page });
    expect(items.map(({ name }) => name)).toEqual(["", "B", "Z", "a", "b", "é", "한"]);
  });

  const values: Record<AssistantSortField, (at: number) => object> = {
    assistant_id: () => ({}),
    graph_id: (at) => ({ graphId: `graph ${at}` }),
    created_at: (at) => ({ createdAt: start + at }),
    updated_at: (at) => ({ updatedAt: start + at }),
    name: (at) => ({ name: `name ${at}` }),
  };
  for (const by of Object.keys(values) as AssistantSortField[]) {
    itStores(open, `search sorts by ${by} in both directions`, async (storage) => {
      const ids = sortedIds(4, randomIds.assistant);
      for (const at of [2, 0, 3, 1]) {
        const assistant = newAssistant({ assistantId: ids[at]!, ...values[by](at) });
        await storage.assistants.create(assistant);
      }
      const found = async (order: "asc" | "desc") => {
        const sorted = await storage.assistants.search({ filter: {}, sort: { by, order }, page });
        return sorted.items.map(({ assistantId }) => assistantId);
      };
      expect(await found("asc")).toEqual(ids);
      expect(await found("desc")).toEqual(ids.toReversed());
    });
  }

  itStores(open, "pages of equal sort values neither repeat nor miss any", async (storage) => {
    const ids: string[] = [];
    for (let at = 0; at < 7; at++) {
      ids.push((await storage.assistants.create(newAssistant())).assistant.assistantId);
    }
    const found = await allPages(2, async (part) => {
      const { items, total } = await storage.assistants.search({
        filter: {},
        sort: { by: "created_at", order: "desc" },
        page: part,
      });
      expect(total).toBe(7);
      return items.map(({ assistantId }) => assistantId);
    });
    expect(found.toSorted()).toEqual(ids.toSorted());
  });

  itStores(open, "a page behind the last is empty and tells the number", async (storage) => {
    const assistant = newAssistant({ metadata: { a: 1 } });
    await storage.assistants.create(assistant);
    for (const filter of [{}, { metadata: { a: 1 } }]) {
      const beyond = await storage.assistants.search({
        filter,
        sort: { by: "assistant_id", order: "asc" },
        page: { limit: 5, offset: 5 },
      });
      expect(beyond).toEqual({ items: [], total: 1 });
    }
  });
}
