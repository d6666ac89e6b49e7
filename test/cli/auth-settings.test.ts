import { describe, expect, test } from "vitest";
import { readAuthCache, readSecurity } from "../../src/cli/auth-settings.ts";

describe("auth.cache", () => {
  test("is off when absent, and has limits when they are not given", () => {
    expect(readAuthCache({})).toBeNull();
    expect(readAuthCache({ auth: { cache: { cache_keys: ["Authorization"] } } })).toEqual({
      headers: ["authorization"],
      ttlMs: 60_000,
      sizeMax: 1000,
    });
    const cache = { cache_keys: ["x-key", "x-org"], ttl_seconds: 5, max_size: 10 };
    expect(readAuthCache({ auth: { cache } })).toEqual({
      headers: ["x-key", "x-org"],
      ttlMs: 5000,
      sizeMax: 10,
    });
  });

  test("must name headers, or one user would be taken for another", () => {
    expect(() => readAuthCache({ auth: { cache: { ttl_seconds: 5 } } })).toThrow("cache_keys");
    const cache = { cache_keys: ["x-key"], ttl_seconds: 0 };
    expect(() => readAuthCache({ auth: { cache } })).toThrow("ttl_seconds");
  });
});

describe("what the OpenAPI document says of credentials", () => {
  test("is how keys are sent, where there are keys, and nothing where nothing is known", () => {
    expect(readSecurity({}, true)).toMatchObject({ security: [{ ApiKey: [] }, { Bearer: [] }] });
    expect(readSecurity({ auth: { path: "./auth.ts:auth" } }, false)).toEqual({});
  });

  test("is what auth.openapi says", () => {
    const openapi = {
      securitySchemes: { OAuth2: { type: "oauth2" } },
      security: [{ OAuth2: ["me"] }],
      paths: { "/metrics": { get: { security: [] } } },
    };
    expect(readSecurity({ auth: { openapi } }, true)).toEqual(openapi);
  });
});
