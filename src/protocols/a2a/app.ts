import type { Ports } from "../../core/ports/ports.ts";
import { defaultHttpOptions, type HttpOptions } from "../http-options.ts";
import { errorReply, invalidRequest, presentError } from "../json-rpc.ts";
import { Metrics } from "../metrics.ts";
import { json, type Reply } from "../route.ts";
import { createServer, type Dialect } from "../server.ts";
import { a2aRoutes } from "./routes.ts";

interface A2aOptions {
  http?: HttpOptions;
  metrics?: Metrics;
}

/** All paths of this dialect, as patterns of Hono. */
export const a2aPaths = ["/a2a/*", "/.well-known/agent-card.json"];

/**
 * The Agent2Agent protocol over JSON-RPC (specification 1.8): an assistant is an agent, a context a
 * thread, a task a turn.
 */
export function createA2aApp(ports: Ports, options: A2aOptions = {}) {
  const { http = defaultHttpOptions, metrics = new Metrics(ports.storage.runs) } = options;
  return createServer({ ports, metrics, http, dialect: a2aDialect(ports, http.mountPrefix) });
}

/** Its routes and its form of an error. */
export function a2aDialect(ports: Ports, mountPrefix = ""): Dialect {
  return {
    routes: a2aRoutes(mountPrefix),
    presentError: (thrown, request) => {
      const reply = presentError(ports.log, thrown, request);
      return request.method === "GET" ? asSentence(reply) : reply;
    },
    presentWrongMethod({ method, path }, allow) {
      const message = `${method} is not allowed on ${path}. Use ${allow.join(", ")}.`;
      return errorReply(405, invalidRequest, message, { allow: allow.join(", ") });
    },
  };
}

/** Cards are no JSON-RPC: their errors have the form of the other plain routes. */
function asSentence({ status, headers, body }: Reply): Reply {
  const { error } = JSON.parse(String(body)) as { error: { message: string } };
  return json({ detail: error.message, message: error.message }, headers, status);
}
