import { invalid } from "../core/error.ts";
import type { ManifestFile } from "../graphs/manifest.ts";
import { Cors, defaultCors } from "../protocols/cors.ts";
import type { CustomAppOptions } from "../protocols/custom-app.ts";
import { defaultConfigurableHeaders, HeaderRules } from "../protocols/header-rules.ts";
import type { HttpOptions } from "../protocols/http-options.ts";
import type { RouteGroup } from "../protocols/langgraph/app.ts";

export interface HttpSettings extends CustomAppOptions {
  http: HttpOptions;
  disabled: ReadonlySet<RouteGroup>;
  serves: { mcp: boolean; a2a: boolean };
}

const groups: RouteGroup[] = ["assistants", "threads", "runs", "store", "ui", "meta"];

/** `http` of langgraph.json (specification 4.1 and 4.3). @throws invalid naming the key */
export function readHttpSettings({ http = {} }: Pick<ManifestFile, "http">): HttpSettings {
  return {
    http: {
      cors: readCors(http.cors),
      configurableHeaders: readPatterns(http.configurable_headers, defaultConfigurableHeaders),
      loggedHeaders: http.logging_headers
        ? readPatterns(http.logging_headers, { includes: [], excludes: [] })
        : null,
      mountPrefix: mountPrefixOf({ http }),
    },
    disabled: new Set(groups.filter((group) => http[`disable_${group}`])),
    serves: { mcp: !http.disable_mcp, a2a: !http.disable_a2a },
    authFirst: http.middleware_order === "auth_first",
    customRoutesNeedAuth: http.enable_custom_route_auth ?? false,
  };
}

/** Without a slash at its end; empty for none. */
export function mountPrefixOf({ http }: Pick<ManifestFile, "http">): string {
  return (http?.mount_prefix ?? "").replace(/\/+$/, "");
}

type ManifestHttp = NonNullable<ManifestFile["http"]>;

function readCors(cors: ManifestHttp["cors"]): Cors {
  if (!cors) return new Cors();
  return new Cors({
    allowOrigins: cors.allow_origins ?? (cors.allow_origin_regex ? [] : defaultCors.allowOrigins),
    allowOriginPattern: cors.allow_origin_regex ? readPattern(cors.allow_origin_regex) : null,
    allowMethods: cors.allow_methods ?? defaultCors.allowMethods,
    allowHeaders: cors.allow_headers?.includes("*") ? null : (cors.allow_headers ?? null),
    allowCredentials: cors.allow_credentials ?? defaultCors.allowCredentials,
    exposeHeaders: cors.expose_headers ?? defaultCors.exposeHeaders,
    maxAgeSeconds: cors.max_age ?? defaultCors.maxAgeSeconds,
  });
}

/** Held against the whole origin. */
function readPattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch (thrown) {
    throw invalid(
      `"http.cors.allow_origin_regex" of langgraph.json is no regular expression: ${(thrown as Error).message}`,
    );
  }
}

function readPatterns(
  given: ManifestHttp["configurable_headers"],
  otherwise: { includes: string[]; excludes: string[] },
): HeaderRules {
  return new HeaderRules({
    includes: given?.includes ?? given?.include ?? otherwise.includes,
    excludes: [...(given?.excludes ?? given?.exclude ?? []), ...otherwise.excludes],
  });
}
