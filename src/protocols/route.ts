import type { z } from "zod";
import type { JsonObject } from "../core/json.ts";
import type { Action } from "../core/ports/auth.ts";
import type { Ports } from "../core/ports/ports.ts";
import type { Query, QueryFields } from "./query.ts";
import type { Sink } from "./sink.ts";
import type { Socket } from "./socket.ts";

/**
 * A route is declared once: the same declaration checks requests, makes the OpenAPI document and
 * tells who may do what. `server.ts` serves it.
 */

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Null: open to everyone. `member`: to everyone who is known, when the server asks who it is. */
export type Access = Action | "member" | null;

/**
 * What authorization handlers are asked about a request. They may write into `value`; what they put
 * under keys of the body is in the body afterwards, when `writable` says where.
 */
export interface RouteEvent {
  action: Action;
  value: JsonObject;
  /** Takes over what the handlers made of `value`. */
  apply?: (value: JsonObject) => void;
}

/** One possible answer of a route, for the OpenAPI document. */
export interface Answer {
  description: string;
  /** Null: no body. */
  schema: z.ZodType | null;
  /** `application/json` when absent. */
  contentType?: string;
  /** Other forms that a request may ask for, by content type. */
  alternatives?: Record<string, z.ZodType>;
  /** What headers of the answer tell, by name. */
  headers?: Record<string, string>;
}

export interface RouteRequest<Params, QueryValues, Body> {
  ports: Ports;
  /** As the client sent it, with its host. */
  url: string;
  params: Params;
  query: QueryValues;
  body: Body;
  /** By lower-case name. */
  headers: Headers;
  /** Those of them that reach graphs as `configurable`. */
  configurable: JsonObject;
  /** Ports for what the request turns out to stand for beside its route's events. @throws forbidden */
  admit(events: RouteEvent[]): Promise<Ports>;
}

/** Header values by lower-case name; Node gives a list for the few headers that may not be joined. */
export type Headers = Record<string, string | string[] | undefined>;

/** An answer as data; the server makes the HTTP response. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | null;
  /** Instead of `body`: writes the body bit by bit, after the headers have left. */
  stream?: (sink: Sink) => Promise<void>;
  /** What to do with the WebSocket when the request asks for one; else the answer is as it stands. */
  socket?: (socket: Socket) => Promise<void>;
}

/** What the server and the OpenAPI document need of a route. */
export interface Route {
  method: Method;
  /** As in OpenAPI: `/threads/{thread_id}/runs`. */
  path: string;
  tag: string;
  summary: string;
  action: Access;
  params: z.ZodType | null;
  query: QueryFields;
  /** Null: the request's body is not read. */
  body: z.ZodType | null;
  /** What headers of the request mean to this route, by name, for the OpenAPI document. */
  headers: Record<string, string>;
  answers: Record<number, Answer>;
  /** Left out of the OpenAPI document. */
  hidden: boolean;
  /** What handlers are asked; absent: the action, with all that path, query and body say. */
  events?: (request: RouteRequest<unknown, unknown, unknown>) => RouteEvent[];
  handle(request: RouteRequest<never, never, never>): Promise<Reply> | Reply;
}

interface RouteDefinition<Params, Fields extends QueryFields, Body> {
  method: Method;
  path: string;
  tag: string;
  summary: string;
  action: Access;
  params?: z.ZodType<Params>;
  query?: Fields;
  body?: z.ZodType<Body>;
  headers?: Record<string, string>;
  answers: Record<number, Answer>;
  hidden?: boolean;
  events?: (request: RouteRequest<unknown, unknown, unknown>) => RouteEvent[];
  handle(request: RouteRequest<Params, Query<Fields>, Body>): Promise<Reply> | Reply;
}

/** Declares a route: the handler sees the types of its schemas. */
export function route<Params = null, Fields extends QueryFields = {}, Body = null>(
  definition: RouteDefinition<Params, Fields, Body>,
): Route {
  return {
    ...definition,
    params: definition.params ?? null,
    query: definition.query ?? {},
    body: definition.body ?? null,
    headers: definition.headers ?? {},
    hidden: definition.hidden ?? false,
    handle: definition.handle as Route["handle"],
  };
}

export function json(value: unknown, headers: Record<string, string> = {}, status = 200): Reply {
  return jsonText(JSON.stringify(value), headers, status);
}

export function jsonText(body: string, headers: Record<string, string> = {}, status = 200): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body };
}

export function empty(status: 202 | 204, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: null };
}
