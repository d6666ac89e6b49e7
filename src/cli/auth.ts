import type { Log } from "../core/ports/ports.ts";
import { ApiKeys } from "../auth/api-keys.ts";
import { AuthHandlers } from "../auth/handlers.ts";
import type { Auth } from "../core/ports/auth.ts";
import { loadExport } from "../graphs/load.ts";
import type { Manifest } from "../graphs/manifest.ts";
import { readAuthCache } from "./auth-settings.ts";

/** Who may come in: nobody asks (null), keys of the environment, or the user's own code. */
export type Entrance = { auth: Auth | null; handlers: AuthHandlers | null };

/** @throws invalid when `auth.path` cannot be loaded or is no Auth object, and for keys that are none */
export async function openEntrance(
  manifest: Manifest,
  apiKeys: string | null,
  generation: number,
): Promise<Entrance> {
  const keys = apiKeys === null ? null : new ApiKeys(apiKeys);
  const exported = await loadAuth(manifest, generation);
  if (exported === null) return { auth: keys, handlers: null };
  const handlers = new AuthHandlers(exported, keys, readAuthCache(manifest.settings));
  return { auth: handlers, handlers };
}

/** Takes the Auth object of the changed file, where there was one at the start. */
export async function reloadAuth(
  handlers: AuthHandlers | null,
  changed: Manifest,
  generation: number,
  log: Log,
): Promise<void> {
  if (handlers) handlers.replace(await loadAuth(changed, generation));
  else if (changed.settings.auth?.path) {
    log.warn({}, "auth.path was added: it counts after the next start");
  }
}

/** The Auth object as it is in its file now; null when there is none. */
async function loadAuth(manifest: Manifest, generation: number): Promise<unknown> {
  const spec = manifest.settings.auth?.path;
  if (spec === undefined) return null;
  return loadExport(manifest, { key: "auth.path", spec, generation });
}
