import { randomUUID } from "node:crypto";
import { z } from "zod";
import { AdjutantError, type ErrorCode } from "../core/error.ts";
import { AuthRefusal } from "../core/ports/auth.ts";
import type { Log } from "../core/ports/ports.ts";
import { json, type Reply } from "./route.ts";

/** JSON-RPC 2.0 over HTTP, which MCP and A2A share. */

const parseError = -32700;
export const invalidRequest = -32600;
export const methodNotFound = -32601;
export const invalidParams = -32602;
export const internalError = -32603;
/** For what the HTTP status says already. */
const refused = -32000;

export type RpcId = string | number | null;

const oneMessage =
  "expected one JSON-RPC message, an object with `jsonrpc`, `method` and `params`; batches are not supported";

/** A request; a notification, which has no id; or a client's answer, which has no method. */
export const rpcMessage = z
  .looseObject(
    {
      jsonrpc: z.literal("2.0"),
      id: z.union([z.string(), z.number(), z.null()]).optional(),
      method: z.string().optional(),
      params: z.record(z.string(), z.unknown()).optional(),
    },
    { error: (issue) => (issue.code === "invalid_type" ? oneMessage : undefined) },
  )
  .meta({ id: "JsonRpcMessage" });

export type RpcMessage = z.infer<typeof rpcMessage>;

/** An answer that is an error; `data` is for programs. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "RpcError";
    this.code = code;
    this.data = data;
  }
}

export const rpcAnswer = z
  .looseObject({
    jsonrpc: z.literal("2.0"),
    id: z.union([z.string(), z.number(), z.null()]),
    result: z.unknown().optional(),
    error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
  })
  .meta({ id: "JsonRpcAnswer" });

export function resultText(id: RpcId, result: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

export function errorText(id: RpcId, { code, message, data }: RpcError): string {
  const error = { code, message, ...(data !== undefined && { data }) };
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}

export function errorReply(
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
  id: RpcId = null,
): Reply {
  return json({ jsonrpc: "2.0", id, error: { code, message } }, headers, status);
}

/** What a code of ours is before there is a request with an id to answer. */
const table: Record<ErrorCode, [status: number, code: number]> = {
  malformed: [400, parseError],
  invalid: [400, invalidRequest],
  unauthenticated: [401, refused],
  forbidden: [403, refused],
  not_found: [404, refused],
  conflict: [400, refused],
  thread_busy: [400, refused],
  too_large: [413, refused],
  unavailable: [503, refused],
};

/** What was thrown as an answer to the request `id`; what was not foreseen is logged and told without its insides. */
export function presentError(
  log: Log,
  thrown: unknown,
  request: { method: string; path: string },
  id: RpcId = null,
): Reply {
  if (thrown instanceof AuthRefusal) {
    return errorReply(thrown.status, refused, thrown.message, thrown.headers, id);
  }
  if (thrown instanceof AdjutantError) {
    const [status, code] = table[thrown.code];
    const headers: Record<string, string> = {};
    // The rest of a body that is too large would be read as the next request.
    if (status === 413) headers["connection"] = "close";
    if (status === 401) headers["www-authenticate"] = "Bearer";
    return errorReply(status, code, thrown.message, headers, id);
  }
  if (thrown instanceof RpcError) return json(JSON.parse(errorText(id, thrown)));
  const { requestId, message } = logged(log, thrown, request);
  return errorReply(500, internalError, message, { "x-request-id": requestId }, id);
}

/** For an answer whose headers have left. */
export function logged(log: Log, thrown: unknown, request: object) {
  const requestId = randomUUID();
  log.error({ requestId, ...request, error: thrown }, "a request failed for an unforeseen reason");
  const message = `Internal server error. The server's log tells more under request id ${requestId}.`;
  return { requestId, message };
}

/** Absent is JSON: some clients say nothing. */
export function isJson(contentType: string | string[] | undefined): boolean {
  if (contentType === undefined) return true;
  return /^application\/(?:[\w.-]+\+)?json$/i.test(String(contentType).split(";")[0]!.trim());
}
