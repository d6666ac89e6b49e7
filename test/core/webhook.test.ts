import { describe, expect, test } from "vitest";
import {
  defaultWebhookPolicy,
  isPrivateAddress,
  isRelativeUrl,
  refusalOf,
  retryDelayMs,
  type WebhookPolicy,
} from "../../src/core/webhook.ts";

function refusal(url: string, policy: Partial<WebhookPolicy> = {}): string | null {
  return refusalOf(url, { ...defaultWebhookPolicy, ...policy });
}

describe("where a webhook may go", () => {
  test.each([
    "https://example.org/hook?token=1",
    "http://example.org:8080/",
    "https://8.8.8.8/hook",
    "https://[2606:4700::1111]/hook",
    "/hooks/done",
  ])("%s is fine without a policy", (url) => {
    expect(refusal(url)).toBeNull();
  });

  test.each<[string, Partial<WebhookPolicy>, string]>([
    ["ftp://example.org", {}, "must be an http or https URL"],
    ["hook", {}, "must be an http or https URL"],
    ["", {}, "must be an http or https URL"],
    ["//example.org/hook", {}, "must be an http or https URL"],
    ["/\\example.org/hook", {}, "must be an http or https URL"],
    ["javascript:alert(1)", {}, "must be an http or https URL"],
    ["http://localhost:3000", {}, "private network"],
    ["http://LOCALHOST./", {}, "private network"],
    ["http://api.localhost/", {}, "private network"],
    ["http://127.0.0.1/", {}, "private network"],
    ["http://2130706433/", {}, "private network"],
    ["http://0x7f.1/", {}, "private network"],
    ["http://[::1]:80/", {}, "private network"],
    ["http://[::ffff:10.0.0.1]/", {}, "private network"],
    ["http://169.254.169.254/latest/meta-data", {}, "private network"],
    ["https://example.org/", { disabled: true }, "http.disable_webhooks"],
    ["/hook", { disabled: true }, "http.disable_webhooks"],
    ["http://example.org/", { requireHttps: true }, "webhooks.url.require_https"],
    ["https://example.org/", { urlLengthMax: 10 }, "may have 10 characters; this one has 20"],
    ["/hook", { relativeUrls: false }, "disable_loopback"],
    ["https://example.org/", { allowedPorts: [8443] }, "goes to port 443; allowed are 8443"],
    ["http://example.org/", { allowedPorts: [443] }, "goes to port 80"],
    ["https://example.com/", { allowedDomains: ["example.org"] }, "allowed are example.org"],
    ["https://a.example.org/", { allowedDomains: ["example.org"] }, "a.example.org"],
    ["https://example.org/", { allowedDomains: ["*.example.org"] }, "example.org"],
    ["https://badexample.org/", { allowedDomains: ["*.example.org"] }, "badexample.org"],
  ])("%s is refused under %o", (url, policy, words) => {
    expect(refusal(url, policy)).toContain(words);
  });

  test.each<[string, Partial<WebhookPolicy>]>([
    ["https://example.org/", { requireHttps: true, allowedPorts: [443], urlLengthMax: 20 }],
    ["https://A.B.example.org./", { allowedDomains: ["*.Example.org"] }],
    ["http://127.0.0.1:9/", { privateTargets: true }],
    ["http://localhost:9/", { privateTargets: true }],
    ["/hook", { allowedDomains: ["example.org"], requireHttps: true, allowedPorts: [443] }],
  ])("%s is let through under %o", (url, policy) => {
    expect(refusal(url, policy)).toBeNull();
  });

  test("only a path of this server is a relative URL", () => {
    expect(["/", "/a/b?c"].map(isRelativeUrl)).toEqual([true, true]);
    expect(["//host", "/\\host", "a/b", "http://a"].some(isRelativeUrl)).toBe(false);
  });
});

test.each([
  ["8.8.8.8", false],
  ["172.15.255.255", false],
  ["172.16.0.1", true],
  ["192.168.1.1", true],
  ["100.64.0.1", true],
  ["0.0.0.0", true],
  ["255.255.255.255", true],
  ["224.0.0.1", true],
  ["2606:4700::1111", false],
  ["::", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["::ffff:8.8.8.8", false],
  ["fe80::1", true],
  ["fd00::1", true],
  ["64:ff9b::7f00:1", true],
  ["2002:7f00:1::", true],
])("the address %s is private: %s", (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected);
});

test("a webhook is tried again less and less often, at most hourly, and then no more", () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempts) => retryDelayMs(attempts, 9, 0));
  expect(delays).toEqual([
    5_000,
    15_000,
    45_000,
    135_000,
    405_000,
    1_215_000,
    3_600_000,
    3_600_000,
    null,
  ]);
  expect(retryDelayMs(1, 9, 1)).toBe(6_000);
  expect(retryDelayMs(8, 9, 0.5)).toBe(3_960_000);
});
