import { defaultExpiryPolicy, type ExpiryPolicy } from "../core/expiry.ts";
import type { ManifestFile } from "../graphs/manifest.ts";

/** `checkpointer.ttl` and `store.ttl` of langgraph.json (specification 3.11), in which times are minutes. */
export function readExpirySettings({
  checkpointer,
  store,
}: Pick<ManifestFile, "checkpointer" | "store">): ExpiryPolicy {
  const { threads, items } = defaultExpiryPolicy;
  const ofThreads = checkpointer?.ttl ?? {};
  const ofItems = store?.ttl ?? {};
  return {
    threads: {
      strategy: ofThreads.strategy ?? threads.strategy,
      defaultMinutes: ofThreads.default_ttl ?? threads.defaultMinutes,
      sweepIntervalMs: milliseconds(ofThreads.sweep_interval_minutes) ?? threads.sweepIntervalMs,
      sweepMax: ofThreads.sweep_limit ?? threads.sweepMax,
    },
    items: {
      defaultMinutes: ofItems.default_ttl ?? items.defaultMinutes,
      refreshOnRead: ofItems.refresh_on_read ?? items.refreshOnRead,
      sweepIntervalMs: milliseconds(ofItems.sweep_interval_minutes) ?? items.sweepIntervalMs,
    },
  };
}

function milliseconds(minutes: number | null | undefined): number | null {
  return typeof minutes === "number" ? Math.max(1, Math.round(minutes * 60_000)) : null;
}
