import { describe, expect, test } from "vitest";
import { readWebhookSettings } from "../../src/cli/webhook-settings.ts";
import { defaultWebhookPolicy } from "../../src/core/webhook.ts";

test("without a word the policy is the careful one, and nothing is sent along or signed", () => {
  expect(readWebhookSettings({}, {})).toEqual({
    policy: defaultWebhookPolicy,
    headers: {},
    secret: null,
  });
});

test("every key and variable is honoured", () => {
  const manifest = {
    http: { disable_webhooks: true },
    webhooks: {
      headers: { "X-Token": "Bearer ${{ env.LG_WEBHOOK_TOKEN }}!${{env.LG_WEBHOOK_B}}" },
      url: {
        require_https: true,
        allowed_domains: ["*.example.org"],
        allowed_ports: [443],
        max_url_length: 99,
        disable_loopback: true,
      },
    },
  };
  const environment = {
    LG_WEBHOOK_TOKEN: "secret",
    LG_WEBHOOK_B: "",
    ADJUTANT_WEBHOOK_SECRET: " s ",
    ADJUTANT_WEBHOOK_PRIVATE_TARGETS: "allow",
  };
  expect(readWebhookSettings(manifest, environment)).toEqual({
    policy: {
      disabled: true,
      requireHttps: true,
      allowedDomains: ["*.example.org"],
      allowedPorts: [443],
      urlLengthMax: 99,
      relativeUrls: false,
      privateTargets: true,
    },
    headers: { "x-token": "Bearer secret!" },
    secret: "s",
  });
});

test("another prefix may be named", () => {
  const webhooks = { env_prefix: "HOOK_", headers: { a: "${{ env.HOOK_A }}" } };
  expect(readWebhookSettings({ webhooks }, { HOOK_A: "1" }).headers).toEqual({ a: "1" });
});

describe("what keeps the server from starting", () => {
  const environment = { OPENAI_API_KEY: "sk-1", LG_WEBHOOK_LINES: "a\r\nb" };

  test.each<[Record<string, string>, RegExp]>([
    [{ a: "${{ env.LG_WEBHOOK_MISSING }}" }, /LG_WEBHOOK_MISSING, which is not set/],
    [{ a: "${{ env.OPENAI_API_KEY }}" }, /only variables that begin with LG_WEBHOOK_/],
    [{ a: "${{ secrets.X }}" }, /\$\{\{ env\.NAME \}\}, not \$\{\{ secrets\.X \}\}/],
    [{ a: "${{ env.LG_WEBHOOK_LINES }}" }, /"webhooks\.headers\.a".* no HTTP header(?!.*b$)/],
    [{ "a b": "1" }, /no HTTP header/],
  ])("headers %o", (headers, sentence) => {
    const read = () => readWebhookSettings({ webhooks: { headers } }, environment);
    expect(read).toThrow(sentence);
    expect(read).not.toThrow(/sk-1/);
  });

  test("a word for private targets that is none", () => {
    const read = () => readWebhookSettings({}, { ADJUTANT_WEBHOOK_PRIVATE_TARGETS: "yes" });
    expect(read).toThrow(/must be "allow" or "refuse", not "yes"/);
  });
});
