import type { Ports } from "../../core/ports/ports.ts";
import type { UiBundles } from "../../core/ports/ui.ts";
import { docsRoutes } from "../docs.ts";
import { defaultHttpOptions, type HttpOptions } from "../http-options.ts";
import { Metrics } from "../metrics.ts";
import { openapiRoute, type Security } from "../openapi.ts";
import type { Route } from "../route.ts";
import { createServer, type Dialect } from "../server.ts";
import { assistantRoutes } from "./assistants.ts";
import { cronRoutes } from "./crons.ts";
import { presentError, presentWrongMethod } from "./errors.ts";
import { explainRoute } from "./explain.ts";
import { itemRoutes } from "./items.ts";
import { searchRunsRoute } from "./run-search.ts";
import { runRoutes } from "./runs.ts";
import { failuresOf } from "./schemas/common.ts";
import { stateRoutes } from "./state.ts";
import { systemRoutes, type ServerInfo } from "./system.ts";
import { joinThreadRoute } from "./thread-join.ts";
import { threadStreamRoutes } from "./thread-stream/routes.ts";
import { threadRoutes } from "./threads.ts";
import { noUi, uiRoutes } from "./ui.ts";

/** What `http.disable_assistants` and its like take away. */
export type RouteGroup = "assistants" | "threads" | "runs" | "store" | "ui" | "meta";

/** Whoever watches the server needs it. */
function staysAlways(route: Route): boolean {
  return route.path === "/ok";
}

interface Options {
  http?: HttpOptions;
  disabled?: ReadonlySet<RouteGroup>;
  /** The components that langgraph.json names. */
  ui?: UiBundles;
  /** How callers say who they are, when the server asks and it is known. */
  security?: Security;
  /** Routes of other dialects that the OpenAPI document tells of. */
  documented?: Route[];
}

/**
 * The LangGraph API, version 1 wire. Answers in process through `request`, and over the network through
 * `fetch` and `@hono/node-server`, which must hand over its bindings as the second argument.
 */
export function createLanggraphApp(ports: Ports, info: ServerInfo, options: Options = {}) {
  const { http = defaultHttpOptions } = options;
  const metrics = new Metrics(ports.storage.runs);
  const dialect = langgraphDialect(ports, info, metrics, options);
  return createServer({ ports, metrics, http, dialect });
}

/** Its routes and its form of an error. */
export function langgraphDialect(
  ports: Ports,
  info: ServerInfo,
  metrics: Metrics,
  options: Options = {},
): Dialect {
  const { http = defaultHttpOptions, disabled = new Set<RouteGroup>() } = options;
  const { security = {}, documented = [], ui = noUi } = options;
  const groups: Record<RouteGroup, Route[]> = {
    meta: systemRoutes({ ...info, mountPrefix: http.mountPrefix }, metrics),
    assistants: assistantRoutes,
    threads: [...threadRoutes, ...stateRoutes, joinThreadRoute, ...threadStreamRoutes],
    runs: [...cronRoutes, explainRoute, searchRunsRoute, ...runRoutes],
    store: itemRoutes,
    ui: uiRoutes(ui, http.mountPrefix),
  };
  const routes = Object.entries(groups).flatMap(([group, all]) =>
    disabled.has(group as RouteGroup) ? all.filter(staysAlways) : all,
  );
  const asksWho = ports.auth !== undefined;
  const openapi = openapiRoute([...routes, ...docsRoutes, ...documented], {
    title: "Adjutant",
    version: info.version,
    description: "Graphs served, assistants versioned, runs streamed: the LangGraph API.",
    mountPrefix: http.mountPrefix,
    failures: (one) => (documented.includes(one) ? {} : failuresOf(one, asksWho)),
    security: asksWho ? security : null,
  });
  const reference = disabled.has("meta") ? [] : [openapi, ...docsRoutes];
  return {
    routes: [...routes, ...reference],
    presentError: (thrown, request) => presentError(ports.log, thrown, request),
    presentWrongMethod,
  };
}
