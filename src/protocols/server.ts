import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono, type Context } from "hono";
import type { ServerResponse } from "node:http";
import { z } from "zod";
import { AdjutantError, invalid, notFound } from "../core/error.ts";
import type { User } from "../core/ports/auth.ts";
import type { Ports } from "../core/ports/ports.ts";
import type { Span } from "../core/ports/tracing.ts";
import { readTraceparent } from "../core/trace-context.ts";
import { readJsonBody } from "./body.ts";
import { eventsOf, Gate } from "./gate.ts";
import { pathBelow, type HttpOptions } from "./http-options.ts";
import { describeIssues } from "./issues.ts";
import type { Metrics } from "./metrics.ts";
import { readQuery } from "./query.ts";
import {
  empty,
  type Headers,
  type Reply,
  type Route,
  type RouteEvent,
  type RouteRequest,
} from "./route.ts";
import { NodeSink, WebSink } from "./sink.ts";

/** How an API is spoken: its routes and its form of an error. */
export interface Dialect {
  routes: Route[];
  /** Never throws. `allow`: the methods of the path, when only the method was wrong. */
  presentError(thrown: unknown, request: { method: string; path: string }): Reply;
  presentWrongMethod(request: { method: string; path: string }, allow: string[]): Reply;
}

/** What `@hono/node-server` hands over; nothing when a request is answered in process. */
export interface Bindings {
  incoming?: { headers: Headers };
  outgoing?: ServerResponse;
  /** Who asks, when that has been found out already. */
  user?: User | null;
  /** The request wants a WebSocket: takes what is to be done with it. */
  upgrade?: Upgrade;
}

export interface Upgrade {
  accepted: Reply["socket"];
}
type ServerContext = Context<{ Bindings: Bindings }>;

/** Serves the routes of a dialect. Every request passes `Endpoint.answer`. */
export function createServer(params: {
  ports: Ports;
  dialect: Dialect;
  metrics: Metrics;
  http: HttpOptions;
}): Hono<{ Bindings: Bindings }> {
  const { dialect, http } = params;
  const { cors, mountPrefix } = http;
  const app = new Hono<{ Bindings: Bindings }>(
    mountPrefix === "" ? {} : { getPath: pathBelow(mountPrefix) },
  );
  const gate = new Gate(params.ports);
  for (const one of dialect.routes) {
    const endpoint = new Endpoint({ ...params, gate, route: one });
    app.on(one.method, honoPath(one.path), (context) => endpoint.answer(context));
  }
  app.options("*", (context) => cors.preflight(context.req.raw));
  app.notFound((context) => {
    const request = { method: context.req.method, path: context.req.path };
    const allow = allowedMethods(dialect.routes, app, request.path);
    const reply =
      allow.length > 0
        ? dialect.presentWrongMethod(request, allow)
        : dialect.presentError(noRoute(request), request);
    params.metrics.countRequest(request.method, "none", reply.status);
    return respond(reply, cors.headers(originOf(context)));
  });
  return app;
}

class Endpoint {
  readonly #ports: Ports;
  readonly #gate: Gate;
  readonly #http: HttpOptions;
  readonly #dialect: Dialect;
  readonly #metrics: Metrics;
  readonly #route: Route;
  readonly #query: z.ZodType;
  readonly #hasQuery: boolean;
  readonly #time: (tookMs: number) => void;
  /** Who watches it asks too often for that to be worth a trace. */
  readonly #traced: boolean;

  constructor(params: {
    ports: Ports;
    gate: Gate;
    http: HttpOptions;
    dialect: Dialect;
    metrics: Metrics;
    route: Route;
  }) {
    this.#ports = params.ports;
    this.#gate = params.gate;
    this.#http = params.http;
    this.#dialect = params.dialect;
    this.#metrics = params.metrics;
    this.#route = params.route;
    const fields = Object.entries(params.route.query);
    this.#query = z.object(Object.fromEntries(fields.map(([name, field]) => [name, field.schema])));
    this.#hasQuery = fields.length > 0;
    this.#time = params.metrics.requestTimer(params.route.method, params.route.path);
    this.#traced = params.route.action !== null && params.route.action !== "member";
  }

