import { z } from "zod";
import type { GraphSchemas } from "../core/ports/graphs.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import type { TypeReader, TypeSchemas } from "./annotation/extract.ts";
import type { CompiledGraph, WorkingGraph } from "./load.ts";
import type { Peers } from "./peers.ts";

type StatePart = "input" | "output" | "state";

const messagesReducers = ["messagesStateReducer", "messagesDeltaReducer"] as const;

/**
 * JSON Schemas of loaded graphs (specification 3.8): from the running graph where it carries them,
 * which takes milliseconds, else from its types through `TypeReader`. Remembered for each load.
 */
export class SchemaReader {
  #types: TypeReader;
  #read = new WeakMap<WorkingGraph, Promise<GraphSchemas>>();

  constructor(types: TypeReader) {
    this.#types = types;
  }

  /** Never throws; what cannot be known is an open object. `graph` is what `loaded` made. */
  schemasOf(loaded: WorkingGraph, graph: CompiledGraph): Promise<GraphSchemas> {
    let reading = this.#read.get(loaded);
    if (!reading) {
      reading = this.#readAll(loaded, graph);
      this.#read.set(loaded, reading);
    }
    return reading;
  }

  async #readAll(loaded: WorkingGraph, graph: CompiledGraph): Promise<GraphSchemas> {
    const known = carriedSchemas(graph, loaded.peers);
    const isComplete = known.input && known.output && known.state;
    const types = isComplete ? null : await this.#types.read(loaded);
    const open = openSchema(graph, loaded.peers);
    const context = known.context ?? contextFromTypes(types);
    return {
      input: known.input ?? fromTypes(types, "input", open),
      output: known.output ?? fromTypes(types, "output", open),
      state: known.state ?? fromTypes(types, "state", open),
      config: context,
      context,
    };
  }
}

/** What a graph tells without its types; for subgraphs, which have no export to read types of. */
export function schemasWithoutTypes(graph: CompiledGraph, peers: Peers): GraphSchemas {
  const open = openSchema(graph, peers);
  const { input, output, state, context } = carriedSchemas(graph, peers);
  return {
    input: input ?? open,
    output: output ?? open,
    state: state ?? open,
    config: context,
    context,
  };
}

const contextSchemas = new WeakMap<CompiledGraph, JsonObject | null>();

/**
 * What a context must be before the graph fills in defaults; null when the graph carries no schema.
 * Without types, hence quick enough for every run, and the same object for the same graph.
 */
export function contextSchemaOf(graph: CompiledGraph, peers: Peers): JsonObject | null {
  let schema = contextSchemas.get(graph);
  if (schema === undefined) {
    const declared = declaredIn(graph).context;
    schema = declared
      ? convert(declared, "input", () => peers.schemaHelpers.getConfigTypeSchema(graph))
      : null;
    contextSchemas.set(graph, schema);
  }
  return schema;
}

function carriedSchemas(
  graph: CompiledGraph,
  peers: Peers,
): Record<StatePart | "context", JsonObject | null> {
  const { getInputTypeSchema, getOutputTypeSchema, getStateTypeSchema } = peers.schemaHelpers;
  return {
    input: carried(graph, "input", getInputTypeSchema),
    output: carried(graph, "output", getOutputTypeSchema),
    state: carried(graph, "state", getStateTypeSchema),
    context: contextSchemaOf(graph, peers),
  };
}

function carried(
  graph: CompiledGraph,
  part: StatePart,
  helper: (graph: unknown) => unknown,
): JsonObject | null {
  try {
    const schema = helper(graph);
    return isObject(schema) ? tidy(schema) : null;
  } catch {
    return fieldByField(graph, part); // the helpers throw on types JSON Schema lacks, such as dates
  }
}

