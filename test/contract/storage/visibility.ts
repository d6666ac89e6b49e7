import { describe, expect } from "vitest";
import { meets, readFilter } from "../../../src/core/condition.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { itStores, newAssistant, newThread, type OpenStorage } from "./fixtures.ts";

/** Everything a filter of an authorization handler can tell apart. */
const metadatas: JsonObject[] = [
  {},
  { owner: "ada" },
  { owner: "bob", team: "red" },
  { owner: "ada", team: "red", tags: ["a", "b"] },
  { owner: ["ada"] },
  { owner: null },
  { owner: 1 },
  { owner: true, tags: [] },
  { owner: { name: "ada" }, tags: [1, null, "a"] },
  { owner: "q\"uo'te", "odd key": "x", 'a"b': 1 },
  { owner: "ä%_\\", graph_id: "steps" },
  { owner: "x".repeat(300) },
];

const filters: object[] = [
  ...["ada", "bob", "", 1, 0, true, null, "q\"uo'te", "ä%_\\", "x".repeat(300)].map((owner) => ({
    owner,
  })),
  { owner: { $contains: "ada" } },
  { tags: { $contains: "a" } },
  { tags: { $contains: ["b", "a"] } },
  { tags: { $contains: [] } },
  { tags: { $contains: [null, 1] } },
  { owner: "ada", team: "red" },
  { $or: [{ owner: "bob" }, { team: "red" }, { owner: null }] },
  { $or: [] },
  { $and: [] },
  { $and: [{ owner: "ada" }, { $or: [{ team: "red" }, { team: "blue" }] }] },
  { team: "red", $or: [{ owner: "ada" }, { tags: { $contains: "z" } }] },
  { graph_id: "steps" },
  { 'a"b': 1 },
  { "odd key": "x" },
  {},
];

/** Searches and counts under a condition find exactly what `meets` lets through. */
export function describeVisibility(open: OpenStorage): void {
  const page = { limit: 1000, offset: 0 };
  const sort = { by: "created_at", order: "asc" } as const;

  describe("what callers may see", () => {
    itStores(open, "threads, with totals and counts", async (storage) => {
      const threads = metadatas.map((metadata, at) => newThread({ metadata, createdAt: 1 + at }));
      for (const thread of threads) await storage.threads.create(thread);
      for (const filter of filters) {
        const visible = readFilter(filter);
        const wanted = threads.filter(({ metadata }) => meets(metadata, visible));
        const found = await storage.threads.search({ filter: { visible }, sort, page });
        const ids = found.items.map(({ threadId }) => threadId);
        expect(ids, JSON.stringify(filter)).toEqual(wanted.map(({ threadId }) => threadId));
        expect(found.total).toBe(wanted.length);
        expect(await storage.threads.count({ visible })).toBe(wanted.length);
      }
    });

    itStores(open, "assistants, with totals and counts", async (storage) => {
      const assistants = metadatas.map((metadata, at) =>
        newAssistant({ metadata, createdAt: 1 + at }),
      );
      for (const assistant of assistants) await storage.assistants.create(assistant);
      for (const filter of filters) {
        const visible = readFilter(filter);
        const wanted = assistants.filter(({ metadata }) => meets(metadata, visible));
        const found = await storage.assistants.search({ filter: { visible }, sort, page });
        const ids = found.items.map(({ assistantId }) => assistantId);
        expect(ids, JSON.stringify(filter)).toEqual(wanted.map(({ assistantId }) => assistantId));
        expect(found.total).toBe(wanted.length);
        expect(await storage.assistants.count({ visible })).toBe(wanted.length);
      }
    });

    itStores(open, "together with what they search for, page by page", async (storage) => {
      for (let number = 0; number < 30; number += 1) {
        const metadata = { owner: number % 3 === 0 ? "ada" : "bob", even: number % 2 === 0 };
        await storage.threads.create(newThread({ metadata, createdAt: number }));
      }
      const visible = readFilter({ owner: "ada" });
      const filter = { metadata: { even: true }, visible };
      const found = await storage.threads.search({ filter, sort, page: { limit: 2, offset: 2 } });
      expect(found.total).toBe(5);
      expect(found.items.map(({ createdAt }) => createdAt)).toEqual([12, 18]);
      const foreign = { metadata: { owner: "bob" }, visible };
      expect(await storage.threads.count(foreign)).toBe(0);
    });
  });
}
