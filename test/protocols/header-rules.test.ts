import { expect, test } from "vitest";
import { defaultConfigurableHeaders, HeaderRules } from "../../src/protocols/header-rules.ts";

const headers = {
  "x-tenant": "a",
  "x-api-key": "secret",
  "x-tenant-id": "b",
  "x-service-key": "secret",
  "x-absent": undefined,
  authorization: "Bearer secret",
  cookie: "secret",
  "user-agent": "test",
  accept: "*/*",
};

test.for<[string, string[], string[], string[]]>([
  [
    "the default",
    defaultConfigurableHeaders.includes,
    defaultConfigurableHeaders.excludes,
    ["x-tenant", "user-agent"],
  ],
  ["names", ["X-Tenant", "accept"], [], ["x-tenant", "accept"]],
  ["patterns", ["*-id", "x-t*t"], [], ["x-tenant", "x-tenant-id"]],
  ["a dot is a dot", ["x.tenant"], [], []],
  ["the whole name", ["tenant", "x"], [], []],
  ["excludes come first", ["x-tenant", "x-tenant-id"], ["*-ID"], ["x-tenant"]],
  [
    "everything, but no credentials",
    ["*"],
    ["x-service-key"],
    ["x-tenant", "x-tenant-id", "user-agent", "accept"],
  ],
  ["credentials by their whole name", ["authorization"], [], ["authorization"]],
  ["nothing", ["*"], ["*"], []],
])("%s", ([, includes, excludes, expected]) => {
  expect(Object.keys(new HeaderRules({ includes, excludes }).select(headers))).toEqual(expected);
});
