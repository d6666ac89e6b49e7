import { z } from "zod";
import {
  config,
  ifExists,
  jsonObject,
  limit,
  offset,
  sortOrder,
  timestamp,
  uuid,
  version,
} from "./common.ts";

const description = z.string().nullable();

const content = {
  assistant_id: z.string(),
  graph_id: z.string(),
  name: z.string(),
  description,
  config,
  context: jsonObject,
  metadata: jsonObject,
  version,
  created_at: timestamp,
};

export const assistantVersion = z.object(content).meta({ id: "AssistantVersion" });
export const assistant = z
  .object({ ...content, updated_at: timestamp })
  .meta({ id: "Assistant", description: "A versioned configuration over a graph" });

export const createBody = z
  .object({
    graph_id: z.string().min(1),
    assistant_id: uuid.nullish(),
    name: z.string().nullish(),
    description: description.optional(),
    config: config.nullish(),
    context: jsonObject.nullish(),
    metadata: jsonObject.nullish(),
    if_exists: ifExists,
  })
  .meta({ id: "AssistantCreate" });

export const patchBody = z
  .object({
    graph_id: z.string().min(1).nullish(),
    name: z.string().nullish(),
    description: description.optional(),
    config: config.nullish(),
    context: jsonObject.nullish(),
    metadata: jsonObject.nullish(),
  })
  .meta({ id: "AssistantPatch" });

const filter = {
  metadata: jsonObject.nullish(),
  graph_id: z.string().nullish(),
  name: z.string().nullish(),
};

export const searchBody = z
  .object({
    ...filter,
    limit,
    offset,
    sort_by: z
      .enum(["assistant_id", "graph_id", "created_at", "updated_at", "name"])
      .default("created_at"),
    sort_order: sortOrder,
    select: z.array(assistant.keyof()).nullish(),
  })
  .meta({ id: "AssistantSearch" });

export const countBody = z.object(filter).meta({ id: "AssistantCount" });

export const versionsBody = z
  .object({ metadata: jsonObject.nullish(), limit, offset })
  .meta({ id: "AssistantVersionsSearch" });

/** The official document has the version in the query, all clients send it in the body. */
export const latestBody = z.object({ version: version.nullish() }).meta({ id: "AssistantLatest" });

export const schemas = z
  .object({
    input_schema: jsonObject.nullable(),
    output_schema: jsonObject.nullable(),
    state_schema: jsonObject.nullable(),
    config_schema: jsonObject.nullable(),
    context_schema: jsonObject.nullable(),
  })
  .meta({ id: "Schemas", description: "JSON Schemas; null where the graph carries none" });

export const graphSchemas = schemas.extend({ graph_id: z.string() }).meta({ id: "GraphSchemas" });

export const drawing = z
  .object({ nodes: z.array(jsonObject), edges: z.array(jsonObject) })
  .meta({ id: "Graph" });
