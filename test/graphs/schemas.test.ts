import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/core/json.ts";
import { TypeReader } from "../../src/graphs/annotation/extract.ts";
import { checkContext } from "../../src/graphs/context.ts";
import { SchemaReader, contextSchemaOf } from "../../src/graphs/schemas.ts";
import { loadReady, temporaryProject, zoo } from "./project.ts";

const draft2020 = "https://json-schema.org/draft/2020-12/schema";
const draft7 = "http://json-schema.org/draft-07/schema#";
const secondsForTypes = 60_000;

interface Warning {
  fields: Record<string, unknown>;
  message: string;
}

let cacheDirectory: string;
beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "adjutant-types-"));
});
afterAll(() => rm(cacheDirectory, { recursive: true }));

function typeReader(timeLimitMs = secondsForTypes, warnings: Warning[] = []): TypeReader {
  const ignore = () => undefined;
  const log = {
    info: ignore,
    debug: ignore,
    error: ignore,
    warn: (fields: Record<string, unknown>, message: string) => warnings.push({ fields, message }),
  };
  return new TypeReader({ cacheDirectory, timeLimitMs, log });
}

async function schemasOf(graphId: string, directory = zoo, types = typeReader()) {
  const loaded = await loadReady(directory, graphId);
  return new SchemaReader(types).schemasOf(loaded, loaded.graph);
}

function propertiesOf(schema: JsonObject | null): JsonObject {
  return (schema?.["properties"] ?? {}) as JsonObject;
}

describe("a graph that carries its schemas needs no compiler", () => {
  const fields = { text: { type: "string" }, count: { type: "number", default: 0 } };

  test("zod 4 gives draft 2020-12", async () => {
    const schemas = await schemasOf("zod4");
    expect(schemas.state).toMatchObject({ $schema: draft2020, properties: fields });
    expect(schemas.output?.["required"]).toEqual(["text", "count"]);
    expect(schemas.input?.["required"]).toBeUndefined();
  });

  test("the context's schema is that of its input: no default demanded, coerced fields open", async () => {
    const { context, config } = await schemasOf("zod4");
    expect(context).toEqual({
      $schema: draft2020,
      type: "object",
      properties: {
        llm_provider: { type: "string", enum: ["openai", "offline"], default: "offline" },
        temperature: {},
        model_name: { type: "string" },
      },
      required: ["model_name"],
    });
    expect(config).toBe(context);
  });

  test("zod 3 gives draft 7, and its context lets other fields through", async () => {
    const { state, context } = await schemasOf("zod3");
    expect(state).toMatchObject({ $schema: draft7, properties: { text: { type: "string" } } });
    expect(context).toEqual({
      $schema: draft7,
      type: "object",
      properties: { tone: { type: "string", default: "kind" }, name: { type: "string" } },
      required: ["name"],
    });
    expect(() => checkContext(context, { name: "n", other: 1 })).not.toThrow();
  });

  test("types that JSON Schema lacks do not spoil the rest", async () => {
    const { state, input } = await schemasOf("dated");
    const properties = {
      messages: { langgraph_type: "messages" },
      when: { type: "string", format: "date-time" },
    };
    expect(state).toMatchObject({ type: "object", properties });
    expect(input).toMatchObject({ type: "object", properties });
  });

  test("StateSchema keeps what marks a list of messages, and says the draft once", async () => {
    const { state, context } = await schemasOf("stateSchema");
    expect(state).toEqual({
      $schema: draft7,
      type: "object",
      properties: {
        messages: { langgraph_type: "messages", description: "A list of chat messages" },
        question: { type: "string" },
      },
      required: ["question"],
    });
    expect(context).toBeNull();
  });
});

test("the context's schema is one object for one graph, so that its check is compiled once", async () => {
  const { graph, peers } = await loadReady(zoo, "zod4");
  expect(contextSchemaOf(graph, peers)).toBe(contextSchemaOf(graph, peers));
  expect(contextSchemaOf(graph, peers)).not.toBeNull();
});

