import { z } from "zod";
import { AdjutantError, invalid } from "../../core/error.ts";
import type { JsonObject } from "../../core/json.ts";
import { describeIssues } from "../issues.ts";
import {
  errorReply,
  invalidParams,
  invalidRequest,
  isJson,
  methodNotFound,
  presentError,
  resultText,
  rpcAnswer,
  RpcError,
  rpcMessage,
  type RpcId,
  type RpcMessage,
} from "../json-rpc.ts";
import { empty, route, type Headers, type Reply, type Route, type RouteRequest } from "../route.ts";
import { callTool, failure } from "./call.ts";
import { listTools } from "./tools.ts";

/** Revisions of the protocol that have streamable HTTP and `initialize`; the newest first. */
const protocolVersions = ["2025-11-25", "2025-06-18", "2025-03-26"];

const tag = "MCP";

type Request = RouteRequest<null, {}, RpcMessage>;
type Method = (request: Request, id: RpcId) => Promise<Reply> | Reply;

const failed = { description: "An error of JSON-RPC that says why", schema: rpcAnswer };
const answers = {
  200: {
    description: "The answer; an event stream when it tells of progress",
    schema: rpcAnswer,
    alternatives: { "text/event-stream": z.string() },
  },
  202: { description: "A notification, taken note of", schema: null },
  400: failed,
  401: failed,
  403: failed,
  413: failed,
  415: failed,
  500: failed,
  503: failed,
};

export interface McpSettings {
  /** Of this server, as clients are told. */
  version: string;
  /** How long a list of tools waits for their schemas, in ms. */
  schemaWaitMs?: number;
}

/** The same at both spellings of the path. */
export function mcpRoutes({ version, schemaWaitMs = 10_000 }: McpSettings): Route[] {
  const methods = {
    initialize: initialize(version),
    ping,
    "tools/list": list(schemaWaitMs),
    "tools/call": call,
  };
  return [false, true].flatMap((hidden) => {
    const path = hidden ? "/mcp/" : "/mcp";
    return [
      speak(new Map(Object.entries(methods)), { path, hidden }),
      ...refusals({ path, hidden }),
    ];
  });
}

function speak(methods: Map<string, Method>, at: { path: string; hidden: boolean }): Route {
  return route({
    ...at,
    method: "POST",
    tag,
    summary: "Model Context Protocol: every assistant is a tool",
    action: "threads:create_run",
    headers: { Accept: "Must name both application/json and text/event-stream." },
    body: rpcMessage,
    events: ({ body }) =>
      asksForTools(body as RpcMessage) ? [{ action: "assistants:search", value: {} }] : [],
    answers,
    handle: (request) => answer(request, methods),
  });
}

/** The server opens no stream by itself; and a client would end its session with DELETE. */
function refusals(at: { path: string; hidden: boolean }): Route[] {
  const base = { ...at, tag, action: null };
  return [
    route({
      ...base,
      method: "GET",
      summary: "No stream: the server sends nothing by itself",
      answers: { 405: failed },
      handle: () => presentWrongMethod({ method: "GET", path: at.path }),
    }),
    route({
      ...base,
      method: "DELETE",
      summary: "No session to end: each request stands by itself",
      answers: { 404: failed },
      handle: () => errorReply(404, invalidRequest, "There is no session here to end."),
    }),
  ];
}

export function presentWrongMethod({ method, path }: { method: string; path: string }): Reply {
  const message = `${method} is not allowed on ${path}. Use POST.`;
  return errorReply(405, invalidRequest, message, { allow: "POST" });
}

/** A call is a run as well: that is asked once the tool's assistant is known. */
function asksForTools({ id, method }: RpcMessage): boolean {
  return id !== undefined && (method === "tools/list" || method === "tools/call");
}

async function answer(request: Request, methods: Map<string, Method>): Promise<Reply> {
  const { ports, body, headers } = request;
  const { id, method } = body;
  const refusal = refuse(headers);
  if (refusal) return refusal;
  if (method === undefined) {
    if (id !== undefined && ("result" in body || "error" in body)) return empty(202);
    throw invalid("Invalid request body: `method` is required, expected a string.");
  }
  // Nothing is asked with a notification. One that cancels names a request by a number that other
  // clients use as well; without sessions, who goes away is who cancels.
  if (id === undefined) return empty(202);
  if (id === null) throw invalid("Invalid request body: `id` must be a string or a number.");
  const known = methods.get(method);
  try {
    if (!known) throw new RpcError(methodNotFound, `There is no method "${method}".`);
    return await known(request, id);
  } catch (thrown) {
    return presentError(ports.log, thrown, { method: "POST", path: "/mcp" }, id);
  }
}

/** What the headers must be like; an answer when they are not. */
function refuse(headers: Headers): Reply | null {
  if (!isJson(headers["content-type"])) {
    const message = "The content type must be application/json.";
    return errorReply(415, invalidRequest, message);
  }
  const accepted = String(headers["accept"] ?? "").toLowerCase();
  if (!accepted.includes("application/json") || !accepted.includes("text/event-stream")) {
    const message = "The Accept header must name both application/json and text/event-stream.";
    return errorReply(400, invalidRequest, message);
  }
  const version = headers["mcp-protocol-version"];
  if (version === undefined || protocolVersions.includes(String(version))) return null;
  const known = protocolVersions.join(", ");
  const message = `Unsupported protocol version ${String(version)}. Supported: ${known}.`;
  return errorReply(400, invalidRequest, message);
}

const initializeParams = z.looseObject({ protocolVersion: z.string() });

function initialize(version: string): Method {
  return ({ body }, id) => {
    const { protocolVersion } = read(initializeParams, body.params);
    const agreed = protocolVersions.find((one) => one === protocolVersion) ?? protocolVersions[0];
    return result(id, {
      protocolVersion: agreed!,
      capabilities: { tools: {} },
      serverInfo: { name: "adjutant", title: "Adjutant", version },
    });
  };
}

function ping(_request: Request, id: RpcId): Reply {
  return result(id, {});
}

const listParams = z.looseObject({ cursor: z.string().optional() });

/** @param waitMs for schemas: clients give up after a minute */
function list(waitMs: number): Method {
  return async ({ ports, body }, id) => {
    const { cursor } = read(listParams, body.params);
    return result(id, await listTools(ports, cursor ?? null, waitMs));
  };
}

const callParams = z.looseObject({
  name: z.string(),
  arguments: z.record(z.string(), z.json()).optional(),
  _meta: z.looseObject({ progressToken: z.union([z.string(), z.number()]).optional() }).optional(),
});

async function call(request: Request, id: RpcId): Promise<Reply> {
  const { name, arguments: input, _meta } = read(callParams, request.body.params);
  const progressToken = _meta?.progressToken ?? null;
  try {
    return await callTool(request, { id, name, arguments: input ?? {}, progressToken });
  } catch (thrown) {
    // What the graph's schema refuses is for the model to read.
    if (thrown instanceof AdjutantError && thrown.code === "invalid") {
      return result(id, failure(thrown.message));
    }
    throw thrown;
  }
}

/** @throws RpcError */
function read<Params>(schema: z.ZodType<Params>, params: unknown): Params {
  const parsed = schema.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  throw new RpcError(invalidParams, describeIssues(parsed.error.issues, "params"));
}

function result(id: RpcId, value: JsonObject): Reply {
  const headers = { "content-type": "application/json" };
  return { status: 200, headers, body: resultText(id, value) };
}
