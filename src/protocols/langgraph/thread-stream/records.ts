import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/** Records of a run's log in the words of protocol v2 (specification 6.5). */

export interface CheckpointRecord {
  id: string;
  parent_id?: string;
  step: number;
  source: string;
}

export function readCheckpoint(data: string): CheckpointRecord | null {
  const payload = JSON.parse(data) as JsonObject;
  const id = idIn(payload["config"]);
  if (id === null) return null;
  const parent = idIn(payload["parentConfig"]);
  const metadata = isObject(payload["metadata"]) ? payload["metadata"] : {};
  return {
    id,
    ...(parent !== null && { parent_id: parent }),
    step: Number(metadata["step"] ?? 0),
    source: String(metadata["source"] ?? "loop"),
  };
}

function idIn(config: Json | undefined): string | null {
  const configurable = isObject(config) ? config["configurable"] : null;
  const id = isObject(configurable) ? configurable["checkpoint_id"] : null;
  return typeof id === "string" ? id : null;
}

/** What a node writes as `{name, payload}` is a custom stream of that name. */
export function readCustom(data: string): { name?: string; data: string } {
  const written = data.startsWith('{"') ? (JSON.parse(data) as JsonObject) : null;
  if (written && typeof written["name"] === "string" && Object.keys(written).length === 2) {
    if ("payload" in written) return { name: written["name"], data };
  }
  return { data: `{"payload":${data}}` };
}

/** Null for what the protocol has no word for. */
export function readTool(data: string): JsonObject | null {
  const record = JSON.parse(data) as JsonObject;
  const { event, name } = record;
  const call = { tool_call_id: record["toolCallId"] ?? name ?? null };
  switch (event) {
    case "on_tool_start":
      return {
        event: "tool-started",
        ...call,
        tool_name: name ?? null,
        input: record["input"] ?? null,
      };
    case "on_tool_event":
      return { event: "tool-output-delta", ...call, delta: textOf(record["data"]) };
    case "on_tool_end":
      return { event: "tool-finished", ...call, output: record["output"] ?? null };
    case "on_tool_error":
      return { event: "tool-error", ...call, message: messageOf(record["error"]) };
    default:
      return null;
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function messageOf(error: Json | undefined): string {
  return isObject(error) && typeof error["message"] === "string" ? error["message"] : textOf(error);
}
