import { InMemoryStore } from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { defaultExpiryPolicy } from "../../src/core/expiry.ts";
import { GraphStore } from "../../src/graphs/store.ts";
import { StoreIndex } from "../../src/graphs/item-index.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { embedWords, wordEmbedder } from "../support/word-embedder.ts";

const dims = 32;
const limits = { embedTimeoutMs: 60_000, vectorsPerItemMax: 5 };

function indexOf(fields: string[], embedder: object = wordEmbedder(dims), own = limits) {
  const settings = { name: "./embed.ts:embed", dims, fields, embedder };
  return new StoreIndex(settings as ConstructorParameters<typeof StoreIndex>[0], own);
}

afterEach(async () => {
  for (const storage of opened.splice(0)) await storage[Symbol.asyncDispose]();
});
const opened: AsyncDisposable[] = [];

async function openStore(index: StoreIndex) {
  const storage = await openSqlite({ directory: null });
  opened.push(storage);
  let now = 0;
  const clock = { now: () => (now += 1) };
  return {
    items: storage.items,
    store: new GraphStore({
      items: storage.items,
      itemIndex: index,
      expiry: defaultExpiryPolicy,
      clock,
    }),
  };
}

const words = fc.constantFrom("tea", "green", "coffee", "black", "morning", "cake", "7");
const sentence = fc.array(words, { minLength: 1, maxLength: 4 }).map((all) => all.join(" "));
const item = fc.record({
  namespace: fc.constantFrom<string[][]>(["a"], ["a", "x"], ["b"]),
  value: fc.record(
    {
      text: sentence,
      tags: fc.array(words, { maxLength: 3 }),
      deep: fc.record({ n: fc.integer({ min: 0, max: 3 }) }),
    },
    { requiredKeys: [] },
  ),
  index: fc.constantFrom<(false | string[] | undefined)[]>(
    undefined,
    undefined,
    false,
    [],
    ["text"],
    ["tags[*]"],
    ["tags[-1]", "deep.n"],
    ["{text,deep.n}"],
    ["*"],
  ),
});

