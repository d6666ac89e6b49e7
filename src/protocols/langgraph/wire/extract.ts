import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/** `values.messages[-1].content`: a field of the thread, then keys and places in lists. */
export const extractPath = /^(values|metadata|config|interrupts)(\.[^.[\]]+|\[-?\d{1,9}\])*$/;

/** What lies at each path, by its alias; null where nothing does. */
export function extract(thread: object, paths: Record<string, string>): JsonObject {
  return Object.fromEntries(
    Object.entries(paths).map(([alias, path]) => [alias, at(thread as Json, path)]),
  );
}

function at(thread: Json, path: string): Json {
  let value: Json | undefined = thread;
  for (const [, place, key] of path.matchAll(/\[(-?\d+)\]|([^.[\]]+)/g)) {
    if (place !== undefined) value = Array.isArray(value) ? value.at(Number(place)) : undefined;
    else value = isObject(value) && Object.hasOwn(value, key!) ? value[key!] : undefined;
  }
  return value ?? null;
}

/** Whether one of the paths leads into the state, which costs a read. */
export function readsValues(paths: Record<string, string>): boolean {
  return Object.values(paths).some((path) => /^values\b/.test(path));
}
