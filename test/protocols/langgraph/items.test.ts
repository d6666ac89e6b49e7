import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defaultExpiryPolicy } from "../../../src/core/expiry.ts";
import { openApi, type TestApi } from "../../support/api.ts";
import { ManualTime } from "../../support/timers.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openApi({ worker: false });
});
afterAll(() => api[Symbol.asyncDispose]());

const put = (namespace: string[], key: string, value: object, more: object = {}) =>
  api.call("PUT", "/store/items", { namespace, key, value, ...more });

describe("the store", () => {
  test("keeps an item, found under every spelling of its namespace", async () => {
    const stored = await put(["users", "a,b"], "k", { age: 7 }, { index: false, ttl: 5 });
    expect([stored.status, stored.text]).toEqual([204, ""]);
    const dotted = await api.call(
      "GET",
      "/store/items?key=k&namespace=users.a%2Cb&refresh_ttl=true",
    );
    expect(dotted.json).toEqual({
      namespace: ["users", "a,b"],
      key: "k",
      value: { age: 7 },
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    });
    for (const query of ["namespace=users&namespace=a%2Cb", 'namespace=["users","a%2Cb"]']) {
      expect((await api.call("GET", `/store/items?key=k&${query}`)).json, query).toEqual(
        dotted.json,
      );
    }
  });

  test("answers null for what it does not have, also after deleting", async () => {
    const missing = await api.call("GET", "/store/items?key=none&namespace=users");
    expect([missing.status, missing.text]).toEqual([200, "null"]);
    await put(["gone"], "k", {});
    for (let times = 0; times < 2; times += 1) {
      const deleted = await api.call("DELETE", "/store/items", { namespace: ["gone"], key: "k" });
      expect([deleted.status, deleted.text]).toEqual([204, ""]);
    }
    expect((await api.call("GET", "/store/items?key=k&namespace=gone")).json).toBeNull();
  });

  test("searches below a prefix, filtered and in pages, and lists namespaces", async () => {
    for (const age of [1, 2, 3]) await put(["people", `p${age}`], "card", { age, kind: "card" });
    const search = (body: object) => api.call("POST", "/store/items/search", body);
    const ages = async (body: object) =>
      (await search(body)).json.items.map((item: { value: { age: number } }) => item.value.age);
    expect((await ages({ namespace_prefix: ["people"] })).toSorted()).toEqual([1, 2, 3]);
    const filter = { kind: "card", age: { $gte: 2 } };
    expect((await ages({ namespace_prefix: ["people"], filter, query: "x" })).toSorted()).toEqual([
      2, 3,
    ]);
    expect(await ages({ namespace_prefix: ["people"], limit: 1, offset: 2 })).toHaveLength(1);
    expect(await ages({ namespace_prefix: ["peop"] })).toEqual([]);
    expect((await search({ namespace_prefix: null, filter: { age: 3 } })).json.items).toHaveLength(
      1,
    );
    const listed = await api.call("POST", "/store/namespaces", {
      prefix: ["people"],
      max_depth: 1,
    });
    expect(listed.json).toEqual({ namespaces: [["people"]] });
    const suffix = await api.call("POST", "/store/namespaces", { suffix: ["p2"] });
    expect(suffix.json).toEqual({ namespaces: [["people", "p2"]] });
  });

  test.for<[string, string, string, unknown]>([
    ["an empty namespace", "PUT", "/store/items", { namespace: [], key: "k", value: {} }],
    ["a label with a period", "PUT", "/store/items", { namespace: ["a.b"], key: "k", value: {} }],
    ["an empty label", "PUT", "/store/items", { namespace: [""], key: "k", value: {} }],
    ["a value that is no object", "PUT", "/store/items", { namespace: ["a"], key: "k", value: 1 }],
    ["no key", "GET", "/store/items?namespace=a", undefined],
  ])("%s is refused with 422", async ([, method, path, body]) => {
    const { status, json } = await api.call(method, path, body);
    expect(status).toBe(422);
    expect(json.detail.length).toBeGreaterThan(10);
  });

  test("hides an item when its time is over; reading lets it live on, unless it should not", async () => {
    const time = new ManualTime(Date.parse("2030-01-01T12:00:00Z"));
    const items = { ...defaultExpiryPolicy.items, defaultMinutes: 2 };
    await using own = await openApi({
      worker: false,
      ports: { clock: time.clock, expiry: { ...defaultExpiryPolicy, items } },
    });
    const store = (key: string, more: object = {}) =>
      own.call("PUT", "/store/items", { namespace: ["n"], key, value: { v: 1 }, ...more });
    for (const [key, ttl] of [
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["ever", null],
      ["default", undefined],
    ]) {
      await store(String(key), { ttl });
    }
    const get = (key: string, query = "") =>
      own.call("GET", `/store/items?namespace=n&key=${key}${query}`);
    const search = async (more: object = {}) => {
      const found = await own.call("POST", "/store/items/search", {
        namespace_prefix: ["n"],
        ...more,
      });
      return found.json.items.map((one: { key: string }) => one.key);
    };
    time.move(59_999);
    expect((await get("a")).json.value).toEqual({ v: 1 });
    expect((await get("b", "&refresh_ttl=false")).json.value).toEqual({ v: 1 });
    expect(await search({ filter: { v: 2 } })).toEqual([]);
    time.move(1);
    expect(await search({ refresh_ttl: false })).toEqual(["a", "default", "ever"]);
    expect((await get("b")).json).toBeNull();
    expect((await get("c", "&refresh_ttl=true")).json).toBeNull();
    expect(await search()).toEqual(["a", "default", "ever"]);
    time.move(2 * 60_000 - 1);
    expect(await search({ refresh_ttl: false })).toEqual(["default", "ever"]);
    time.move(1);
    expect(await search()).toEqual(["ever"]);
    const spaces = await own.call("POST", "/store/namespaces", {});
    expect(spaces.json.namespaces).toEqual([["n"]]);
    await own.call("DELETE", "/store/items", { namespace: ["n"], key: "ever" });
    expect((await own.call("POST", "/store/namespaces", {})).json.namespaces).toEqual([]);
  });
});
