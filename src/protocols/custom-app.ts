import { Hono, type Context } from "hono";
import { invalid } from "../core/error.ts";
import type { Ports } from "../core/ports/ports.ts";
import { Gate } from "./gate.ts";
import { pathBelow, type HttpOptions } from "./http-options.ts";
import { respond, type Bindings, type Dialect } from "./server.ts";

export interface CustomAppOptions {
  /** `middleware_order: "auth_first"`: who asks is found out before the user's middleware runs. */
  authFirst: boolean;
  /** `enable_custom_route_auth` */
  customRoutesNeedAuth: boolean;
}

type App = Hono<{ Bindings: Bindings }>;

/** A user's Hono app, of whichever copy of Hono. */
type UserApp = Parameters<App["route"]>[1];

interface CustomApp extends CustomAppOptions {
  ports: Ports;
  http: HttpOptions;
  /** What is served where the user's app has no route. */
  api: App;
  dialect: Dialect;
  /** Pages of the server's own: a browser shows no credentials when it loads them, and they hold no data. */
  isPage?(path: string): boolean;
}

/**
 * Puts a user's app before the built-in routes (specification 1.10): its routes win, and its middleware
 * also wraps the built-in ones. These are then answered as web responses, so that middleware can
 * change headers of streams, too.
 *
 * @throws invalid when `exported` is no Hono app
 */
export function withCustomApp(exported: unknown, custom: CustomApp): App {
  if (!isHonoApp(exported)) {
    throw invalid(
      '"http.app" of langgraph.json must name a Hono app: `export const app = new Hono()`.',
    );
  }
  const { api, http } = custom;
  const app: App = new Hono<{ Bindings: Bindings }>(
    http.mountPrefix === "" ? {} : { getPath: pathBelow(http.mountPrefix) },
  );
  const doorkeeper = new Doorkeeper(custom);
  app.use("*", async (context, next) => {
    const refusal = await doorkeeper.check(context);
    if (refusal) return refusal;
    await next();
    addHeaders(
      context,
      http.cors.headers(() => context.req.header("origin")),
    );
    return;
  });
  app.route("/", exported);
  app.all("*", async (context) => {
    const user = doorkeeper.userOf(context);
    const upgrade = context.env?.upgrade;
    return api.fetch(await unread(context), {
      ...(user !== undefined && { user }),
      ...(upgrade && { upgrade }),
    });
  });
  app.onError((thrown, context) => {
    const { getResponse } = thrown as { getResponse?: () => Response };
    if (typeof getResponse === "function") return getResponse.call(thrown);
    const request = { method: context.req.method, path: context.req.path };
    return respond(custom.dialect.presentError(thrown, request), {});
  });
  return app;
}

type User = NonNullable<Bindings["user"]>;

/** Finds out who asks before the user's code runs, where that is wished. */
class Doorkeeper {
  readonly #custom: CustomApp;
  readonly #gate: Gate;
  readonly #open: Set<string>;
  readonly #users = new WeakMap<Context, User>();

  constructor(custom: CustomApp) {
    this.#custom = custom;
    this.#gate = new Gate(custom.ports);
    const open = custom.dialect.routes.filter(({ action }) => action === null);
    this.#open = new Set(open.map(({ method, path }) => `${method} ${path}`));
  }

  /** An answer when nobody may come in, or when a browser only asks whether it may. */
  async check(context: Context): Promise<Response | null> {
    const { http, dialect } = this.#custom;
    if (!this.#custom.ports.auth || !this.#asksFirst(context)) return null;
    const { raw, method, path } = context.req;
    if (method === "OPTIONS" && raw.headers.has("access-control-request-method")) {
      return http.cors.preflight(raw);
    }
    try {
      const user = await this.#gate.identify(raw);
      if (!user) return null;
      this.#users.set(context, user);
      // Under the name that the official server gives it.
      context.set("auth", { user: user.profile, scopes: user.permissions });
      return null;
    } catch (thrown) {
      const cors = http.cors.headers(() => context.req.header("origin"));
      return respond(dialect.presentError(thrown, { method, path }), cors);
    }
  }

  userOf(context: Context): User | undefined {
    return this.#users.get(context);
  }

  #asksFirst({ req }: Context): boolean {
    const { authFirst, customRoutesNeedAuth, api } = this.#custom;
    const method = req.method === "HEAD" ? "GET" : req.method;
    if (this.#open.has(`${method} ${req.path}`)) return false;
    if (method === "GET" && this.#custom.isPage?.(req.path)) return false;
    // A route of the user's may have the path of a built-in one; then it is as closed as the others.
    if (customRoutesNeedAuth) return true;
    return authFirst && api.router.match(method, req.path)[0].length > 0;
  }
}

/** Middleware may have read the body, or put another request in its place. */
async function unread({ req }: Context): Promise<Request> {
  const { raw } = req;
  if (!raw.bodyUsed) return raw;
  const { method, headers, signal, url } = raw;
  return new Request(url, { method, headers, signal, body: await req.text() });
}

function addHeaders(context: Context, headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  }
}

function isHonoApp(value: unknown): value is UserApp {
  const app = value as { fetch?: unknown; routes?: unknown } | null;
  return typeof app?.fetch === "function" && Array.isArray(app.routes);
}
