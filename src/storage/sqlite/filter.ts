import type { SQLInputValue } from "node:sqlite";
import type { Condition } from "../../core/condition.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";

/** A where clause in the making: conditions joined by `and`, values in the order of their marks. */
export interface Conditions {
  conditions: string[];
  values: SQLInputValue[];
}

export function whereClause({ conditions }: Conditions): string {
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}

/** Keys whose path is written out, since the planner matches an expression index by its text. */
const indexedKeys = new Set(["graph_id", "assistant_id"]);

/** Keys that stand in a path as they are. */
const plainKey = /^[\p{L}\p{N}_ .:/@-]+$/u;

/**
 * `contains(metadata, filter)` as conditions. Metadata is stored by `JSON.stringify` and `->` returns
 * the source text of a value, so a scalar is equal when its text is. What paths cannot say (arrays,
 * keys with quotes) goes to the function, which has to parse every row: five times slower. `indexed:
 * false` keeps the planner off the expression indexes where another condition narrows better.
 */
export function addContainment(
  to: Conditions,
  filter: JsonObject | undefined,
  { indexed = true }: { indexed?: boolean } = {},
): void {
  if (!filter) return;
  const rest: JsonObject = {};
  for (const [key, wanted] of Object.entries(filter)) {
    const found = pathConditions(key, wanted, indexed);
    if (!found) {
      Object.defineProperty(rest, key, { value: wanted, enumerable: true });
      continue;
    }
    to.conditions.push(...found.conditions);
    to.values.push(...found.values);
  }
  if (Object.keys(rest).length > 0) {
    to.conditions.push("json_contains(metadata, ?)");
    to.values.push(JSON.stringify(rest));
  }
}

/** `meets(metadata, condition)` as one condition; each containment on the paths that say it. */
export function addCondition(to: Conditions, condition: Condition | null | undefined): void {
  if (!condition) return;
  if ("contains" in condition) {
    addContainment(to, condition.contains, { indexed: false });
    return;
  }
  const isAll = "all" in condition;
  const parts = (isAll ? condition.all : condition.any).map((one) => {
    const part: Conditions = { conditions: [], values: [] };
    addCondition(part, one);
    to.values.push(...part.values);
    return part.conditions.length === 0 ? "true" : part.conditions.join(" and ");
  });
  if (parts.length > 0)
    to.conditions.push(`(${parts.map((one) => `(${one})`).join(isAll ? " and " : " or ")})`);
  else if (!isAll) to.conditions.push("false");
}

/**
 * What `thread_labels` can answer: short strings under plain keys, without the characters that SQLite
 * and JavaScript may count or decode differently.
 */
export function isLabel(key: string, wanted: Json): wanted is string {
  return (
    typeof wanted === "string" &&
    wanted.length <= 200 &&
    wanted.isWellFormed() &&
    !/\p{Cc}/u.test(wanted) &&
    plainKey.test(key) &&
    !indexedKeys.has(key)
  );
}

function pathConditions(key: string, wanted: Json, indexed: boolean): Conditions | null {
  if (indexed && indexedKeys.has(key) && !isComposite(wanted)) {
    return {
      conditions: [`metadata -> '$."${key}"' = ?`],
      values: [JSON.stringify(wanted)],
    };
  }
  const found: Conditions = { conditions: [], values: [] };
  return collectPaths(found, "$", key, wanted) ? found : null;
}

function collectPaths(found: Conditions, parent: string, key: string, wanted: Json): boolean {
  if (!plainKey.test(key) || Array.isArray(wanted)) return false;
  const path = `${parent}."${key}"`;
  if (!isObject(wanted)) {
    found.conditions.push("metadata -> ? = ?");
    found.values.push(path, JSON.stringify(wanted));
    return true;
  }
  const entries = Object.entries(wanted);
  if (entries.length === 0) {
    found.conditions.push("json_type(metadata, ?) = 'object'");
    found.values.push(path);
  }
  return entries.every(([inner, value]) => collectPaths(found, path, inner, value));
}

function isComposite(value: Json): boolean {
  return typeof value === "object" && value !== null;
}
