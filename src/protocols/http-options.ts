import { Cors } from "./cors.ts";
import { defaultConfigurableHeaders, HeaderRules } from "./header-rules.ts";

/** What `http` of langgraph.json says about every dialect (specification 4.1 and 4.3). */
export interface HttpOptions {
  cors: Cors;
  /** Request headers that reach graphs as `configurable`. */
  configurableHeaders: HeaderRules;
  /** With these every request is logged. */
  loggedHeaders: HeaderRules | null;
  /** `/api`: the path below which everything is; empty for none. */
  mountPrefix: string;
}

export const defaultHttpOptions: HttpOptions = {
  cors: new Cors(),
  configurableHeaders: new HeaderRules(defaultConfigurableHeaders),
  loggedHeaders: null,
  mountPrefix: "",
};

/** The path of a request as routes know it; what is not below the prefix is no route's. */
export function pathBelow(mountPrefix: string): (request: Request) => string {
  return (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === mountPrefix) return "/";
    return pathname.startsWith(`${mountPrefix}/`) ? pathname.slice(mountPrefix.length) : "*";
  };
}
