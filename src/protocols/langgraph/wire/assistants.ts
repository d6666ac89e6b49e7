import type { z } from "zod";
import type {
  Assistant,
  AssistantChange,
  AssistantFilter,
  AssistantVersion,
} from "../../../core/assistant.ts";
import type { AssistantId } from "../../../core/ids.ts";
import type { CreateAssistant } from "../../../core/operations/assistants.ts";
import type { GraphSchemas } from "../../../core/ports/graphs.ts";
import type * as schemas from "../schemas/assistants.ts";
import { readConfig, timestampOf } from "./common.ts";

export function presentVersion(
  version: AssistantVersion,
): z.infer<typeof schemas.assistantVersion> {
  return {
    assistant_id: version.assistantId,
    graph_id: version.graphId,
    name: version.name,
    description: version.description,
    config: version.config,
    context: version.context,
    metadata: version.metadata,
    version: version.version,
    created_at: timestampOf(version.createdAt),
  };
}

export function presentAssistant(assistant: Assistant): z.infer<typeof schemas.assistant> {
  return { ...presentVersion(assistant), updated_at: timestampOf(assistant.updatedAt) };
}

export function presentSchemas(graph: GraphSchemas): z.infer<typeof schemas.schemas> {
  return {
    input_schema: graph.input,
    output_schema: graph.output,
    state_schema: graph.state,
    config_schema: graph.config,
    context_schema: graph.context,
  };
}

export function readCreateAssistant(body: z.infer<typeof schemas.createBody>): CreateAssistant {
  return {
    assistantId: (body.assistant_id ?? undefined) as AssistantId | undefined,
    graphId: body.graph_id,
    name: body.name ?? undefined,
    description: body.description,
    config: readConfig(body.config),
    context: body.context ?? undefined,
    metadata: body.metadata ?? undefined,
    ifExists: body.if_exists,
  };
}

/** Null is as good as absent, but for the description: null takes it away. */
export function readAssistantChange(body: z.infer<typeof schemas.patchBody>): AssistantChange {
  const change: AssistantChange = {};
  const config = readConfig(body.config);
  if (body.graph_id) change.graphId = body.graph_id;
  if (typeof body.name === "string") change.name = body.name;
  if (body.description !== undefined) change.description = body.description;
  if (config) change.config = config;
  if (body.context) change.context = body.context;
  if (body.metadata) change.metadata = body.metadata;
  return change;
}

export function readAssistantFilter(body: z.infer<typeof schemas.countBody>): AssistantFilter {
  return {
    graphId: body.graph_id ?? undefined,
    name: body.name ?? undefined,
    metadata: body.metadata ?? undefined,
  };
}
