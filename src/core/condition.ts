import { contains, isObject, type Json, type JsonObject } from "./json.ts";

/** What metadata must be like. Storage asks the same of rows; `contains` as in json.ts. */
export type Condition =
  | { contains: JsonObject }
  /** None of them: always. */
  | { all: Condition[] }
  /** None of them: never. */
  | { any: Condition[] };

/** Null asks nothing. */
export function meets(metadata: JsonObject, condition: Condition | null): boolean {
  if (condition === null) return true;
  if ("contains" in condition) return contains(metadata, condition.contains);
  if ("all" in condition) return condition.all.every((one) => meets(metadata, one));
  return condition.any.some((one) => meets(metadata, one));
}

/** Null when nothing is asked. */
export function allOf(conditions: (Condition | null)[]): Condition | null {
  const asked = conditions.filter((one) => one !== null);
  return asked.length > 1 ? { all: asked } : (asked[0] ?? null);
}

/** The containments that hold whenever the condition does, for an index to begin with. */
export function certain(condition: Condition): JsonObject[] {
  if ("contains" in condition) return [condition.contains];
  return "all" in condition ? condition.all.flatMap(certain) : [];
}

/**
 * Metadata that replaces other metadata, with what the condition asks about kept: a client that
 * replaces all of its own must not lose what says whose a thing is.
 */
export function keepAsked(
  before: JsonObject,
  after: JsonObject,
  condition: Condition | null,
): JsonObject {
  const lost = condition
    ? keysOf(condition).filter((key) => Object.hasOwn(before, key) && !Object.hasOwn(after, key))
    : [];
  if (lost.length === 0) return after;
  return { ...after, ...Object.fromEntries(lost.map((key) => [key, before[key]!])) };
}

function keysOf(condition: Condition): string[] {
  if ("contains" in condition) return Object.keys(condition.contains);
  return ("all" in condition ? condition.all : condition.any).flatMap(keysOf);
}

/**
 * The filter of an authorization handler (specification 3.9): `{key: "v"}`, `{key: {$eq: "v"}}`,
 * `{key: {$contains: "v" | ["v", …]}}`, keys joined by and, `$or` and `$and` over filters. What
 * is none throws, since to read it as "anything" would let everybody in: above all a value that is
 * undefined because the user has no such field.
 *
 * @throws TypeError naming the key.
 */
export function readFilter(filter: object): Condition {
  const conditions = Object.entries(filter).map(([key, wanted]): Condition => {
    if (key === "$or") return { any: readFilters(key, wanted) };
    if (key === "$and") return { all: readFilters(key, wanted) };
    if (key.startsWith("$")) throw new TypeError(`"${key}" is no operator of a filter`);
    return { contains: { [key]: readOperand(key, wanted) } };
  });
  return conditions.length === 1 ? conditions[0]! : { all: conditions };
}

function readFilters(key: string, filters: unknown): Condition[] {
  if (!Array.isArray(filters) || !filters.every(isObject)) {
    throw new TypeError(`"${key}" needs a list of filters`);
  }
  return filters.map(readFilter);
}

function readOperand(key: string, wanted: unknown): Json {
  if (isScalar(wanted)) return wanted;
  const operators = isObject(wanted) ? Object.entries(wanted as object) : [];
  if (operators.length === 1) {
    const [operator, operand] = operators[0]! as [string, unknown];
    if (operator === "$eq" && isScalar(operand)) return operand;
    if (operator === "$contains") {
      const members = Array.isArray(operand) ? (operand as unknown[]) : [operand];
      if (members.every(isScalar)) return members;
    }
  }
  throw new TypeError(
    `"${key}" must be a text, number, boolean or null, or one of {$eq: …} and {$contains: …}, not ${describe(wanted)}`,
  );
}

function isScalar(value: unknown): value is string | number | boolean | null {
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value === "string" || typeof value === "boolean";
}

/** Never the values: they may be secrets. */
function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (isObject(value)) return `an object with the keys ${Object.keys(value).join(", ") || "none"}`;
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
