import { z } from "zod";
import type { Answer } from "../route.ts";

export const threadParams = z.object({ thread_id: z.string() });
export const runParams = z.object({ thread_id: z.string(), run_id: z.string() });
export const messageParams = z.object({ thread_id: z.string(), message_id: z.string() });
export const stepParams = z.object({
  thread_id: z.string(),
  run_id: z.string(),
  step_id: z.string(),
});
export const assistantParams = z.object({ assistant_id: z.string() });

/** Judged in the handler, which has OpenAI's words for what is wrong. */
export const anyBody = z.unknown();

const errorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

export function answers(description: string): Record<number, Answer> {
  return {
    200: { description, schema: z.looseObject({ object: z.string() }) },
    400: { description: "What is wrong with the request", schema: errorBody },
    404: { description: "There is none", schema: errorBody },
  };
}
