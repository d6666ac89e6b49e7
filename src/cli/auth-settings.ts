import type { CacheSettings } from "../auth/remembered.ts";
import { invalid } from "../core/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { ManifestFile } from "../graphs/manifest.ts";
import type { Security } from "../protocols/openapi.ts";

type AuthSection = Pick<ManifestFile, "auth">;

/** `auth.cache`; null: every request is authenticated anew. @throws invalid naming the key */
export function readAuthCache({ auth }: AuthSection): CacheSettings | null {
  const { cache } = auth ?? {};
  if (!cache) return null;
  const { cache_keys: names = [], ttl_seconds: seconds = 60, max_size: sizeMax = 1000 } = cache;
  // Under any other header than the right ones, one user would be taken for another.
  if (names.length === 0) {
    throw invalid(
      '"auth.cache.cache_keys" of langgraph.json must name the headers that say who asks, such as ["authorization"].',
    );
  }
  if (!(seconds > 0 && sizeMax >= 1)) {
    throw invalid('"auth.cache" of langgraph.json: ttl_seconds and max_size must be above 0.');
  }
  return { headers: names.map((name) => name.toLowerCase()), ttlMs: seconds * 1000, sizeMax };
}

/** How keys of `ADJUTANT_API_KEYS` are sent. */
const keySecurity: Security = {
  securitySchemes: {
    ApiKey: { type: "apiKey", in: "header", name: "x-api-key" },
    Bearer: { type: "http", scheme: "bearer" },
  },
  security: [{ ApiKey: [] }, { Bearer: [] }],
};

/** What the OpenAPI document says of credentials: as `auth.openapi` has it, else what is known. */
export function readSecurity({ auth }: AuthSection, hasKeys: boolean): Security {
  const { securitySchemes, security, paths } = (auth?.openapi ?? {}) as Security;
  const known = hasKeys ? keySecurity : {};
  return {
    ...known,
    ...(securitySchemes && { securitySchemes: securitySchemes as JsonObject }),
    ...(security !== undefined && { security }),
    ...(paths && { paths }),
  };
}
