import { expect, test } from "vitest";
import { readExpirySettings } from "../../src/cli/expiry-settings.ts";
import { defaultExpiryPolicy } from "../../src/core/expiry.ts";

test("without a word nothing expires but what a client asks for", () => {
  expect(readExpirySettings({})).toEqual(defaultExpiryPolicy);
  const empty = { checkpointer: { ttl: {} }, store: { ttl: { sweep_interval_minutes: null } } };
  expect(readExpirySettings(empty)).toEqual(defaultExpiryPolicy);
});

test("every key is honoured, minutes in parts too", () => {
  const manifest = {
    checkpointer: {
      ttl: {
        strategy: "keep_latest" as const,
        default_ttl: 43_200,
        sweep_interval_minutes: 0.5,
        sweep_limit: 10,
      },
    },
    store: { ttl: { refresh_on_read: false, default_ttl: 1.5, sweep_interval_minutes: 2 } },
  };
  expect(readExpirySettings(manifest)).toEqual({
    threads: {
      strategy: "keep_latest",
      defaultMinutes: 43_200,
      sweepIntervalMs: 30_000,
      sweepMax: 10,
    },
    items: { defaultMinutes: 1.5, refreshOnRead: false, sweepIntervalMs: 120_000 },
  });
});
