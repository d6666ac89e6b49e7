import { randomUUID } from "node:crypto";
import type { Ports } from "../../core/ports/ports.ts";
import { defaultHttpOptions, type HttpOptions } from "../http-options.ts";
import { Metrics } from "../metrics.ts";
import { eventsOf } from "../gate.ts";
import type { Reply, Route, RouteEvent, RouteRequest } from "../route.ts";
import { createServer, type Dialect } from "../server.ts";
import { assistantRoutes } from "./assistants.ts";
import { presentError, presentWrongMethod } from "./errors.ts";
import { decodeId } from "./ids.ts";
import { messageRoutes } from "./messages.ts";
import { modelRoutes, type OfferedModel } from "./models.ts";
import { runRoutes } from "./runs.ts";
import { stepRoutes } from "./steps.ts";
import { threadRoutes } from "./threads.ts";
import { speaksVersion1, withFileIds } from "./version1.ts";

export interface OpenaiOptions {
  http?: HttpOptions;
  metrics?: Metrics;
  /** Names of language models that somebody answers for; graphs are offered beside them. */
  models: () => OfferedModel[];
}

/** Where the API is served: for OpenAI's clients, and for those of Azure, who add `api-version`. */
const prefixes = ["/v1", "/openai/v1", "/openai"];

/** All paths of this dialect, as patterns of Hono. */
export const openaiPaths = ["/v1/*", "/openai/*"];

/**
 * The OpenAI Assistants API, version 2. The `OpenAI-Beta` header is not asked for, and any key is
 * accepted that the server's authentication lets through.
 */
export function createOpenaiApp(ports: Ports, options: OpenaiOptions) {
  return createServer({
    ports,
    metrics: options.metrics ?? new Metrics(ports.storage.runs),
    http: options.http ?? defaultHttpOptions,
    dialect: openaiDialect(ports, options),
  });
}

/** Its routes and its form of an error. */
export function openaiDialect(ports: Ports, { models }: Pick<OpenaiOptions, "models">): Dialect {
  const routes = [
    ...assistantRoutes,
    ...runRoutes,
    ...threadRoutes,
    ...messageRoutes,
    ...stepRoutes,
    ...modelRoutes(models),
  ];
  return {
    routes: prefixes.flatMap((prefix) => routes.map((one) => served(one, prefix))),
    presentError: (thrown, request) => withId(presentError(ports.log, thrown, request)),
    presentWrongMethod: (request, allow) => withId(presentWrongMethod(request, allow)),
  };
}

function served(one: Route, prefix: string): Route {
  return {
    ...one,
    path: `${prefix}${one.path}`,
    events: (request) => eventsOf(one, request).map(withOwnIds),
    async handle(request: RouteRequest<never, never, never>) {
      const startedAt = performance.now();
      const reply = withId(inVersionOf(request, await one.handle(request)));
      const tookMs = Math.round(performance.now() - startedAt);
      Object.assign(reply.headers, { "openai-processing-ms": String(tookMs) });
      return reply;
    },
  };
}

function inVersionOf(request: RouteRequest<unknown, unknown, unknown>, reply: Reply): Reply {
  if (typeof reply.body !== "string" || !speaksVersion1(request.headers, request.body))
    return reply;
  return { ...reply, body: JSON.stringify(withFileIds(JSON.parse(reply.body))) };
}

/** Authorization handlers know things by the ids that every dialect shares. */
function withOwnIds(event: RouteEvent): RouteEvent {
  const value = { ...event.value };
  for (const key of ["assistant_id", "thread_id", "run_id"]) {
    const id = value[key];
    if (typeof id === "string") value[key] = decodeId(id);
  }
  return { ...event, value };
}

/** Clients show it as `_request_id`. */
function withId(reply: Reply): Reply {
  const id = `req_${randomUUID().replaceAll("-", "")}`;
  return {
    ...reply,
    headers: { "x-request-id": id, "openai-version": "2020-10-01", ...reply.headers },
  };
}
