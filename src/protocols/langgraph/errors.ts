import { randomUUID } from "node:crypto";
import { AdjutantError, type ErrorCode } from "../../core/error.ts";
import { AuthRefusal } from "../../core/ports/auth.ts";
import type { Log } from "../../core/ports/ports.ts";
import { json, type Reply } from "../route.ts";

/** The whole table: what a code of ours is in HTTP (specification 0A.2; the platform's, not the dev server's). */
const statuses: Record<ErrorCode, number> = {
  malformed: 400,
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  thread_busy: 409,
  too_large: 413,
  unavailable: 503,
};

/**
 * What we did not foresee is logged whole under an id, and told without any of its insides. JavaScript
 * clients repeat a request that got 5xx, so nothing may answer so after it had an effect.
 */
export function presentError(
  log: Log,
  thrown: unknown,
  request: { method: string; path: string },
): Reply {
  if (thrown instanceof AuthRefusal) return sentence(thrown.status, thrown.message, thrown.headers);
  if (thrown instanceof AdjutantError) {
    const status = statuses[thrown.code];
    // The rest of a body that is too large would be read as the next request.
    const headers: Record<string, string> = status === 413 ? { connection: "close" } : {};
    if (status === 401) headers["www-authenticate"] = "Bearer";
    return sentence(status, thrown.message, headers);
  }
  const requestId = randomUUID();
  log.error({ requestId, ...request, error: thrown }, "a request failed for an unforeseen reason");
  const message = `Internal server error. The server's log tells more under request id ${requestId}.`;
  return sentence(500, message, { "x-request-id": requestId });
}

export function presentWrongMethod(
  request: { method: string; path: string },
  allow: string[],
): Reply {
  const methods = allow.join(", ");
  const message = `${request.method} is not allowed on ${request.path}. Use ${methods}.`;
  return sentence(405, message, { allow: methods });
}

/** Python clients read `message` first, then `detail`; the platform sends `detail`. */
function sentence(status: number, message: string, headers: Record<string, string> = {}): Reply {
  return json({ detail: message, message }, headers, status);
}