describe("a graph's store with an index", () => {
  // LangGraph's own store keeps vectors of values that were replaced, so each item is put once here. And it
  // has an embedder make something of empty texts.
  test("finds what LangGraph's own store finds, with its scores", async () => {
    const fields = fc.constantFrom<string[][]>(
      ["$"],
      ["text"],
      ["text", "tags[*]"],
      ["tags", "deep"],
    );
    await fc.assert(
      fc.asyncProperty(
        fields,
        fc.array(item, { maxLength: 12 }),
        words,
        async (paths, items, query) => {
          const embedder = wordEmbedder(dims);
          const { store } = await openStore(
            indexOf(paths, embedder, { ...limits, vectorsPerItemMax: 50 }),
          );
          const theirs = new InMemoryStore({
            index: { dims, embeddings: embedder as never, fields: paths },
          });
          for (const each of [store, theirs]) {
            await each.batch(
              items.map(({ namespace, value, index }, at) => ({
                namespace,
                key: `k${at}`,
                value,
                ...(index !== undefined && { index }),
              })),
            );
          }
          for (const prefix of [["a"], ["b"], []]) {
            const [ours, expected] = await Promise.all(
              [store, theirs].map((each) => each.search(prefix, { query, limit: 50 })),
            );
            const scores = ours!.map(({ score }) => score ?? -2);
            expect(scores).toEqual(scores.toSorted((one, other) => other - one));
            expect(scoresOf(ours!)).toEqual(near(scoresOf(expected!)));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("asks the embedder once for a batch, and for each text once", async () => {
    const embedder = wordEmbedder(dims);
    const { store } = await openStore(indexOf(["text"], embedder));
    const put = (key: string, text: string) => ({ namespace: ["n"], key, value: { text } });
    const results = await store.batch([
      put("a", "green tea"),
      put("b", "green tea"),
      put("c", "coffee"),
      { namespacePrefix: ["n"], query: "coffee", limit: 1 },
      { namespace: ["n"], key: "a" },
    ] as const);
    expect(embedder.calls).toEqual([["green tea", "coffee"]]);
    expect(results[3]).toMatchObject([{ key: "c", score: expect.closeTo(1, 5) }]);
    expect(results[4]).toMatchObject({ value: { text: "green tea" } });
  });

  test("stores nothing of a batch when the embedder fails", async () => {
    const failing = { embedDocuments: () => Promise.reject(new Error("quota is used up")) };
    const { store, items } = await openStore(indexOf(["text"], failing));
    await items.put({
      namespace: ["n"],
      key: "old",
      value: {},
      createdAt: 0,
      updatedAt: 0,
      ttl: null,
    });
    const batch = store.batch([
      { namespace: ["n"], key: "old", value: null },
      { namespace: ["n"], key: "new", value: { text: "tea" } },
    ]);
    await expect(batch).rejects.toThrow(
      '"store.index.embed" of langgraph.json (./embed.ts:embed) failed: quota is used up.',
    );
    expect((await store.search([])).map(({ key }) => key)).toEqual(["old"]);
  });

  test("does without an index what it did before", async () => {
    const { store } = await openStore(new StoreIndex(null, limits));
    await store.put(["n"], "k", { text: "tea" }, ["text"]);
    const [found] = await store.search(["n"], { query: "tea" });
    expect(found).toMatchObject({ key: "k", value: { text: "tea" } });
    expect(found).not.toHaveProperty("score");
  });
});

describe("the index", () => {
  test.for<[string, unknown, RegExp]>([
    ["throws", () => Promise.reject(new Error("no such model")), /failed: no such model\.$/],
    ["throws no error", () => Promise.reject("nothing"), /failed: nothing\.$/],
    ["returns no list", async () => "vectors", /returned a string for 1 texts/],
    ["returns too few vectors", async () => [], /returned 0 vectors for 1 texts/],
    ["returns shorter vectors", async () => [[1, 2]], /2 numbers, and "store.index.dims" is 32/],
    [
      "returns something else",
      async () => [Array(dims).fill("1")],
      /something in it that is no number/,
    ],
    [
      "returns what is no number",
      async () => [Array(dims).fill(NaN)],
      /something in it that is no/,
    ],
    ["never answers", () => new Promise(() => {}), /failed: it did not answer in 0.02 s/],
  ])("says what is wrong when the embedder %s", async ([, embedDocuments, sentenceOf]) => {
    const index = indexOf(["$"], { embedDocuments }, { ...limits, embedTimeoutMs: 20 });
    await expect(index.vectorsOf([{ value: { a: 1 } }])).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(sentenceOf),
    });
  });

  test("takes typed arrays, and brings vectors to length 1", async () => {
    const embedDocuments = async () => [Float64Array.from({ length: dims }, () => 3)];
    const [vectors] = await indexOf(["$"], { embedDocuments }).vectorsOf([{ value: {} }]);
    expect(Math.hypot(...vectors![0]!.values)).toBeCloseTo(1, 5);
  });

  test("refuses an item of too many texts, and leaves empty ones out", async () => {
    const index = indexOf(["texts[*]"]);
    const of = (texts: string[]) => index.vectorsOf([{ value: { texts } }]);
    expect((await of(["a", "", "b", " "]))[0]!.map(({ path }) => path)).toEqual([
      "texts[*].0",
      "texts[*].2",
    ]);
    await expect(of(["a", "b", "c", "d", "e", "f"])).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining("6 texts to index, and at most 5"),
    });
  });

  test("gives an embedder no more texts at once than it can take", async () => {
    const embedder = wordEmbedder(dims);
    const index = indexOf(["$"], embedder);
    const vectors = await index.vectorsOf(
      Array.from({ length: 600 }, (_, at) => ({ value: { at } })),
    );
    expect(embedder.calls.map((texts) => texts.length)).toEqual([256, 256, 88]);
    const wanted = embedWords(JSON.stringify({ at: 599 }, null, 2), dims);
    for (const [at, value] of vectors[599]![0]!.values.entries()) {
      expect(value).toBeCloseTo(wanted[at]!, 5);
    }
  });
});

/** By key; far below every score where there is none. */
function scoresOf(found: { key: string; score?: number }[]): Record<string, number> {
  return Object.fromEntries(found.map(({ key, score }) => [key, score ?? -2]));
}

function near(scores: Record<string, number>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(scores).map(([key, score]) => [key, expect.closeTo(score, 4)]),
  );
}
