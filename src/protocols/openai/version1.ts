import { isObject, type JsonObject } from "../../core/json.ts";
import type { Headers } from "../route.ts";

/**
 * Requests of the first version, whose words many programs and tutorials still have (specification
 * 5.1): `retrieval` is file search, `file_ids` of an assistant are files of its tools, `file_ids` of a
 * message are attachments, those of a run were never read. Answers to such a request have `file_ids`, too.
 */

export function upgradeAssistant(body: unknown): unknown {
  if (!isObject(body)) return body;
  const { file_ids: fileIds, ...rest } = body;
  const tools = Array.isArray(rest["tools"]) ? rest["tools"].map(upgradeTool) : rest["tools"];
  const upgraded: JsonObject = { ...rest, ...(tools !== undefined && { tools }) };
  if (!Array.isArray(fileIds)) return upgraded;
  if (fileIds.length === 0) return upgraded;
  const list = Array.isArray(tools) ? tools : [];
  const types = new Set(list.map((tool) => isObject(tool) && tool["type"]));
  const resources: JsonObject = isObject(rest["tool_resources"]) ? rest["tool_resources"] : {};
  return {
    ...upgraded,
    tool_resources: {
      ...(types.has("file_search") && {
        file_search: { vector_stores: [{ file_ids: fileIds }] },
      }),
      ...((types.has("code_interpreter") || !types.has("file_search")) && {
        code_interpreter: { file_ids: fileIds },
      }),
      ...resources,
    },
  };
}

export function upgradeMessage(body: unknown): unknown {
  if (!isObject(body)) return body;
  const { file_ids: fileIds, ...rest } = body;
  if (!Array.isArray(fileIds) || fileIds.length === 0) return rest;
  const tools = [{ type: "code_interpreter" }, { type: "file_search" }];
  return {
    ...rest,
    attachments: rest["attachments"] ?? fileIds.map((file_id) => ({ file_id, tools })),
  };
}

export function upgradeThread(body: unknown): unknown {
  if (!isObject(body) || !Array.isArray(body["messages"])) return body;
  return { ...body, messages: body["messages"].map(upgradeMessage) };
}

export function upgradeRun(body: unknown): unknown {
  if (!isObject(body)) return body;
  const { file_ids: _, ...run } = body;
  const more = run["additional_messages"];
  return {
    ...run,
    ...(Array.isArray(run["tools"]) && { tools: run["tools"].map(upgradeTool) }),
    ...(Array.isArray(more) && { additional_messages: more.map(upgradeMessage) }),
    ...(run["thread"] !== undefined && { thread: upgradeThread(run["thread"]) }),
  } as JsonObject;
}

/** Whoever speaks the first version says so in a header, or shows it by its words. */
export function speaksVersion1(headers: Headers, body: unknown): boolean {
  if (String(headers["openai-beta"] ?? "").includes("assistants=v1")) return true;
  if (!isObject(body)) return false;
  const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
  return "file_ids" in body || tools.some((tool) => isObject(tool) && tool["type"] === "retrieval");
}

/** What we answer, with the `file_ids` that such a client reads. */
export function withFileIds(value: unknown): unknown {
  if (!isObject(value)) return value;
  switch (value["object"]) {
    case "list":
      return { ...value, data: (value["data"] as unknown[]).map(withFileIds) };
    case "assistant":
      return { ...value, file_ids: assistantFiles(value["tool_resources"]) };
    case "thread.message":
      return { ...value, file_ids: idsIn(value["attachments"]) };
    case "thread.run":
      return { ...value, file_ids: [] };
    default:
      return value;
  }
}

function assistantFiles(resources: unknown): unknown[] {
  if (!isObject(resources)) return [];
  const { code_interpreter: code, file_search: search } = resources;
  const stores =
    isObject(search) && Array.isArray(search["vector_stores"]) ? search["vector_stores"] : [];
  const all = [code, ...stores].flatMap((one) =>
    isObject(one) && Array.isArray(one["file_ids"]) ? one["file_ids"] : [],
  );
  return [...new Set(all)];
}

function idsIn(attachments: unknown): unknown[] {
  const list = Array.isArray(attachments) ? attachments : [];
  return list.flatMap((one) => (isObject(one) && one["file_id"] ? [one["file_id"]] : []));
}

function upgradeTool<Tool>(tool: Tool): Tool | { type: "file_search" } {
  return isObject(tool) && tool["type"] === "retrieval" ? { type: "file_search" } : tool;
}
