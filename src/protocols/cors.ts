/** `http.cors` of langgraph.json. */
export interface CorsOptions {
  allowOrigins: string[];
  /** Counts instead of the list when given. */
  allowOriginPattern: RegExp | null;
  allowMethods: string[];
  /** Null: whatever a page asks for. */
  allowHeaders: string[] | null;
  allowCredentials: boolean;
  exposeHeaders: string[];
  maxAgeSeconds: number;
}

/** Without these a client in a page finds neither its run nor its place in a stream. */
const exposedHeaders = [
  "content-location",
  "location",
  "x-pagination-total",
  "x-pagination-next",
  "x-request-id",
];

/** Any page may call, as the LangGraph dev server has it; no cookies are involved. */
export const defaultCors: CorsOptions = {
  allowOrigins: ["*"],
  allowOriginPattern: null,
  allowMethods: ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"],
  allowHeaders: null,
  allowCredentials: false,
  exposeHeaders: [],
  maxAgeSeconds: 600,
};

/**
 * Which pages may call. As plain headers, because hono/cors makes every request pass a second handler
 * and a `Headers` object: 30 to 40 µs of the 80 µs that a small request takes.
 */
export class Cors {
  readonly #options: CorsOptions;
  /** The same for every origin; null when it depends. */
  readonly #fixed: Record<string, string> | null;
  readonly #common: Record<string, string>;

  constructor(options: CorsOptions = defaultCors) {
    this.#options = options;
    const exposed = new Set([
      ...options.exposeHeaders.map((name) => name.toLowerCase()),
      ...exposedHeaders,
    ]);
    this.#common = {
      ...(options.allowCredentials && { "access-control-allow-credentials": "true" }),
      "access-control-expose-headers": [...exposed].join(","),
    };
    const forAll = options.allowOriginPattern === null && options.allowOrigins.includes("*");
    this.#fixed = forAll ? { "access-control-allow-origin": "*", ...this.#common } : null;
  }

  /** For an answer to a page of `origin`. */
  headers(origin: () => string | null | undefined): Record<string, string> {
    if (this.#fixed) return this.#fixed;
    const asking = origin();
    if (!asking || !this.#allows(asking)) return { vary: "origin" };
    return { "access-control-allow-origin": asking, vary: "origin", ...this.#common };
  }

  preflight(request: Request): Response {
    const { allowMethods, allowHeaders, maxAgeSeconds } = this.#options;
    const asked = request.headers.get("access-control-request-headers");
    const allowed = allowHeaders?.join(",") ?? asked;
    const headers = new Headers({
      ...this.headers(() => request.headers.get("origin")),
      "access-control-allow-methods": allowMethods.join(","),
      "access-control-max-age": String(maxAgeSeconds),
    });
    if (allowed) {
      headers.set("access-control-allow-headers", allowed);
      if (!allowHeaders) headers.append("vary", "access-control-request-headers");
    }
    return new Response(null, { status: 204, headers });
  }

  #allows(origin: string): boolean {
    const { allowOriginPattern, allowOrigins } = this.#options;
    return allowOriginPattern ? allowOriginPattern.test(origin) : allowOrigins.includes(origin);
  }
}
