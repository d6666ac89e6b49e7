import { isObject, type JsonObject } from "../../core/json.ts";
import type { RouteEvent, RouteRequest } from "../route.ts";

/**
 * What the official server shows authorization handlers where that is not simply path, query and body
 * (specification 3.9), and where goes what they write.
 */

type Request = RouteRequest<unknown, unknown, unknown>;

const ownFields = new Set([
  "assistant_id",
  "metadata",
  "multitask_strategy",
  "if_not_exists",
  "after_seconds",
]);

/** One event a run; `kwargs` is what the graph will be given. */
export function createRunEvents(request: Request): RouteEvent[] {
  const { thread_id = null } = (request.params ?? {}) as { thread_id?: string };
  return [request.body].flat().map((one) => {
    const body = one as JsonObject;
    const kwargs = Object.fromEntries(Object.entries(body).filter(([key]) => !ownFields.has(key)));
    const strategy = body["multitask_strategy"] ?? "enqueue";
    const value: JsonObject = {
      thread_id,
      assistant_id: body["assistant_id"] ?? null,
      run_id: body["run_id"] ?? null,
      status: "pending",
      metadata: body["metadata"] ?? {},
      multitask_strategy: strategy,
      prevent_insert_if_inflight: strategy === "reject",
      if_not_exists: body["if_not_exists"] ?? (thread_id === null ? "create" : "reject"),
      after_seconds: body["after_seconds"] ?? 0,
      kwargs,
    };
    const apply = (changed: JsonObject) => {
      body["metadata"] = changed["metadata"] ?? null;
      if (isObject(changed["kwargs"])) Object.assign(body, changed["kwargs"]);
    };
    return { action: "threads:create_run", value, apply };
  });
}

/** A copy reads one thread and creates another. */
export function copyThreadEvents({ params }: Request): RouteEvent[] {
  const { thread_id } = params as { thread_id: string };
  return [
    { action: "threads:read", value: { thread_id } },
    { action: "threads:create", value: { metadata: {} } },
  ];
}

/** In the words of the store: handlers may move a request into a namespace of the user's own. */
export function itemEvents(
  action: Extract<RouteEvent["action"], `store:${string}`>,
  namespaceField: "namespace" | "namespace_prefix" | "prefix" = "namespace",
): (request: Request) => RouteEvent[] {
  return ({ query, body }) => {
    const from = (body ?? query) as JsonObject;
    const { [namespaceField]: given, ...rest } = from;
    const labels = (given ?? []) as string[];
    // In a query they come joined with dots.
    const namespace = body ? labels : labels.flatMap((label) => label.split("."));
    const apply = ({ namespace: moved, ...changed }: JsonObject) => {
      for (const key of Object.keys(changed)) if (key in from) from[key] = changed[key]!;
      if (moved !== undefined) from[namespaceField] = moved;
    };
    return [{ action, value: { namespace, ...rest }, apply }];
  };
}
