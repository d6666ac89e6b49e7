import type { Log, Ports } from "../core/ports/ports.ts";
import type { Storage } from "../core/ports/storage.ts";
import { Metrics } from "../protocols/metrics.ts";
import { logConsole } from "./console.ts";
import type { Settings } from "./settings.ts";
import { timedStorage } from "./timed-storage.ts";
import { openConfiguredTracing } from "./tracing.ts";

/** Who else is told what happens. They end with `resources`, after everything that was put there later. */
export async function openWatching(
  { logFormat }: Settings,
  log: Log,
  resources: AsyncDisposableStack,
): Promise<Pick<Ports, "tracing" | "named">> {
  const tracing = await openConfiguredTracing(process.env, log);
  if (tracing) resources.use(tracing);
  const named = logFormat === "json" ? { named: resources.use(logConsole(log)).named } : {};
  return { ...(tracing && { tracing }), ...named };
}

/** A store whose operations are timed, and where the times are found. */
export function measured<Store extends { storage: Storage }>(
  store: Store,
): { store: Store; metrics: Metrics } {
  const metrics = new Metrics(store.storage.runs);
  const storage = timedStorage(store.storage, (operation) => metrics.databaseTimer(operation));
  return { store: { ...store, storage }, metrics };
}
