import type { ItemTtl } from "./expiry.ts";
import type { JsonObject } from "./json.ts";

/** An entry of long-term memory. */
export interface Item {
  namespace: string[];
  key: string;
  value: JsonObject;
  createdAt: number;
  updatedAt: number;
  /** Null: it stays. */
  ttl: ItemTtl | null;
}

/** An item as a search finds it. */
export interface FoundItem extends Item {
  /** How near it is to what was asked for: 1 the same, 0 nothing in common, -1 the opposite. */
  score?: number;
}

/** A text's place among all texts: near ones mean the like. */
export interface Vector {
  /** Who made it. Vectors of different models cannot be compared. */
  model: string;
  /** Of length 1, or all zeros. */
  values: Float32Array<ArrayBuffer>;
}

export interface ItemVector extends Vector {
  /** Where in the item the text stood; once in an item. */
  path: string;
}

export type Comparison = "$eq" | "$ne" | "$gt" | "$gte" | "$lt" | "$lte" | "$in" | "$nin";

const comparisons: Record<Comparison, (value: unknown, wanted: unknown) => boolean> = {
  $eq: (value, wanted) => equal(value, wanted),
  $ne: (value, wanted) => !equal(value, wanted),
  $gt: (value, wanted) => comparable(value, wanted) && value! > wanted!,
  $gte: (value, wanted) => comparable(value, wanted) && value! >= wanted!,
  $lt: (value, wanted) => comparable(value, wanted) && value! < wanted!,
  $lte: (value, wanted) => comparable(value, wanted) && value! <= wanted!,
  $in: (value, wanted) => Array.isArray(wanted) && wanted.some((one) => equal(value, one)),
  $nin: (value, wanted) => !Array.isArray(wanted) || !wanted.some((one) => equal(value, one)),
};

function equal(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return value === wanted;
  return JSON.stringify(value) === JSON.stringify(wanted);
}

function comparable(value: unknown, wanted: unknown): boolean {
  return typeof value === typeof wanted && (typeof value === "number" || typeof value === "string");
}

/** Every key of the filter must match: a plain value by equality, an object of operators by each. */
export function matchesFilter(value: JsonObject, filter: JsonObject): boolean {
  return Object.entries(filter).every(([key, wanted]) => {
    const operators = operatorsOf(wanted);
    if (!operators) return equal(value[key], wanted);
    return operators.every(([operator, operand]) => comparisons[operator](value[key], operand));
  });
}

function operatorsOf(wanted: unknown): [Comparison, unknown][] | null {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return null;
  const entries = Object.entries(wanted);
  if (entries.length === 0 || !entries.every(([key]) => Object.hasOwn(comparisons, key)))
    return null;
  return entries as [Comparison, unknown][];
}

export interface NamespaceQuery {
  /** Labels the namespace must begin with; `*` matches any one label. */
  prefix?: string[];
  suffix?: string[];
  /** Cut namespaces to this many labels, once each. */
  maxDepth?: number;
  limit: number;
  offset: number;
}

/** Applied to the distinct namespaces of the store, in their order. */
export function selectNamespaces(all: string[][], query: NamespaceQuery): string[][] {
  const seen = new Map<string, string[]>();
  for (const namespace of all) {
    if (query.prefix && !labelsMatch(namespace.slice(0, query.prefix.length), query.prefix))
      continue;
    if (query.suffix && !labelsMatch(namespace.slice(-query.suffix.length), query.suffix)) continue;
    const cut = query.maxDepth === undefined ? namespace : namespace.slice(0, query.maxDepth);
    seen.set(JSON.stringify(cut), cut);
  }
  return [...seen.values()].slice(query.offset, query.offset + query.limit);
}

function labelsMatch(labels: string[], pattern: string[]): boolean {
  return (
    labels.length === pattern.length &&
    pattern.every((label, at) => label === "*" || label === labels[at])
  );
}