  async answer(context: ServerContext): Promise<Response> {
    const { method, path } = this.#route;
    const startedAt = performance.now();
    const span = this.#startSpan(context);
    let reply: Reply;
    try {
      const request = await this.#enter(context);
      if (span) request.ports = { ...request.ports, traceparent: span.traceparent };
      reply = await this.#route.handle(request);
    } catch (thrown) {
      if (!(thrown instanceof AdjutantError)) span?.fail(thrown);
      reply = this.#dialect.presentError(thrown, { method, path: context.req.path });
    }
    const upgrade = context.env?.upgrade;
    if (reply.socket && upgrade) {
      upgrade.accepted = this.#counted(reply.socket);
      reply = empty(204);
    }
    const tookMs = performance.now() - startedAt;
    this.#time(tookMs);
    this.#metrics.countRequest(method, path, reply.status);
    this.#log(context, reply.status, tookMs);
    span?.set({ "http.response.status_code": reply.status });
    if (!reply.stream || context.req.method === "HEAD") {
      span?.end();
      return respond(reply, this.#http.cors.headers(originOf(context)));
    }
    return this.#startStream(context, reply, { write: reply.stream, span });
  }

  #startSpan(context: ServerContext): Span | undefined {
    const { tracing } = this.#ports;
    if (!tracing || !this.#traced) return undefined;
    const { method, path } = this.#route;
    return tracing.start({
      name: `${method} ${path}`,
      kind: "server",
      parent: readTraceparent(context.req.header("traceparent")),
      attributes: {
        "http.request.method": method,
        "http.route": path,
        "url.path": context.req.path,
      },
    });
  }

  #counted(serve: NonNullable<Reply["socket"]>): NonNullable<Reply["socket"]> {
    return async (socket) => {
      this.#metrics.streamOpened("websocket");
      await serve(socket).finally(() => this.#metrics.streamClosed("websocket"));
    };
  }

  /** Past the gate. @throws unauthenticated, forbidden, and what `#read` throws */
  async #enter(context: ServerContext): Promise<RouteRequest<never, never, never>> {
    const { action } = this.#route;
    if (action === null || !this.#ports.auth) return this.#read(context);
    const user = context.env?.user ?? (await this.#gate.identify(context.req.raw));
    const request = await this.#read(context);
    const ports = await this.#gate.admit(user, eventsOf(this.#route, request));
    return { ...request, ports, admit: (events) => this.#gate.admit(user, events) };
  }

  /** @throws malformed, invalid, too_large */
  async #read(context: ServerContext): Promise<RouteRequest<never, never, never>> {
    const { params, query, body } = this.#route;
    const { raw } = context.req;
    const headers = context.env?.incoming?.headers ?? Object.fromEntries(raw.headers);
    const { configurableHeaders } = this.#http;
    const request = {
      ports: this.#ports,
      url: raw.url,
      params: params && check(params, context.req.param(), "path"),
      query: this.#hasQuery ? check(this.#query, readQuery(raw.url, query), "query") : {},
      body:
        body &&
        check(body, await readJsonBody(raw, this.#ports.limits.bodyBytesMax), "request body"),
      headers,
      get configurable() {
        return configurableHeaders.select(headers);
      },
      admit: (events: RouteEvent[]) => this.#gate.admit(null, events),
    };
    return request as unknown as RouteRequest<never, never, never>;
  }

  #log(context: ServerContext, status: number, tookMs: number): void {
    const { loggedHeaders } = this.#http;
    if (!loggedHeaders) return;
    const { method, path, raw } = context.req;
    const headers = loggedHeaders.select(Object.fromEntries(raw.headers));
    const fields = { method, path, status, took_ms: Math.round(tookMs), headers };
    this.#ports.log.info(fields, "request");
  }

  /** Returns with the headers; the body is written as it comes. */
  #startStream(
    context: ServerContext,
    reply: Reply,
    stream: { write: NonNullable<Reply["stream"]>; span: Span | undefined },
  ): Response {
    const headers = { ...this.#http.cors.headers(originOf(context)), ...reply.headers };
    const outgoing = context.env?.outgoing;
    const sink = outgoing
      ? new NodeSink(outgoing, reply.status, headers)
      : new WebSink(context.req.raw.signal);
    const kind = reply.headers["content-type"] === "text/event-stream" ? "events" : "wait";
    this.#metrics.streamOpened(kind);
    stream
      .write(sink)
      .catch((thrown: unknown) => {
        const { method, path } = this.#route;
        this.#ports.log.error({ method, path, error: thrown }, "an answer was broken off");
        sink.abort();
      })
      .finally(() => {
        this.#metrics.streamClosed(kind);
        stream.span?.end();
      });
    if (!(sink instanceof WebSink)) return RESPONSE_ALREADY_SENT;
    return new Response(sink.body, { status: reply.status, headers });
  }
}

function check(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(describeIssues(result.error.issues, where));
  return result.data;
}

/** A longer text goes to the socket as bytes: of a text Node first makes room for three times its length. */
const textLengthMax = 65_536;

export function respond(reply: Reply, corsHeaders: Record<string, string>): Response {
  const { body } = reply;
  const isLong = typeof body === "string" && body.length > textLengthMax;
  return new Response(isLong ? Buffer.from(body) : body, {
    status: reply.status,
    headers: { ...corsHeaders, ...reply.headers },
  });
}

function originOf(context: ServerContext): () => string | undefined {
  return () => context.req.header("origin");
}

function honoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function allowedMethods(
  routes: Route[],
  app: Hono<{ Bindings: Bindings }>,
  path: string,
): string[] {
  const methods = [...new Set(routes.map((one) => one.method))];
  return methods.filter((method) => app.router.match(method, path)[0].length > 0);
}

function noRoute(request: { method: string; path: string }) {
  return notFound(`There is no ${request.method} ${request.path} here.`);
}
