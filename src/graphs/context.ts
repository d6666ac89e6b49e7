import { createRequire } from "node:module";
import type { Ajv, ErrorObject, Options, ValidateFunction } from "ajv";
import { invalid } from "../core/error.ts";
import type { JsonObject } from "../core/json.ts";

const options: Options = {
  allErrors: true,
  strict: false, // schemas carry keys of others: langgraph_type, x-…
  validateFormats: false,
  verbose: true, // errors carry the value and the schema, for the sentence
};
const require = createRequire(import.meta.url);
const compilers: { draft7?: Ajv; draft2020?: Ajv } = {};
const validators = new WeakMap<JsonObject, ValidateFunction | null>();

/** A value is quoted in an error up to this many characters. */
const quotedCharactersMax = 60;

/**
 * Throws `invalid` with one sentence that names every field of the context that breaks the schema.
 * A null schema allows everything, and so does one that cannot be compiled: the graph then judges.
 */
export function checkContext(schema: JsonObject | null, context: JsonObject): void {
  if (!schema) return;
  const validate = validatorOf(schema);
  if (!validate || validate(context)) return;
  const problems = withoutBranches(validate.errors ?? []).map(describe);
  throw invalid(`The context does not fit the graph: ${[...new Set(problems)].join("; ")}.`);
}

function validatorOf(schema: JsonObject): ValidateFunction | null {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = compile(schema);
    validators.set(schema, validate);
  }
  return validate;
}

function compile(schema: JsonObject): ValidateFunction | null {
  const { $id: _, ...anonymous } = schema; // two graphs may use one $id, which Ajv refuses
  const isDraft2020 = String(schema["$schema"] ?? "").includes("2020-12");
  try {
    return compiler(isDraft2020).compile(anonymous);
  } catch {
    return null;
  }
}

/** Loaded with the first schema: a start without any is 30 ms shorter. */
function compiler(isDraft2020: boolean): Ajv {
  if (isDraft2020) {
    const { Ajv2020 } = require("ajv/dist/2020.js") as typeof import("ajv/dist/2020.js");
    return (compilers.draft2020 ??= new Ajv2020(options));
  }
  const { Ajv: Ajv7 } = require("ajv") as typeof import("ajv");
  return (compilers.draft7 ??= new Ajv7(options));
}

/** Where none of several alternatives fits, what each one lacks is noise. */
function withoutBranches(errors: ErrorObject[]): ErrorObject[] {
  const unions = errors.filter((one) => one.keyword === "anyOf" || one.keyword === "oneOf");
  return errors.filter(
    (one) => !unions.some((union) => one.schemaPath.startsWith(`${union.schemaPath}/`)),
  );
}

function describe(error: ErrorObject): string {
  const field = fieldOf(error.instancePath);
  const got = `(got ${quote(error.data)})`;
  switch (error.keyword) {
    case "required":
      return `${field}${property(String(error.params["missingProperty"]))} is required`;
    case "additionalProperties":
      return `${field}${property(String(error.params["additionalProperty"]))} is not a field of the graph's context`;
    case "enum":
      return `${field} must be one of ${listOf(error.schema as unknown[])} ${got}`;
    case "const":
      return `${field} must be ${JSON.stringify(error.schema)} ${got}`;
    case "type":
      return `${field} must be ${[error.schema].flat().join(" or ")} ${got}`;
    case "anyOf":
    case "oneOf":
      return `${field} must be ${(error.schema as JsonObject[]).map(expected).join(" or ")} ${got}`;
    default:
      return `${field} ${error.message ?? "is not valid"} ${got}`;
  }
}

function fieldOf(pointer: string): string {
  const keys = pointer.split("/").slice(1);
  const unescaped = keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return `context${unescaped.map(property).join("")}`;
}

function property(key: string): string {
  if (/^\d+$/.test(key)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}

function expected(schema: JsonObject): string {
  if (Array.isArray(schema["enum"])) return listOf(schema["enum"]);
  if ("const" in schema) return JSON.stringify(schema["const"]);
  return typeof schema["type"] === "string" ? schema["type"] : "another form";
}

function listOf(values: unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}

function quote(value: unknown): string {
  if (value === null) return "null";
  const text = JSON.stringify(value) ?? "nothing";
  const short = text.length > quotedCharactersMax ? `${text.slice(0, quotedCharactersMax)}…` : text;
  return `${Array.isArray(value) ? "array" : typeof value} ${short}`;
}
