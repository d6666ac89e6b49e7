import { afterEach, beforeEach, expect, test } from "vitest";
import { readFilter } from "../../../src/core/condition.ts";
import { defaultLimits } from "../../../src/core/limits.ts";
import { StoreIndex } from "../../../src/graphs/item-index.ts";
import { openApi, type TestApi } from "../../support/api.ts";
import { ownedByUser, TestAuth } from "../../support/auth.ts";
import { wordEmbedder } from "../../support/word-embedder.ts";

let api: TestApi;
let auth: TestAuth;
let embedder: ReturnType<typeof wordEmbedder>;

beforeEach(async () => {
  auth = new TestAuth();
  embedder = wordEmbedder(64);
  const itemIndex = new StoreIndex(
    { name: "./embed.ts:embed", dims: 64, fields: ["text"], embedder },
    defaultLimits,
  );
  api = await openApi({ worker: false, ports: { itemIndex, auth } });
});
afterEach(() => api[Symbol.asyncDispose]());

const call = (method: string, path: string, body?: unknown, user = "ada") =>
  api.call(method, path, body, { "x-user": user });
const put = (key: string, value: object, more: object = {}, user = "ada") =>
  call("PUT", "/store/items", { namespace: [user], key, value, ...more }, user);
const search = (body: object, user = "ada") => call("POST", "/store/items/search", body, user);

test("a query finds what it means, with scores that are not there otherwise", async () => {
  await put("tea", { text: "green tea" });
  await put("coffee", { text: "black coffee" });
  await put("named", { title: "green tea" }, { index: ["title"] });
  await put("hidden", { text: "green tea" }, { index: false });
  const { items } = (await search({ namespace_prefix: ["ada"], query: "green tea" })).json;
  const scores = items.map((item: { score?: number }) => item.score ?? null);
  expect(items.map(({ key }: { key: string }) => key)).toEqual([
    "named",
    "tea",
    "coffee",
    "hidden",
  ]);
  expect(scores).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5), expect.any(Number), null]);
  for (const query of [null, undefined, "", "  "]) {
    const found = await search({ namespace_prefix: ["ada"], query });
    expect(found.text, String(query)).not.toContain('"score"');
    expect(found.json.items[0].key).toBe("hidden");
  }
});

test("what authorization handlers hide stays hidden, however near it is, page by page", async () => {
  for (let at = 0; at < 12; at += 1) {
    await put(`k${at}`, { text: "tea ".repeat(at + 1) + "cake" });
    await put(`k${at}`, { text: "tea" }, {}, "bob");
  }
  auth.decide = ownedByUser;
  const found: string[] = [];
  for (let offset = 0; offset < 15; offset += 5) {
    const { json } = await search({ query: "tea", limit: 5, offset });
    found.push(...json.items.map((item: { namespace: string[] }) => item.namespace[0]));
  }
  expect(found).toEqual(Array.from({ length: 12 }, () => "ada"));
  auth.decide = () => ({ kind: "filter", condition: readFilter({ key: "k3" }) });
  const { json } = await search({ query: "tea" });
  expect(json.items.map(({ key }: { key: string }) => key)).toEqual(["k3", "k3"]);
  expect(json.items[0].score).toBeGreaterThan(json.items[1].score);
});

test("a handler sees the query, and may ask for something else", async () => {
  await put("tea", { text: "green tea" });
  await put("coffee", { text: "black coffee" });
  auth.decide = ({ value }) => {
    expect(value["query"]).toBe("coffee");
    value["query"] = "tea";
    return { kind: "allow" };
  };
  const { json } = await search({ namespace_prefix: ["ada"], query: "coffee", limit: 1 });
  expect(json.items[0].key).toBe("tea");
});

test("a failing embedder is told, and leaves the item and its vectors as they were", async () => {
  await put("tea", { text: "green tea" });
  const { embedDocuments } = embedder;
  embedder.embedDocuments = () => Promise.reject(new Error("the model is away"));
  const refused = await put("tea", { text: "black coffee" });
  expect([refused.status, refused.json.message]).toEqual([
    503,
    '"store.index.embed" of langgraph.json (./embed.ts:embed) failed: the model is away.',
  ]);
  expect((await put("unindexed", { title: "needs no model" })).status).toBe(204);
  embedder.embedDocuments = embedDocuments;
  const { json } = await search({ query: "green tea", filter: { text: { $ne: null } }, limit: 1 });
  expect(json.items).toMatchObject([{ value: { text: "green tea" }, score: expect.closeTo(1, 5) }]);
});

test.for<[string, string, object]>([
  ["an index that is a text", "PUT", { index: "text" }],
  ["an index of no texts", "PUT", { index: [1] }],
  ["index: true", "PUT", { index: true }],
  ["a query that is no text", "POST", { query: { text: "tea" } }],
])("%s is refused with 422", async ([, method, more]) => {
  const answer = method === "PUT" ? await put("k", { text: "tea" }, more) : await search(more);
  expect(answer.status).toBe(422);
  expect(answer.json.detail.length).toBeGreaterThan(10);
  expect(embedder.calls).toEqual([]);
});

test("an item of too many texts is refused, and nothing is embedded", async () => {
  const texts = Array.from({ length: 1001 }, (_, at) => String(at));
  const { status, json } = await put("k", { texts }, { index: ["texts[*]"] });
  expect([status, json.detail]).toEqual([422, expect.stringContaining("1001 texts to index")]);
  expect(embedder.calls).toEqual([]);
});
