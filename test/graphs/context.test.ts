import { expect, test } from "vitest";
import { z } from "zod";
import { checkContext } from "../../src/graphs/context.ts";
import type { JsonObject } from "../../src/core/json.ts";

const schema = z.toJSONSchema(
  z.object({
    temperature: z.number().min(0).default(1),
    llm_provider: z.enum(["openai", "offline"]).default("offline"),
    model_name: z.string(),
    limit: z.union([z.number(), z.literal("none")]).optional(),
    tools: z.array(z.object({ name: z.string() })).optional(),
  }),
  { io: "input" },
) as JsonObject;

const fits = { model_name: "m" };

const cases: [name: string, context: JsonObject, message: string][] = [
  [
    "a wrong type",
    { ...fits, temperature: "hot" },
    'context.temperature must be number (got string "hot")',
  ],
  ["a required field left out", {}, "context.model_name is required"],
  [
    "none of an enum's values",
    { ...fits, llm_provider: "x" },
    'context.llm_provider must be one of "openai", "offline" (got string "x")',
  ],
  [
    "none of several forms",
    { ...fits, limit: "some" },
    'context.limit must be number or "none" (got string "some")',
  ],
  [
    "a field deep inside",
    { ...fits, tools: [{ name: 1 }] },
    "context.tools[0].name must be string (got number 1)",
  ],
  ["a limit", { ...fits, temperature: -1 }, "context.temperature must be >= 0 (got number -1)"],
  ["null", { ...fits, temperature: null }, "context.temperature must be number (got null)"],
];

test.each(cases)("%s is named with its path", (_, context, message) => {
  expect(() => checkContext(schema, context)).toThrow(
    expect.objectContaining({
      code: "invalid",
      message: `The context does not fit the graph: ${message}.`,
    }),
  );
});

test("every field that is wrong is named", () => {
  expect(() => checkContext(schema, { temperature: "hot" })).toThrow(
    /model_name is required; context\.temperature must be number/,
  );
});

test("fields with defaults are not demanded, and others than the declared are let through", () => {
  expect(() => checkContext(schema, { ...fits, something: "else" })).not.toThrow();
});

test("a closed schema of draft 7 names the field it does not know", () => {
  const closed: JsonObject = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { a: { type: "number" } },
    additionalProperties: false,
  };
  expect(() => checkContext(closed, { a: 1 })).not.toThrow();
  expect(() => checkContext(closed, { b: 1 })).toThrow("context.b is not a field of the graph's");
});

test("no schema, an open one, and one that is none allow everything", () => {
  const broken: JsonObject = { type: "nonsense" };
  for (const open of [null, { type: "object" }, broken]) {
    expect(() => checkContext(open, { any: ["thing"] })).not.toThrow();
  }
});
