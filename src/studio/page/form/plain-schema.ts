import { resolve, type JsonSchema } from "./schema.ts";

/**
 * The schema as people fill it in: what may be null is left out instead, so that a field that is a text or
 * nothing is a text. Values are judged by the schema itself.
 */
export function withoutNulls(schema: JsonSchema): JsonSchema {
  const own = resolve(schema, schema);
  if (!own.properties) return schema;
  const properties = Object.entries(own.properties).map(([name, field]) => [
    name,
    withoutNull(field as JsonSchema, schema),
  ]);
  const { $defs, definitions } = schema;
  return {
    ...own,
    ...($defs && { $defs }),
    ...(definitions && { definitions }),
    properties: Object.fromEntries(properties) as NonNullable<JsonSchema["properties"]>,
  };
}

/** The value without what is null and may be: what is left must fit the schema without nulls. */
export function withoutNullValues(value: unknown, schema: JsonSchema): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const properties = resolve(schema, schema).properties ?? {};
  const kept = Object.entries(value).filter(
    ([name, one]) => one !== null || !mayBeNull(properties[name] as JsonSchema | undefined),
  );
  return Object.fromEntries(kept);
}

function mayBeNull(field: JsonSchema | undefined): boolean {
  if (Array.isArray(field?.type)) return field.type.includes("null");
  return (field?.anyOf ?? []).some((one) => (one as JsonSchema).type === "null");
}

function withoutNull(field: JsonSchema, root: JsonSchema): JsonSchema {
  const { type, anyOf, ...rest } = field;
  if (Array.isArray(type) && type.includes("null") && type.length === 2) {
    return { ...field, type: type.find((one) => one !== "null")! };
  }
  if (!anyOf) return nested(field, root);
  const others = anyOf.filter((one) => (one as JsonSchema).type !== "null") as JsonSchema[];
  if (others.length === anyOf.length) return field;
  if (others.length > 1) return { ...rest, anyOf: others };
  return withoutNull({ ...others[0]!, ...rest }, root);
}

function nested(field: JsonSchema, root: JsonSchema): JsonSchema {
  if (field.type !== "object" || !field.properties) return field;
  const entries = Object.entries(field.properties).map(([name, inner]) => [
    name,
    withoutNull(inner as JsonSchema, root),
  ]);
  return {
    ...field,
    properties: Object.fromEntries(entries) as NonNullable<JsonSchema["properties"]>,
  };
}

/** Whether a field may be anything: alternatives of several kinds, or an object of any fields. */
export function isOpen(schema: JsonSchema): boolean {
  if (schema.anyOf ?? schema.oneOf) {
    const kinds = (schema.anyOf ?? schema.oneOf ?? []) as JsonSchema[];
    return kinds.some(({ type, anyOf }) => type === "object" || type === "array" || anyOf);
  }
  return schema.type === "object" && Object.keys(schema.properties ?? {}).length === 0;
}
