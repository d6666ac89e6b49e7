import { beforeAll, describe, expect, test } from "vitest";
import { a2aRoutes } from "../../../src/protocols/a2a/routes.ts";
import { mcpRoutes } from "../../../src/protocols/mcp/routes.ts";
import { openApi } from "../../support/api.ts";
import { TestAuth } from "../../support/auth.ts";
import { officialRoutes } from "./official-api.ts";

/**
 * Our OpenAPI document against the platform's: what theirs has, ours has, by the same names. Where
 * ours does otherwise on purpose, the reason is here.
 */
const otherwise: Record<string, string> = {
  "POST /assistants/search 404": "a search that finds nothing is an empty page",
  "POST /assistants/count 404": "a count that finds nothing is 0",
  "POST /threads/count 404": "a count that finds nothing is 0",
  "POST /runs/crons/count 404": "a count that finds nothing is 0",
  "POST /assistants/{assistant_id}/versions 200 [].updated_at":
    "a version never changes; no server sends it",
  "POST /threads/{thread_id}/copy 409": "the copy has a new id; a source that is missing is 404",
  "DELETE /threads/{thread_id} 200": "204, as the platform itself answers",
  "DELETE /threads/{thread_id}/runs/{run_id} 200": "204, as the platform itself answers",
  "POST /threads/{thread_id}/commands 200 stacktrace": "nobody is shown a stack trace",
  "POST /mcp 405": "POST is the method that is allowed",
  "GET /store/items 400": "a query that is wrong is 422, as everywhere",
};

interface Schema {
  $ref?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}
interface Content {
  content?: Record<string, { schema: Schema }>;
  headers?: Record<string, unknown>;
}
interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: Content;
  responses: Record<string, Content>;
  security?: unknown;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes?: object };
  security?: unknown;
}

let document: Document;
beforeAll(async () => {
  const documented = [...mcpRoutes({ version: "1" }), ...a2aRoutes("")];
  await using api = await openApi({ worker: false, documented });
  document = (await api.call("GET", "/openapi.json")).json as Document;
});

/** Names of all fields, as `officialRoutes` has them. A schema within itself is not gone into again. */
function fieldsOf(schema: Schema, prefix = "", within: string[] = []): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1)!;
    if (within.includes(name)) return [];
    return fieldsOf(document.components.schemas[name]!, prefix, [...within, name]);
  }
  const { properties = {}, items, additionalProperties, anyOf, oneOf, allOf } = schema;
  const dot = prefix === "" ? "" : `${prefix}.`;
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      `${dot}${name}`,
      ...fieldsOf(field, `${dot}${name}`, within),
    ]),
    ...(items ? fieldsOf(items, `${prefix}[]`, within) : []),
    ...(typeof additionalProperties === "object"
      ? fieldsOf(additionalProperties, `${prefix}{}`, within)
      : []),
    ...[anyOf, oneOf, allOf].flatMap((parts) =>
      (parts ?? []).flatMap((part) => fieldsOf(part, prefix, within)),
    ),
  ];
}

function fieldsIn(content: Content | undefined): string[] {
  return Object.values(content?.content ?? {}).flatMap(({ schema }) => fieldsOf(schema));
}

/** All that a document says of a route, one line for each thing. */
function claims(
  route: string,
  said: {
    query?: string[];
    headers?: string[];
    body?: string[];
    answers: Record<string, string[]>;
  },
): string[] {
  return [
    route,
    ...(said.query ?? []).map((name) => `${route} query ${name}`),
    ...(said.headers ?? []).map((name) => `${route} header ${name}`),
    ...(said.body ?? []).map((name) => `${route} body ${name}`),
    ...Object.entries(said.answers).flatMap(([status, fields]) => [
      `${route} ${status}`,
      ...fields.map((name) => `${route} ${status} ${name}`),
    ]),
  ];
}

function ourClaims(): Set<string> {
  const all = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      const named = (where: string) =>
        (operation.parameters ?? []).filter((one) => one.in === where).map(({ name }) => name);
      const answers = Object.entries(operation.responses).map(
        ([status, content]) => [status, fieldsIn(content)] as const,
      );
      return claims(`${method.toUpperCase()} ${withoutEnd(path)}`, {
        query: named("query"),
        headers: named("header"),
        body: fieldsIn(operation.requestBody),
        answers: Object.fromEntries(answers),
      });
    }),
  );
  return new Set(all);
}

