import { z } from "zod";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import { json, route, type Answer, type Route } from "./route.ts";

/** How a caller says who it is, in the words of OpenAPI. */
export interface Security {
  securitySchemes?: JsonObject;
  security?: Json;
  /** Overrides for operations, by path and method. */
  paths?: JsonObject;
}

interface Described {
  title: string;
  version: string;
  description: string;
  mountPrefix: string;
  /** What every route may answer beside what it declares. */
  failures: (one: Route) => Record<number, Answer>;
  /** Null when the server asks nobody. */
  security: Security | null;
}

/** Serves the document of `routes`; it is made at the first request. */
export function openapiRoute(routes: Route[], described: Described): Route {
  let document: JsonObject | undefined;
  return route({
    method: "GET",
    path: "/openapi.json",
    tag: "System",
    summary: "This API as an OpenAPI document",
    action: "member",
    hidden: true,
    answers: {},
    handle: () => json((document ??= describeRoutes(routes, described))),
  });
}

/** OpenAPI 3.1 of all routes that are not hidden, from the schemas that check requests. */
function describeRoutes(routes: Route[], described: Described): JsonObject {
  const { title, version, description, mountPrefix, security } = described;
  const components = new Components();
  const paths: Record<string, JsonObject> = {};
  const shown = routes.filter((one) => !one.hidden);
  for (const one of shown) {
    const operations = (paths[one.path] ??= {});
    operations[one.method.toLowerCase()] = {
      ...describeRoute(one, described.failures(one), components),
      // Whoever wants to know whether the server is up needs no key.
      ...(security && one.action === null && { security: [] }),
      ...overrides(security, one),
    };
  }
  return {
    openapi: "3.1.0",
    info: { title, version, description },
    ...(mountPrefix !== "" && { servers: [{ url: mountPrefix }] }),
    tags: [...new Set(shown.map((one) => one.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.sorted(),
      ...(security?.securitySchemes && { securitySchemes: security.securitySchemes }),
    },
    ...(security?.security !== undefined && { security: security.security }),
  };
}

function overrides(security: Security | null, one: Route): JsonObject {
  const operations = security?.paths?.[one.path];
  const operation = isObject(operations) ? operations[one.method.toLowerCase()] : undefined;
  return isObject(operation) ? operation : {};
}

function describeRoute(
  one: Route,
  failures: Record<number, Answer>,
  components: Components,
): JsonObject {
  const parameters = [
    ...pathParameters(one, components),
    ...queryParameters(one, components),
    ...headerParameters(one),
  ];
  const answers = Object.entries({ ...failures, ...one.answers }).map(([status, answer]) => [
    status,
    describeAnswer(answer, components),
  ]);
  return {
    operationId: operationId(one),
    tags: [one.tag],
    summary: one.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(one.body && {
      requestBody: {
        required: !one.body.safeParse({}).success,
        content: { "application/json": { schema: components.schema(one.body, "input") } },
      },
    }),
    responses: Object.fromEntries(answers) as JsonObject,
  };
}

function describeAnswer(answer: Answer, components: Components): JsonObject {
  const { description, schema, contentType = "application/json", alternatives } = answer;
  const forms = { ...(schema && { [contentType]: schema }), ...alternatives };
  const headers = Object.entries(answer.headers ?? {}).map(([name, tells]) => [
    name,
    { description: tells, schema: { type: "string" } },
  ]);
  const content = Object.entries(forms).map(([form, one]) => [
    form,
    { schema: components.schema(one, "output") },
  ]);
  return {
    description,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers) as JsonObject }),
    ...(content.length > 0 && { content: Object.fromEntries(content) as JsonObject }),
  };
}

function pathParameters(one: Route, components: Components): JsonObject[] {
  if (!one.params) return [];
  const { properties } = components.schema(one.params, "input") as { properties: JsonObject };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "path",
    required: true,
    schema,
  }));
}

function queryParameters(one: Route, components: Components): JsonObject[] {
  return Object.entries(one.query).map(([name, field]) => ({
    name,
    in: "query",
    required: !field.schema.safeParse(undefined).success,
    schema: components.schema(field.schema, "input"),
  }));
}

function headerParameters(one: Route): JsonObject[] {
  return Object.entries(one.headers).map(([name, description]) => ({
    name,
    in: "header",
    required: false,
    description,
    schema: { type: "string" },
  }));
}

function operationId(one: Route): string {
  const words = one.path.split("/").map((part) => part.replaceAll(/[^\w]/g, ""));
  return [one.method.toLowerCase(), ...words.filter((word) => word !== "")].join("_");
}

/** Schemas with an id stand once under `components` and are referred to. */
class Components {
  readonly #schemas = new Map<string, JsonObject>();

  schema(schema: z.ZodType, io: "input" | "output"): JsonObject {
    const {
      $schema: _,
      $defs,
      ...own
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: "any",
      override: ({ jsonSchema }) => {
        if (jsonSchema.$ref?.startsWith("#/$defs/")) {
          jsonSchema.$ref = jsonSchema.$ref.replace("#/$defs/", "#/components/schemas/");
        }
      },
    });
    for (const [id, definition] of Object.entries($defs ?? {})) {
      this.#schemas.set(id, rewriteReferences(definition) as JsonObject);
    }
    return rewriteReferences(own) as JsonObject;
  }

  sorted(): JsonObject {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => a.localeCompare(b)));
  }
}

function rewriteReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewriteReferences);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "$ref" && typeof inner === "string"
        ? inner.replace("#/$defs/", "#/components/schemas/")
        : rewriteReferences(inner),
    ]),
  );
}
