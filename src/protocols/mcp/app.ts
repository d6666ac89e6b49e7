import type { Ports } from "../../core/ports/ports.ts";
import { defaultHttpOptions, type HttpOptions } from "../http-options.ts";
import { presentError } from "../json-rpc.ts";
import { Metrics } from "../metrics.ts";
import { createServer, type Dialect } from "../server.ts";
import { mcpRoutes, presentWrongMethod, type McpSettings } from "./routes.ts";

export interface McpOptions extends McpSettings {
  http?: HttpOptions;
  metrics?: Metrics;
}

/** All paths of this dialect. */
export const mcpPaths = ["/mcp", "/mcp/"];

/**
 * The Model Context Protocol as streamable HTTP without sessions (specification 1.7): every assistant is
 * a tool, and a call of it a run on a thread of its own.
 */
export function createMcpApp(ports: Ports, options: McpOptions) {
  return createServer({
    ports,
    metrics: options.metrics ?? new Metrics(ports.storage.runs),
    http: options.http ?? defaultHttpOptions,
    dialect: mcpDialect(ports, options),
  });
}

/** Its routes and its form of an error. */
export function mcpDialect(ports: Ports, settings: McpSettings): Dialect {
  return {
    routes: mcpRoutes(settings),
    presentError: (thrown, request) => presentError(ports.log, thrown, request),
    presentWrongMethod,
  };
}
