import { z } from "zod";
import { AdjutantError, invalid } from "../../core/error.ts";
import { describeIssues, listIssues } from "../issues.ts";
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
import { callTool, failure, type RunningCall } from "./call.ts";
import { batchReply, callReply } from "./replies.ts";
import { listTools } from "./tools.ts";

/** Revisions of the protocol that have streamable HTTP and `initialize`; the newest first. */
const protocolVersions = ["2025-11-25", "2025-06-18", "2025-03-26"];

/** The one with batches, and the one that a client speaks which does not say. */
const batchVersion = "2025-03-26";
/** Each call of a batch is a run. */
const batchMessagesMax = 100;

const tag = "MCP";

/** One message, or in the revision that has them a batch. */
const mcpBody = z.union(
  [rpcMessage, z.array(rpcMessage).min(1, "an empty batch").max(batchMessagesMax)],
  {
    error: (issue) =>
      issue.code === "invalid_union"
        ? listIssues(issue.errors[Array.isArray(issue.input) ? 1 : 0]!)
        : undefined,
  },
);

type Request = RouteRequest<null, {}, RpcMessage>;
/** The answer, as text, or a call that will have one. */
type Method = (request: Request, id: RpcId) => Promise<string | RunningCall> | string | RunningCall;
type Methods = Map<string, Method>;

const failed = { description: "An error of JSON-RPC that says why", schema: rpcAnswer };
const answers = {
  200: {
    description: "The answer; an event stream for a batch, and when it tells of progress",
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

function speak(methods: Methods, at: { path: string; hidden: boolean }): Route {
  return route({
    ...at,
    method: "POST",
    tag,
    summary: "Model Context Protocol: every assistant is a tool",
    action: "threads:create_run",
    headers: { Accept: "Must name both application/json and text/event-stream." },
    body: mcpBody,
    events: ({ body }) =>
      [body as RpcMessage | RpcMessage[]].flat().some(asksForTools)
        ? [{ action: "assistants:search", value: {} }]
        : [],
    answers,
    handle({ body, ...request }) {
      const refusal = refuse(request.headers);
      if (refusal) return refusal;
      return Array.isArray(body)
        ? answerBatch(request, body, methods)
        : answer({ ...request, body }, methods);
    },
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

async function answer(request: Request, methods: Methods): Promise<Reply> {
  if (!awaitsAnswer(request.body)) return empty(202);
  try {
    const told = await ask(request, methods);
    return typeof told === "string" ? jsonReply(told) : callReply(request.ports, told);
  } catch (thrown) {
    return presentThrown(request, thrown);
  }
}

/** Of a batch each request has its own answer, also one that is an error. */
function answerBatch(
  request: Omit<Request, "body">,
  messages: RpcMessage[],
  methods: Methods,
): Reply {
  const version = request.headers["mcp-protocol-version"] ?? batchVersion;
  if (version !== batchVersion) {
    throw invalid(
      `Batches are part of revision ${batchVersion} alone; this is ${String(version)}.`,
    );
  }
  const asked = messages.filter(awaitsAnswer);
  if (asked.length === 0) return empty(202);
  const asking = asked.map((body) => async () => {
    const one = { ...request, body };
    try {
      if (body.method === "initialize") {
        throw new RpcError(invalidRequest, "`initialize` must not be part of a batch.");
      }
      return await ask(one, methods);
    } catch (thrown) {
      return String(presentThrown(one, thrown).body);
    }
  });
  return batchReply(request.ports, asking);
}

/**
 * False for a notification, with which nothing is asked, and for a client's answer. A notification that cancels has no
 * effect: it names a request by a number that other clients use as well. Without sessions, who goes away is who cancels.
 *
 * @throws invalid
 */
function awaitsAnswer({ id, method, ...message }: RpcMessage): boolean {
  if (method === undefined) {
    if (id !== undefined && ("result" in message || "error" in message)) return false;
    throw invalid("Invalid request body: `method` is required, expected a string.");
  }
  if (id === null) throw invalid("Invalid request body: `id` must be a string or a number.");
  return id !== undefined;
}

/** @throws RpcError, and what the method throws */
async function ask(request: Request, methods: Methods): Promise<string | RunningCall> {
  const { id, method } = request.body;
  const known = methods.get(method!);
  if (!known) throw new RpcError(methodNotFound, `There is no method "${method}".`);
  return known(request, id!);
}

function presentThrown({ ports, body }: Request, thrown: unknown): Reply {
  return presentError(ports.log, thrown, { method: "POST", path: "/mcp" }, body.id ?? null);
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
    return resultText(id, {
      protocolVersion: agreed!,
      capabilities: { tools: {} },
      serverInfo: { name: "adjutant", title: "Adjutant", version },
    });
  };
}

function ping(_request: Request, id: RpcId): string {
  return resultText(id, {});
}

const listParams = z.looseObject({ cursor: z.string().optional() });

/** @param waitMs for schemas: clients give up after a minute */
function list(waitMs: number): Method {
  return async ({ ports, body }, id) => {
    const { cursor } = read(listParams, body.params);
    return resultText(id, await listTools(ports, cursor ?? null, waitMs));
  };
}

const callParams = z.looseObject({
  name: z.string(),
  arguments: z.record(z.string(), z.json()).optional(),
  _meta: z.looseObject({ progressToken: z.union([z.string(), z.number()]).optional() }).optional(),
});

async function call(request: Request, id: RpcId): Promise<string | RunningCall> {
  const { name, arguments: input, _meta } = read(callParams, request.body.params);
  const progressToken = _meta?.progressToken ?? null;
  try {
    return await callTool(request, { id, name, arguments: input ?? {}, progressToken });
  } catch (thrown) {
    // What the graph's schema refuses is for the model to read.
    if (thrown instanceof AdjutantError && thrown.code === "invalid") {
      return resultText(id, failure(thrown.message));
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

function jsonReply(body: string): Reply {
  return { status: 200, headers: { "content-type": "application/json" }, body };
}
