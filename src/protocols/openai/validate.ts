import type { z } from "zod";
import { OpenaiError, shortened } from "./errors.ts";

type Issue = z.core.$ZodIssue;

/** @throws OpenaiError with OpenAI's own sentence about the first field that is wrong. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A name nobody knows is most often why the right one is missing.
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  throw explain(unknown ?? issues[0]!, value, []);
}

function explain(issue: Issue, body: unknown, prefix: PropertyKey[]): OpenaiError {
  const path = [...prefix, ...issue.path];
  const field = fieldName(path);
  const value = valueAt(body, path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const name = fieldName([...path, issue.keys[0]!]);
      return refusal(`Unknown parameter: '${name}'.`, name, "unknown_parameter");
    }
    case "invalid_union":
      return explainUnion(issue, body, path);
    case "invalid_type":
      if (value === undefined) {
        return refusal(
          `Missing required parameter: '${field}'.`,
          field,
          "missing_required_parameter",
        );
      }
      return wrongType(field, withArticle(issue.expected), value);
    case "invalid_value":
      if (value === undefined) {
        return refusal(
          `Missing required parameter: '${field}'.`,
          field,
          "missing_required_parameter",
        );
      }
      return refusal(
        `Invalid value: ${quote(value)}. Supported values are: ${listed(issue.values)}.`,
        field,
        "invalid_value",
      );
    case "too_big":
      return tooMuch(field, issue, value);
    case "too_small":
      return tooLittle(field, issue, value);
    default:
      return refusal(`Invalid '${field}': ${issue.message}.`, field, "invalid_value");
  }
}

/** The alternative that was meant: the one of the value's own type or with its `type`. */
function explainUnion(
  issue: Extract<Issue, { code: "invalid_union" }>,
  body: unknown,
  path: PropertyKey[],
): OpenaiError {
  const field = fieldName(path);
  const value = valueAt(body, path);
  const isWrongKind = (one: Issue) =>
    one.path.length === 0 && (one.code === "invalid_type" || one.code === "invalid_value");
  const isWrongTag = (one: Issue) =>
    one.path.length === 1 && one.path[0] === "type" && one.code === "invalid_value";
  const meant = issue.errors.find(
    (branch) => !branch.some((one) => isWrongKind(one) || isWrongTag(one)),
  );
  if (meant?.[0]) return explain(meant[0], body, path);
  const tags = issue.errors.flat().filter(isWrongTag);
  if (tags.length > 0 && typeof value === "object") {
    const values = tags.flatMap((one) => (one.code === "invalid_value" ? one.values : []));
    const tag = valueAt(body, [...path, "type"]);
    const name = fieldName([...path, "type"]);
    if (tag === undefined) {
      return refusal(`Missing required parameter: '${name}'.`, name, "missing_required_parameter");
    }
    const sentence = `Invalid value: ${quote(tag)}. Supported values are: ${listed(values)}.`;
    return refusal(sentence, name, "invalid_value");
  }
  if (value === undefined) {
    return refusal(`Missing required parameter: '${field}'.`, field, "missing_required_parameter");
  }
  const kinds = issue.errors.flat().filter(isWrongKind);
  const values = kinds.flatMap((one) => (one.code === "invalid_value" ? one.values : []));
  if (typeof value === "string" && values.length > 0) {
    const sentence = `Invalid value: ${quote(value)}. Supported values are: ${listed(values)}.`;
    return refusal(sentence, field, "invalid_value");
  }
  const expected = kinds.map((one) =>
    one.code === "invalid_type" ? withArticle(one.expected) : "a string",
  );
  return wrongType(field, `one of ${[...new Set(expected)].join(" or ")}`, value);
}

function tooMuch(
  field: string,
  issue: Extract<Issue, { code: "too_big" }>,
  value: unknown,
): OpenaiError {
  const { maximum, origin } = issue;
  if (origin === "string" || origin === "array") {
    const { length } = value as { length: number };
    return refusal(
      `Invalid '${field}': ${origin} too long. Expected ${origin === "string" ? "a string" : "an array"} with maximum length ${maximum}, but got ${origin === "string" ? "a string" : "an array"} with length ${length} instead.`,
      field,
      `${origin}_above_max_length`,
    );
  }
  const kind = Number.isInteger(value) ? "integer" : "decimal";
  return refusal(
    `Invalid '${field}': ${kind} above maximum value. Expected a value <= ${maximum}, but got ${String(value)} instead.`,
    field,
    `${kind}_above_max_value`,
  );
}

function tooLittle(
  field: string,
  issue: Extract<Issue, { code: "too_small" }>,
  value: unknown,
): OpenaiError {
  const { minimum, origin } = issue;
  if (origin === "string" || origin === "array") {
    const { length } = value as { length: number };
    const what = origin === "string" ? "a string" : "an array";
    return refusal(
      `Invalid '${field}': ${origin} too short. Expected ${what} with minimum length ${minimum}, but got ${what} with length ${length} instead.`,
      field,
      `${origin}_below_min_length`,
    );
  }
  const kind = Number.isInteger(value) ? "integer" : "decimal";
  return refusal(
    `Invalid '${field}': ${kind} below minimum value. Expected a value >= ${minimum}, but got ${String(value)} instead.`,
    field,
    `${kind}_below_min_value`,
  );
}

function wrongType(field: string, expected: string, value: unknown): OpenaiError {
  const sentence = `Invalid type for '${field}': expected ${expected}, but got ${kindOf(value)} instead.`;
  return refusal(sentence, field, "invalid_type");
}

function refusal(message: string, param: string, code: string): OpenaiError {
  return new OpenaiError(400, message, { param, code });
}

function fieldName(path: PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : `${at > 0 ? "." : ""}${String(key)}`))
    .join("");
}

function valueAt(body: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    body,
  );
}

function withArticle(type: string): string {
  const names: Record<string, string> = {
    int: "an integer",
    number: "a decimal",
    object: "an object",
    array: "an array",
    record: "an object",
    null: "null",
  };
  return names[type] ?? `a ${type}`;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal";
  return withArticle(typeof value);
}

function quote(value: unknown): string {
  return typeof value === "string" ? `'${shortened(value)}'` : shortened(JSON.stringify(value));
}

/** `'a', 'b', and 'c'` */
function listed(values: readonly unknown[]): string {
  const texts = [...new Set(values)].map(quote);
  if (texts.length < 3) return texts.join(" and ");
  return `${texts.slice(0, -1).join(", ")}, and ${texts.at(-1)}`;
}
