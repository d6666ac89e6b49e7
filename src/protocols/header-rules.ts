import type { JsonObject } from "../core/json.ts";
import type { Headers } from "./route.ts";

/** `http.configurable_headers` and `http.logging_headers` (specification 4.3): names, `*` for any part. */
export interface HeaderPatterns {
  includes: string[];
  excludes: string[];
}

/** Specification 3.3. */
export const defaultConfigurableHeaders: HeaderPatterns = {
  includes: ["x-*", "user-agent"],
  excludes: ["x-tenant-id", "x-service-key"],
};

/** What lets a caller in: no pattern takes these, only their whole name does. */
const credentials = new Set(["authorization", "proxy-authorization", "cookie", "x-api-key"]);

/** Which request headers go on to somewhere else. Excludes come first. */
export class HeaderRules {
  readonly #includes: RegExp[];
  readonly #excludes: RegExp[];
  readonly #named: Set<string>;

  constructor({ includes, excludes }: HeaderPatterns) {
    this.#includes = includes.map(toRegExp);
    this.#excludes = excludes.map(toRegExp);
    this.#named = new Set(includes.map((name) => name.toLowerCase()));
  }

  select(headers: Headers): JsonObject {
    const found: JsonObject = {};
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined || !this.#takes(name)) continue;
      found[name] = String(value);
    }
    return found;
  }

  #takes(name: string): boolean {
    if (credentials.has(name) && !this.#named.has(name)) return false;
    if (this.#excludes.some((one) => one.test(name))) return false;
    return this.#includes.some((one) => one.test(name));
  }
}

function toRegExp(pattern: string): RegExp {
  const parts = pattern.toLowerCase().split("*").map(RegExp.escape);
  return new RegExp(`^${parts.join(".*")}$`);
}
