import { isObject, type JsonObject } from "../core/json.ts";
import type { CreateRun } from "../core/operations/runs.ts";
import type { RouteEvent } from "./route.ts";

/**
 * What authorization handlers are asked about a run that a dialect is about to create, in the words of
 * the official server (specification 3.9). What they write goes into the command.
 */
export function runCreationEvent(command: CreateRun): RouteEvent {
  const kwargs: JsonObject = { input: command.input };
  if (command.command) kwargs["command"] = command.command as JsonObject;
  const value: JsonObject = {
    thread_id: command.threadId,
    assistant_id: command.assistant,
    run_id: null,
    status: "pending",
    metadata: command.metadata ?? {},
    multitask_strategy: command.strategy,
    prevent_insert_if_inflight: command.strategy === "reject",
    if_not_exists: command.ifNotExists,
    after_seconds: 0,
    kwargs,
  };
  const apply = (changed: JsonObject) => {
    command.metadata = isObject(changed["metadata"]) ? changed["metadata"] : null;
    const given = changed["kwargs"];
    if (!isObject(given)) return;
    if ("input" in given) command.input = given["input"]!;
    if (isObject(given["config"])) command.config = given["config"];
    if (isObject(given["context"])) command.context = given["context"];
  };
  return { action: "threads:create_run", value, apply };
}
