import type { Json } from "./json.ts";

/**
 * The texts of an item that a path names, in the form LangGraph's own stores have them: `title`,
 * `meta.title`, `notes[0]`, `notes[-1]`, `notes[*].text`, `*` for every value, `{title,meta.title}`;
 * `$` is the whole. Numbers and booleans are texts, too; objects and lists become JSON; null is none.
 */
export function textsAt(value: Json, path: string): string[] {
  const steps = stepsOf(path);
  if (steps[0] === "$") steps.shift();
  return walk(value, steps);
}

/** Keys as they are, places in lists as `[0]`, choices as `{a,b}`. */
function stepsOf(path: string): string[] {
  return path.match(/\[[^\]]*\]|\{[^}]*\}|[^.[{]+/g) ?? [];
}

function walk(value: Json | undefined, [step, ...rest]: string[]): string[] {
  if (step === undefined) return textOf(value);
  if (typeof value !== "object" || value === null) return [];
  if (step.startsWith("{")) {
    const choices = step.slice(1, -1).split(",");
    return choices.flatMap((choice) => walk(value, [...stepsOf(choice.trim()), ...rest]));
  }
  if (step === "*") return Object.values(value).flatMap((one: Json) => walk(one, rest));
  if (Array.isArray(value)) {
    if (step === "[*]") return value.flatMap((one) => walk(one, rest));
    const place = /^\[(-?\d+)\]$/.exec(step);
    return place ? walk(value.at(Number(place[1])), rest) : [];
  }
  return Object.hasOwn(value, step) ? walk(value[step], rest) : [];
}

function textOf(value: Json | undefined): string[] {
  if (value === null || value === undefined) return [];
  return [typeof value === "object" ? JSON.stringify(value, null, 2) : String(value)];
}
