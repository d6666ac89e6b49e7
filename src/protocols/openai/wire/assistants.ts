import type { Assistant, AssistantContent } from "../../../core/assistant.ts";
import type { JsonObject } from "../../../core/json.ts";
import { ownKey } from "../../../core/turn.ts";
import { encodeId } from "../ids.ts";
import type { CreateAssistantBody, UpdateAssistantBody } from "../schemas.ts";
import { presentMetadata, seconds } from "./common.ts";

/** What our name is for an assistant that was given none. */
export const namelessName = "Untitled";

const contextFields = [
  "model",
  "instructions",
  "tools",
  "tool_resources",
  "temperature",
  "top_p",
  "response_format",
  "reasoning_effort",
] as const;

/** The fields of a body that are the assistant's context; what is absent stays absent. */
export function contextOf(body: CreateAssistantBody | UpdateAssistantBody): JsonObject {
  const given = contextFields.filter((field) => body[field] !== undefined);
  return Object.fromEntries(given.map((field) => [field, body[field]])) as JsonObject;
}

export function changedContent(
  content: AssistantContent,
  body: UpdateAssistantBody,
): AssistantContent {
  return {
    ...content,
    ...(body.name !== undefined && { name: body.name ?? namelessName }),
    ...(body.description !== undefined && { description: body.description }),
    context: { ...content.context, ...contextOf(body) },
    ...(body.metadata !== undefined && {
      metadata: {
        ...(content.metadata[ownKey] !== undefined && { [ownKey]: content.metadata[ownKey] }),
        ...body.metadata,
      },
    }),
  };
}

export function presentAssistant(assistant: Assistant) {
  const { context, name } = assistant;
  return {
    id: encodeId("asst", assistant.assistantId),
    object: "assistant" as const,
    created_at: seconds(assistant.createdAt),
    name: name === namelessName ? null : name,
    description: assistant.description,
    ...presentSettings(context),
    tool_resources: context["tool_resources"] ?? {},
    metadata: presentMetadata(assistant.metadata),
  };
}

/** The part that assistants and runs have in common, with the defaults that are echoed. */
export function presentSettings(context: JsonObject) {
  return {
    model: context["model"] ?? "gpt-4.1-mini",
    instructions: context["instructions"] ?? null,
    tools: presentTools(context["tools"] ?? []),
    temperature: context["temperature"] ?? 1.0,
    top_p: context["top_p"] ?? 1.0,
    response_format: context["response_format"] ?? "auto",
    reasoning_effort: context["reasoning_effort"] ?? null,
  };
}

function presentTools(tools: unknown): unknown[] {
  if (!Array.isArray(tools)) return [];
  return tools.map((tool: JsonObject) => {
    if (tool["type"] !== "function") return tool;
    return { type: "function", function: { strict: false, ...(tool["function"] as JsonObject) } };
  });
}
