import { z } from "zod";
import { invalid } from "../../core/error.ts";
import type { JsonObject } from "../../core/json.ts";
import { getAssistant } from "../../core/operations/assistants.ts";
import {
  errorReply,
  errorText,
  invalidRequest,
  isJson,
  presentError,
  rpcAnswer,
  RpcError,
  rpcMessage,
  type RpcMessage,
} from "../json-rpc.ts";
import { text } from "../query.ts";
import { json, route, type Headers, type Reply, type Route, type RouteRequest } from "../route.ts";
import { eventFrame, eventStreamHeaders } from "../sse.ts";
import { agentCard } from "./card.ts";
import { inRpcWords } from "./errors.ts";
import { findMethod } from "./methods.ts";

const tag = "A2A";
const params = z.object({ assistant_id: z.string() });
type Request = RouteRequest<z.infer<typeof params>, {}, RpcMessage>;

const failed = { description: "An error of JSON-RPC that says why", schema: rpcAnswer };
const answers = {
  200: {
    description: "The result, or an error of the method; an event stream when the method streams",
    schema: rpcAnswer,
    alternatives: { "text/event-stream": z.string() },
  },
  400: failed,
  401: failed,
  403: failed,
  404: failed,
  413: failed,
  500: failed,
  503: failed,
};

const cardAnswers = {
  200: {
    description: "The card",
    schema: z.looseObject({ name: z.string(), description: z.string() }).meta({ id: "AgentCard" }),
  },
  ...Object.fromEntries(
    [400, 401, 403, 404, 500].map((status) => [
      status,
      {
        description: "What went wrong",
        schema: z.object({ detail: z.string(), message: z.string() }),
      },
    ]),
  ),
};

/** @param mountPrefix the path below which everything is */
export function a2aRoutes(mountPrefix: string): Route[] {
  const addressOf = (request: { url: string; headers: Headers }, assistant: string) =>
    `${originOf(request)}${mountPrefix}/a2a/${encodeURIComponent(assistant)}`;
  return [
    route({
      method: "POST",
      path: "/a2a/{assistant_id}",
      tag,
      summary: "Agent2Agent: speak to an assistant, and ask for its tasks",
      action: "threads:create_run",
      headers: { Accept: "application/json; for methods that stream text/event-stream." },
      params,
      body: rpcMessage,
      // Each method asks for what it is about, once it has been read.
      events: () => [],
      answers,
      handle: (request) => answer(request, addressOf(request, request.params.assistant_id)),
    }),
    route({
      method: "GET",
      path: "/.well-known/agent-card.json",
      tag,
      summary: "An assistant's agent card",
      action: "assistants:read",
      query: { assistant_id: text(z.string()) },
      answers: cardAnswers,
      handle: async (request) => {
        const { ports, query } = request;
        const assistant = await getAssistant(ports, query.assistant_id);
        return json(agentCard(assistant, addressOf(request, query.assistant_id)));
      },
    }),
    route({
      method: "GET",
      path: "/a2a/{assistant_id}/.well-known/agent-card.json",
      tag,
      summary: "The same, where its clients look below the assistant's address",
      action: "assistants:read",
      params,
      answers: cardAnswers,
      handle: async (request) => {
        const { ports, params: named } = request;
        const assistant = await getAssistant(ports, named.assistant_id);
        return json(agentCard(assistant, addressOf(request, named.assistant_id)));
      },
    }),
  ];
}

async function answer(request: Request, url: string): Promise<Reply> {
  const { ports, body, headers } = request;
  if (!isJson(headers["content-type"])) {
    return errorReply(400, invalidRequest, "The content type must be application/json.");
  }
  const { id = null, method: name } = body;
  if (name === undefined) {
    throw invalid("Invalid request body: `method` is required, expected a string.");
  }
  const assistant = await getAssistant(ports, request.params.assistant_id);
  let streams = false;
  try {
    const method = findMethod(name);
    const refusal = refuse(headers, method.streams);
    if (refusal) return refusal;
    streams = method.streams;
    const called = { ...request, id, url, family: method.family, params: paramsOf(body) };
    return await method.handle(called, assistant);
  } catch (thrown) {
    const told = inRpcWords(thrown);
    // Clients that ask for a stream read errors from one.
    if (streams && told instanceof RpcError) {
      const frame = eventFrame("message", errorText(id, told));
      return { status: 200, headers: eventStreamHeaders, body: frame };
    }
    return presentError(ports.log, told, { method: "POST", path: "/a2a" }, id);
  }
}

function paramsOf({ params: given }: RpcMessage): JsonObject {
  return (given ?? {}) as JsonObject;
}

/** An answer when what would come is not what the client takes. */
function refuse(headers: Headers, streams: boolean): Reply | null {
  const accepted = headers["accept"];
  const type = streams ? "text/event-stream" : "application/json";
  if (accepted === undefined || /\*\/\*/.test(String(accepted))) return null;
  if (String(accepted).toLowerCase().includes(type)) return null;
  return errorReply(400, invalidRequest, `The Accept header must name ${type}.`);
}

/** As the client wrote it, also where a proxy takes the request on. */
function originOf({ url, headers }: { url: string; headers: Headers }): string {
  const { protocol, host } = new URL(url);
  const given = (name: string) =>
    String(headers[name] ?? "")
      .split(",")[0]!
      .trim();
  const scheme = /^https?$/.exec(given("x-forwarded-proto"))?.[0] ?? protocol.slice(0, -1);
  const name = /^[\w.:[\]-]+$/.exec(given("x-forwarded-host"))?.[0] ?? host;
  return `${scheme}://${name}`;
}