describe("an Annotation's schemas are read from its types", () => {
  let schemas: Awaited<ReturnType<typeof schemasOf>>;
  beforeAll(async () => {
    schemas = await schemasOf("annotated");
  }, secondsForTypes);

  test("objects, lists, enums, literals, optional fields, records, dates, tuples", () => {
    const { messages: _, ...properties } = propertiesOf(schemas.state);
    expect(properties).toEqual({
      count: { type: "number", description: "How many animals there are." },
      animals: {
        type: "array",
        items: {
          type: "object",
          properties: {
            name: { type: "string" },
            weight: { type: "number", description: "In kilograms." },
          },
          required: ["name"],
        },
      },
      mood: { enum: ["calm", "wild"] },
      size: { enum: [null, "small", "large"] },
      tree: { $ref: "#/$defs/Branch" },
      seen: { type: "string", format: "date-time" },
      tags: { type: "object", additionalProperties: { type: "boolean" } },
      place: {
        type: "array",
        prefixItems: [{ type: "number" }, { type: "number" }],
        minItems: 2,
        maxItems: 2,
      },
    });
    expect(schemas.state?.["required"]).not.toContain("seen");
    expect(schemas.state?.["$schema"]).toBe(draft2020);
  });

  test("a recursive type becomes a definition", () => {
    expect(schemas.state?.["$defs"]).toEqual({
      Branch: {
        type: "object",
        properties: {
          label: { type: "string" },
          children: { type: "array", items: { $ref: "#/$defs/Branch" } },
        },
        required: ["label", "children"],
      },
    });
  });

  test("messages are a list of messages in the state and in what may be given as input", () => {
    for (const schema of [schemas.state, schemas.input, schemas.output]) {
      expect(schema?.["properties"]).toMatchObject({
        messages: { type: "array", langgraph_type: "messages", items: { required: ["content"] } },
      });
    }
  });

  test("nothing of an input is required, and the context's optional fields are not", () => {
    expect(schemas.input?.["required"]).toBeUndefined();
    expect(schemas.context).toMatchObject({
      properties: { keeper: { type: "string" }, shift: { enum: ["day", "night"] } },
      required: ["keeper"],
    });
    expect(schemas.config).toBe(schemas.context);
  });
});

test(
  "types once read are remembered until one of their files changes, also one with types only",
  async () => {
    await using project = await temporaryProject({
      "langgraph.json": '{ "graphs": { "g": "./g.ts:make" } }',
      "types.ts": "export type Value = string;",
      "g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";
import type { Value } from "./types";
const State = Annotation.Root({ value: Annotation<Value> });
export const make = new StateGraph(State).addNode("n", () => ({})).addEdge(START, "n");`,
    });
    const typeOfValue = async (types: TypeReader) => {
      const { state } = await schemasOf("g", project.directory, types);
      return propertiesOf(state)["value"];
    };
    expect(await typeOfValue(typeReader())).toEqual({ type: "string" });
    const withoutTime = 1; // no compiler can answer in a millisecond: what it says, it remembers
    expect(await typeOfValue(typeReader(withoutTime))).toEqual({ type: "string" });
    await project.write({ "types.ts": "export type Value = number;" });
    expect(await typeOfValue(typeReader(withoutTime))).toEqual({});
    expect(await typeOfValue(typeReader())).toEqual({ type: "number" });
    expect((await readdir(cacheDirectory)).every((name) => name.endsWith(".json"))).toBe(true);
  },
  secondsForTypes,
);

test("a reading over its time limit is killed; the schema is then open, and the log says why", async () => {
  await using project = await temporaryProject({
    "langgraph.json": '{ "graphs": { "g": "./g.ts:graph" } }',
    "g.ts": `import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
export const graph = new StateGraph(MessagesAnnotation).addNode("n", () => ({})).addEdge(START, "n");`,
  });
  const warnings: Warning[] = [];
  const { state, input } = await schemasOf("g", project.directory, typeReader(1, warnings));
  expect(state).toEqual({
    type: "object",
    properties: { messages: { langgraph_type: "messages" } },
    additionalProperties: true,
  });
  expect(input).toEqual(state);
  expect(warnings).toEqual([
    {
      fields: {
        graph_id: "g",
        file: join(project.directory, "g.ts"),
        reason: "it took longer than 1 ms",
      },
      message: expect.stringContaining("could not be read from its types"),
    },
  ]);
});

test(
  "an export without the type of a graph has an open schema, and the log says so",
  async () => {
    await using project = await temporaryProject({
      "langgraph.json": '{ "graphs": { "g": "./g.ts:graph" } }',
      "g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";
export const graph: object = new StateGraph(Annotation.Root({ a: Annotation<string> }))
  .addNode("n", () => ({})).addEdge(START, "n").compile();`,
    });
    const warnings: Warning[] = [];
    const types = typeReader(secondsForTypes, warnings);
    const { state } = await schemasOf("g", project.directory, types);
    expect(state).toEqual({ type: "object", properties: { a: {} }, additionalProperties: true });
    expect(warnings[0]?.fields["reason"]).toBe('Error: export "graph" has no type of a graph');
  },
  secondsForTypes,
);

test("disposing kills a reading under way, silently", async () => {
  const warnings: Warning[] = [];
  const types = typeReader(secondsForTypes, warnings);
  const reading = types.read({
    graphId: "g",
    file: join(zoo, "annotated.ts"),
    exportName: "factory",
  });
  await types[Symbol.asyncDispose]();
  expect(await reading).toBeNull();
  expect(warnings).toEqual([]);
});

test(
  "types of what a factory makes are read as well",
  async () => {
    const schemas = await typeReader().read({
      graphId: "g",
      file: join(zoo, "annotated.ts"),
      exportName: "factory",
    });
    expect(schemas?.state["properties"]).toMatchObject({ mood: { enum: ["calm", "wild"] } });
  },
  secondsForTypes,
);
