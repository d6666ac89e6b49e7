import { Validator, type OutputUnit, type Schema } from "@cfworker/json-schema";
import {
  toErrorSchema,
  type RJSFSchema,
  type RJSFValidationError,
  type ValidationData,
  type ValidatorType,
} from "@rjsf/utils";
import type { Words } from "../words/words.tsx";
import { withoutNulls, withoutNullValues } from "./plain-schema.ts";
import { atPointer, type JsonSchema } from "./schema.ts";

/** Where the fault lies (`["prompt"]`) and a sentence about it. */
export interface Fault {
  path: string[];
  sentence: string;
}

const validators = new WeakMap<object, Validator>();

function validatorOf(schema: JsonSchema): Validator {
  const known = validators.get(schema);
  if (known) return known;
  const isOld = typeof schema.$schema === "string" && schema.$schema.includes("draft-07");
  // "At most 2", rather than "fits neither a number nor null".
  const made = new Validator(withoutNulls(schema) as Schema, isOld ? "7" : "2020-12", false);
  validators.set(schema, made);
  return made;
}

/** Keywords that only say that something further in is wrong. */
const carriers = new Set([
  "properties",
  "items",
  "prefixItems",
  "additionalItems",
  "allOf",
  "$ref",
  "then",
  "else",
  "patternProperties",
]);

/** Faults of a value; none when the schema itself cannot be read, since then the server judges. */
export function faultsOf(schema: JsonSchema, value: unknown, words: Words): Fault[] {
  const given: unknown = JSON.parse(JSON.stringify(value ?? null));
  let errors: OutputUnit[];
  try {
    errors = validatorOf(schema).validate(withoutNullValues(given, schema)).errors;
  } catch {
    return [];
  }
  const faults = errors
    .filter(({ keyword }) => !carriers.has(keyword))
    // Why each of several alternatives does not fit helps nobody.
    .filter(({ keywordLocation }) => !/\/(anyOf|oneOf|not|if)\//.test(keywordLocation))
    .filter(({ keyword }) => keyword !== "false")
    .map((error) => faultOf(error, schema, words));
  const seen = new Set<string>();
  return faults.filter(({ path }) => {
    const key = path.join("/");
    return seen.has(key) ? false : (seen.add(key), true);
  });
}

function faultOf(error: OutputUnit, schema: JsonSchema, words: Words): Fault {
  const path = error.instanceLocation
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const limit = atPointer(withoutNulls(schema), error.keywordLocation);
  if (error.keyword === "required") {
    const name = /"([^"]*)"\.?$/.exec(error.error)?.[1];
    return { path: name ? [...path, name] : path, sentence: words.faults.required };
  }
  if (error.keyword === "additionalProperties") {
    return { path, sentence: words.faults.additionalProperties };
  }
  return { path, sentence: sentenceOf(error.keyword, limit, words) ?? error.error };
}

function sentenceOf(keyword: string, limit: unknown, { faults }: Words): string | null {
  const shown = Array.isArray(limit) ? limit.map(String).join(", ") : String(limit);
  switch (keyword) {
    case "minimum":
      return faults.minimum(shown);
    case "maximum":
      return faults.maximum(shown);
    case "exclusiveMinimum":
      return faults.exclusiveMinimum(shown);
    case "exclusiveMaximum":
      return faults.exclusiveMaximum(shown);
    case "multipleOf":
      return faults.multipleOf(shown);
    case "minLength":
      return faults.minLength(shown);
    case "maxLength":
      return faults.maxLength(shown);
    case "minItems":
      return faults.minItems(shown);
    case "maxItems":
      return faults.maxItems(shown);
    case "type":
      return faults.type(shown);
    case "format":
      return faults.format(shown);
    case "pattern":
      return faults.pattern(shown);
    case "enum":
    case "const":
      return faults.enumeration(shown);
    case "anyOf":
    case "oneOf":
      return faults.alternatives;
    case "uniqueItems":
      return faults.uniqueItems;
    default:
      return null;
  }
}

/**
 * For the form library. Its own validator compiles schemas with `new Function`, which the content
 * security policy of this page refuses; this one interprets them.
 *
 * @param whole what values are judged by; the form may show a plainer schema
 */
export function formValidator(whole: JsonSchema, words: Words): ValidatorType {
  return {
    validateFormData(formData: unknown): ValidationData<unknown> {
      const errors = faultsOf(whole, formData, words).map(
        ({ path, sentence }): RJSFValidationError => ({
          stack: sentence,
          message: sentence,
          property: path.map((part) => `.${part}`).join(""),
        }),
      );
      return { errors, errorSchema: toErrorSchema(errors) };
    },
    isValid(schema: RJSFSchema, formData: unknown, root: RJSFSchema): boolean {
      const { $defs, definitions } = root;
      const withDefinitions = {
        ...schema,
        ...($defs && { $defs }),
        ...(definitions && { definitions }),
      };
      return faultsOf(withDefinitions, formData, words).length === 0;
    },
    rawValidation<Result>(schema: RJSFSchema, formData?: unknown) {
      return { errors: faultsOf(schema, formData, words) as Result[] };
    },
  };
}
