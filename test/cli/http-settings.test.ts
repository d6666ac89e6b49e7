import { describe, expect, test } from "vitest";
import { mountPrefixOf, readHttpSettings } from "../../src/cli/http-settings.ts";
import { readSettings } from "../../src/cli/settings.ts";

describe("http of langgraph.json", () => {
  test("absent, it is the default", () => {
    const { http, disabled, authFirst, customRoutesNeedAuth } = readHttpSettings({});
    expect(http.mountPrefix).toBe("");
    expect(http.loggedHeaders).toBeNull();
    expect(http.cors.headers(() => undefined)["access-control-allow-origin"]).toBe("*");
    expect(Object.keys(http.configurableHeaders.select({ "x-a": "1", "x-api-key": "2" }))).toEqual([
      "x-a",
    ]);
    expect([[...disabled], authFirst, customRoutesNeedAuth]).toEqual([[], false, false]);
  });

  test("names what is taken away", () => {
    const { disabled } = readHttpSettings({
      http: { disable_store: true, disable_runs: false, disable_meta: true },
    });
    expect([...disabled]).toEqual(["store", "meta"]);
  });

  test.for<[string, string]>([
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/", ""],
  ])("the prefix %j is %j", ([given, prefix]) => {
    expect(mountPrefixOf({ http: { mount_prefix: given } })).toBe(prefix);
  });

  test("a pattern is held against the whole origin, and counts instead of the list", () => {
    const cors = { allow_origins: ["*"], allow_origin_regex: "https://\\w+\\.example" };
    const { http } = readHttpSettings({ http: { cors } });
    const allowed = (origin: string) =>
      http.cors.headers(() => origin)["access-control-allow-origin"];
    expect(allowed("https://a.example")).toBe("https://a.example");
    expect(allowed("https://a.example.org")).toBeUndefined();
    expect(() => readHttpSettings({ http: { cors: { allow_origin_regex: "(" } } })).toThrow(
      '"http.cors.allow_origin_regex" of langgraph.json is no regular expression',
    );
  });

  test.for([
    { includes: ["x-*"], excludes: ["x-b"] },
    { include: ["x-*"], exclude: ["x-b"] },
  ])("header patterns in both spellings: %j", (patterns) => {
    const { http } = readHttpSettings({
      http: { configurable_headers: patterns, logging_headers: patterns },
    });
    const headers = { "x-a": "1", "x-b": "2", "user-agent": "3", authorization: "4" };
    expect(http.configurableHeaders.select(headers)).toEqual({ "x-a": "1" });
    expect(http.loggedHeaders?.select(headers)).toEqual({ "x-a": "1" });
  });
});

describe("an address that others can reach", () => {
  const read = (environment: NodeJS.ProcessEnv, hasAuth: boolean, allowAnonymous?: boolean) =>
    readSettings(
      { host: "0.0.0.0", ...(allowAnonymous && { allowAnonymous }) },
      "/project",
      environment,
      {
        hasAuth,
      },
    );

  test("needs somebody who asks who it is, or leave to ask nobody", () => {
    expect(() => read({}, false)).toThrow("Set ADJUTANT_API_KEYS or auth.path in langgraph.json");
    expect(() => read({ ADJUTANT_API_KEYS: "  " }, false)).toThrow("without authentication");
    expect(read({ ADJUTANT_API_KEYS: "k" }, false).apiKeys).toBe("k");
    expect(read({}, true).host).toBe("0.0.0.0");
    expect(read({}, false, true).host).toBe("0.0.0.0");
  });
});
