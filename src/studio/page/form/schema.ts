import type { RJSFSchema } from "@rjsf/utils";

export type JsonSchema = RJSFSchema;

/** Follows a reference within the schema. */
export function resolve(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let found: unknown = schema;
  for (let depth = 0; depth < 10; depth += 1) {
    const reference = (found as JsonSchema | undefined)?.$ref;
    if (typeof reference !== "string" || !reference.startsWith("#/")) break;
    found = atPointer(root, reference);
  }
  return (found ?? {}) as JsonSchema;
}

/** What a JSON pointer such as `#/properties/a` names; undefined when there is nothing. */
export function atPointer(root: unknown, pointer: string): unknown {
  return pointer
    .replace(/^#?\//, "")
    .split("/")
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], root);
}

/** A form needs an object with named fields; for everything else there is the JSON editor. */
export function hasFields(schema: JsonSchema | null | undefined): schema is JsonSchema {
  if (!schema) return false;
  return Object.keys(resolve(schema, schema).properties ?? {}).length > 0;
}

const longTextNames = /prompt|instruction|template|content|message|question|text|body|note/i;

/** Whether a text field is likely to hold more than a line. */
export function isLongText(name: string, schema: JsonSchema): boolean {
  if (schema.enum || schema.format) return schema.format === "textarea";
  const defaultText = typeof schema.default === "string" ? schema.default : "";
  return longTextNames.test(name) || (schema.maxLength ?? 0) > 200 || defaultText.length > 60;
}

/**
 * Messages are edited as role and text, and whatever else a message may be as JSON: the schemas that
 * graphs publish for them list every class of message and every field.
 */
export function withPlainMessages(schema: JsonSchema): JsonSchema {
  const own = resolve(schema, schema);
  if (!own.properties?.["messages"]) return schema;
  const { $defs, definitions } = schema;
  return {
    ...own,
    ...($defs && { $defs }),
    ...(definitions && { definitions }),
    properties: { ...own.properties, messages: { type: "array", items: {}, title: "messages" } },
  };
}

/** The values a form begins with. */
export function defaultsOf(schema: JsonSchema | null | undefined): Record<string, unknown> {
  if (!hasFields(schema)) return {};
  const entries = Object.entries(resolve(schema, schema).properties ?? {}).flatMap(
    ([name, field]) => {
      const own = resolve(field as JsonSchema, schema);
      return own.default === undefined ? [] : [[name, own.default]];
    },
  );
  return Object.fromEntries(entries) as Record<string, unknown>;
}