function fieldByField(graph: CompiledGraph, part: StatePart): JsonObject | null {
  const declarations = declaredIn(graph);
  // A symbol stands for "the state, each field optional".
  const declared = typeof declarations[part] === "object" ? declarations[part] : declarations.state;
  const { shape } = declared as { shape?: Record<string, unknown> };
  if (!shape) return null;
  const properties = Object.entries(shape).map(([key, field]) => {
    const extra = declarations.registry?.get(field)?.jsonSchemaExtra;
    const { $schema: _, ...schema } =
      convert(field, part === "input" ? "input" : "output", () => null) ?? {};
    return [key, { ...schema, ...extra }];
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: Object.fromEntries(properties) as JsonObject,
  };
}

/**
 * The schema of a zod 4 or other standard schema, of whichever copy, or what `otherwise` gives; null
 * when it cannot be said. The input side demands no field that has a default, and leaves coerced
 * fields open.
 */
function convert(
  schema: unknown,
  io: "input" | "output",
  otherwise: () => unknown,
): JsonObject | null {
  try {
    if (isZod4(schema)) return convertZod4(schema, io);
    const standard = (schema as { "~standard"?: StandardJsonSchema })["~standard"];
    const json = standard?.jsonSchema?.[io]({ target: "draft-07" }) ?? otherwise();
    return isObject(json) ? tidy(withoutClosing(json)) : null;
  } catch {
    return null;
  }
}

interface StandardJsonSchema {
  jsonSchema?: Record<"input" | "output", (options: { target: string }) => unknown>;
}

function isZod4(schema: unknown): schema is z.ZodType {
  return typeof schema === "object" && schema !== null && "_zod" in schema;
}

function convertZod4(schema: z.ZodType, io: "input" | "output"): JsonObject {
  const json = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const definition = zodSchema["_zod"].def as { type: string; coerce?: boolean };
      if (definition.type === "date") {
        jsonSchema.type = "string";
        jsonSchema.format = "date-time";
      }
      if (io === "input" && definition.coerce) delete jsonSchema.type;
    },
  });
  return JSON.parse(JSON.stringify(json)) as JsonObject;
}

/** The converter of zod 3 closes every object, though zod 3 drops unknown keys instead of refusing. */
function withoutClosing(schema: JsonObject): JsonObject {
  return mapObjects(schema, ({ additionalProperties, ...rest }) =>
    additionalProperties === undefined || additionalProperties === false
      ? rest
      : { ...rest, additionalProperties },
  );
}

/** The library puts `$schema` on fields instead of on the whole. A copy: theirs is shared. */
function tidy(schema: JsonObject): JsonObject {
  const drafts: Json[] = [];
  const inner = mapObjects(schema, (one) => {
    const { $schema, ...rest } = one;
    if (typeof $schema !== "string") return one;
    drafts.push($schema);
    return rest;
  });
  const draft = schema["$schema"] ?? drafts[0];
  return draft === undefined ? inner : { $schema: draft, ...inner };
}

function mapObjects(value: JsonObject, change: (one: JsonObject) => JsonObject): JsonObject {
  const visit = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(visit);
    if (!isObject(one)) return one;
    const entries = Object.entries(change(one)).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(entries.map(([key, inner]) => [key, visit(inner)]));
  };
  return visit(value) as JsonObject;
}

/** A graph without a declared context has the type of any record. */
function contextFromTypes(types: TypeSchemas | null): JsonObject | null {
  return types && "properties" in types.context ? types.context : null;
}

/** A type that says nothing, such as `any`, is no better than nothing. */
function fromTypes(types: TypeSchemas | null, part: StatePart, open: JsonObject): JsonObject {
  const schema = types?.[part] ?? {};
  return Object.keys(schema).some((key) => key !== "$schema") ? schema : open;
}

/** Any object, with the names of the channels and which of them hold messages: a form's minimum. */
function openSchema(graph: CompiledGraph, peers: Peers): JsonObject {
  const properties: JsonObject = {};
  for (const [name, channel] of Object.entries(graph.channels)) {
    if (name.startsWith("__") || name.includes(":")) continue; // the library's own
    properties[name] = holdsMessages(channel, peers) ? { langgraph_type: "messages" } : {};
  }
  return { type: "object", properties, additionalProperties: true };
}

function holdsMessages(channel: unknown, peers: Peers): boolean {
  const { operator, reducer } = channel as { operator?: unknown; reducer?: unknown };
  return messagesReducers.some((name) => {
    const known: unknown = (peers.langgraph as Record<string, unknown>)[name];
    return known !== undefined && (operator === known || reducer === known);
  });
}

/** What a StateGraph was declared with, which the library keeps in fields it calls internal. */
function declaredIn(graph: CompiledGraph): {
  input: unknown;
  output: unknown;
  state: unknown;
  context: unknown;
  registry: { get(schema: unknown): { jsonSchemaExtra?: JsonObject } | undefined } | undefined;
} {
  const builder = (graph.builder ?? {}) as Record<string, unknown>;
  return {
    input: builder["_inputRuntimeDefinition"],
    output: builder["_outputRuntimeDefinition"],
    state: builder["_schemaRuntimeDefinition"],
    context: builder["_configRuntimeSchema"],
    registry: builder["_metaRegistry"] as ReturnType<typeof declaredIn>["registry"],
  };
}