/** `/mcp/` and `/mcp` are one route. */
function withoutEnd(path: string): string {
  return path.replace(/(?<=.)\/$/, "");
}

describe("the platform's OpenAPI document", () => {
  test("has no route, parameter, field or status that ours has not", () => {
    const ours = ourClaims();
    const missing = Object.entries(officialRoutes)
      .flatMap(([route, said]) => claims(withoutEnd(route), said))
      .filter((claim) => !ours.has(claim))
      .filter((claim) => !Object.keys(otherwise).some((one) => `${claim} `.startsWith(`${one} `)));
    expect(missing).toEqual([]);
  });

  test("is otherwise only where ours still is", () => {
    const ours = ourClaims();
    expect(Object.keys(otherwise).filter((one) => ours.has(one))).toEqual([]);
    const theirs = new Set(
      Object.entries(officialRoutes).flatMap(([route, said]) => claims(withoutEnd(route), said)),
    );
    expect(Object.keys(otherwise).filter((one) => !theirs.has(one))).toEqual([]);
  });

  test("was read with its names in all places: a name that is none is missed", () => {
    const ours = ourClaims();
    for (const claim of [
      "GET /threads/{thread_id}/state 200 tasks[].checkpoint.checkpoint_id",
      "POST /threads body supersteps[].updates[].command.goto",
      "GET /assistants/{assistant_id}/subgraphs 200 {}.input_schema",
      "POST /runs/batch body [].config.configurable",
    ]) {
      expect(ours).toContain(claim);
      expect(ours).not.toContain(`${claim}s`);
    }
  });
});

describe("our document", () => {
  test("has an operation's id and every reference once, and a body for every error", () => {
    const operations = Object.values(document.paths).flatMap((one) => Object.values(one));
    const ids = operations.map((one) => (one as { operationId?: string }).operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const { responses } of operations) {
      for (const [status, answered] of Object.entries(responses)) {
        if (Number(status) < 400) continue;
        const words = fieldsIn(answered).filter((one) => /^(detail|error\.message)$/.test(one));
        expect(words, JSON.stringify(answered)).toHaveLength(1);
      }
    }
  });

  test("tells of headers that clients need", () => {
    const { headers } =
      document.paths["/threads/{thread_id}/runs/stream"]!["post"]!.responses[200]!;
    expect(Object.keys(headers!)).toEqual(["Content-Location", "Location"]);
    const found = document.paths["/assistants/search"]!["post"]!.responses[200]!;
    expect(Object.keys(found.headers!)).toContain("X-Pagination-Total");
  });

  test("tells of nobody's credentials while nobody is asked for any", () => {
    expect(document.components.securitySchemes).toBeUndefined();
    expect(document.security).toBeUndefined();
    expect(document.paths["/threads"]!["post"]!.responses).not.toHaveProperty("401");
  });

  test("tells who may ask, and who need not, where somebody is asked", async () => {
    const apiKey = { type: "apiKey", in: "header", name: "x-api-key" };
    const security = {
      securitySchemes: { ApiKey: apiKey },
      security: [{ ApiKey: [] }],
      paths: { "/metrics": { get: { security: [] } } },
    };
    const ports = { auth: new TestAuth() };
    await using api = await openApi({ worker: false, ports, security });
    const headers = { "x-user": "ada" };
    const { json } = await api.call("GET", "/openapi.json", undefined, headers);
    const { components, paths, security: everywhere } = json as Document;
    expect(components.securitySchemes).toEqual({ ApiKey: apiKey });
    expect(everywhere).toEqual([{ ApiKey: [] }]);
    expect(paths["/ok"]!["get"]!.security).toEqual([]);
    expect(paths["/metrics"]!["get"]!.security).toEqual([]);
    expect(paths["/threads"]!["post"]!.security).toBeUndefined();
    expect(Object.keys(paths["/threads"]!["post"]!.responses)).toEqual(
      expect.arrayContaining(["401", "403"]),
    );
    expect(Object.keys(paths["/docs"]!["get"]!.responses)).toContain("401");
    expect(Object.keys(paths["/docs"]!["get"]!.responses)).not.toContain("403");
    expect(Object.keys(paths["/ok"]!["get"]!.responses)).not.toContain("401");
  });
});
