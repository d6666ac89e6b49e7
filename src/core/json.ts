/** JSON as data: the only form in which values cross a room's border. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Deep containment, as Postgres `@>` has it: every key of `subset` is in `value` with a contained
 * value; every element of a subset array is contained in some element of the array.
 */
export function contains(value: unknown, subset: unknown): boolean {
  if (Array.isArray(subset)) {
    return (
      Array.isArray(value) && subset.every((wanted) => value.some((item) => contains(item, wanted)))
    );
  }
  if (isObject(subset)) {
    return (
      isObject(value) &&
      Object.entries(subset).every(
        ([key, wanted]) => Object.hasOwn(value, key) && contains(value[key], wanted),
      )
    );
  }
  return value === subset;
}
