import { z } from "zod";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { pageSizeMax } from "../../../core/page.ts";
import type { Answer, Route } from "../../route.ts";

/** A whole number that every database can hold. */
const integerMax = 2_147_483_647;

/** Not looked into and not copied. */
export const jsonObject = z
  .custom<JsonObject>(isObject, { error: "expected an object" })
  .meta({ type: "object", additionalProperties: true });

export const json = z.custom<Json>(() => true).meta({ description: "Any JSON" });

/** UUIDs are compared as text, so they are kept in lower case. */
export const uuid = z.guid({ error: "expected a UUID" }).toLowerCase();

export const timestamp = z.iso.datetime();

export const limit = z.int().min(1).max(pageSizeMax).default(10);
export const offset = z.int().min(0).max(integerMax).default(0);
export const version = z.int().min(1).max(integerMax);
export const sortOrder = z.enum(["asc", "desc"]).default("desc");
export const ifExists = z.enum(["raise", "do_nothing"]).default("raise");

/** A hundred years are as good as for ever. */
export const ttlMinutes = z
  .number()
  .positive()
  .max(100 * 366 * 24 * 60);

export const config = z
  .looseObject({
    tags: z.array(z.string()).nullish(),
    recursion_limit: z.int().min(1).max(integerMax).nullish(),
    configurable: jsonObject.nullish(),
    metadata: jsonObject.nullish(),
    max_concurrency: z.int().min(1).max(integerMax).nullish(),
    run_name: z.string().nullish(),
    // Milliseconds. A timer takes no more.
    timeout: z.number().positive().max(integerMax).nullish(),
  })
  .meta({ id: "Config" });

/** In the form that names a checkpoint; `thread_id` is accepted and is always that of the path. */
export const checkpointReference = z
  .object({
    thread_id: z.string().nullish(),
    checkpoint_id: z.string().nullish(),
    checkpoint_ns: z.string().nullish(),
    checkpoint_map: jsonObject.nullish(),
  })
  .meta({ id: "CheckpointReference" });

/** As answers name a checkpoint. */
export const checkpoint = z
  .object({
    thread_id: z.string(),
    checkpoint_ns: z.string(),
    checkpoint_id: z.string(),
    checkpoint_map: jsonObject.nullable(),
  })
  .meta({ id: "Checkpoint" });

export const interrupt = z
  .looseObject({ id: z.string().optional(), value: json })
  .meta({ id: "Interrupt", description: "What a graph asks before it goes on" });

export const assistantParams = z.object({ assistant_id: z.string().min(1) });
export const threadParams = z.object({ thread_id: uuid });
export const runParams = z.object({ thread_id: uuid, run_id: uuid });

const errorBody = z
  .object({ detail: z.string(), message: z.string() })
  .meta({ id: "Error", description: "`detail` and `message` are the same sentence." });

export function answer(schema: z.ZodType | null, description: string): Answer {
  return { schema, description };
}

/** A page of what was searched for. */
export function pageAnswer(schema: z.ZodType): Answer {
  return {
    ...answer(z.array(schema), "A page of them, with the keys of `select`"),
    headers: {
      "X-Pagination-Total": "How many there are on all pages",
      "X-Pagination-Next": "The offset of the next page, when there is one",
    },
  };
}

const errors: Record<number, string> = {
  400: "The request cannot be read",
  401: "Nobody known asks",
  403: "Whoever asks may not do this",
  404: "Not found",
  409: "In a state that does not allow this",
  413: "The body is too large",
  422: "A value is not what the schema expects",
  426: "Only for WebSockets",
  500: "Something unforeseen; the server's log tells more under the id of `x-request-id`",
  503: "Not at this moment",
};

/** Entries for `answers` of a route that may fail with these statuses. */
export function failures(...statuses: (keyof typeof errors)[]): Record<number, Answer> {
  return Object.fromEntries(statuses.map((status) => [status, answer(errorBody, errors[status]!)]));
}

/** What any route may answer beside what it declares. `asksWho`: there are callers with names here. */
export function failuresOf(one: Route, asksWho: boolean): Record<number, Answer> {
  const asked = asksWho && one.action !== null;
  return failures(
    ...(one.body ? [400, 413, 422] : []),
    ...(one.params || Object.keys(one.query).length > 0 ? [422] : []),
    ...(asked ? [401] : []),
    ...(asked && one.action !== "member" ? [403] : []),
    500,
  );
}
