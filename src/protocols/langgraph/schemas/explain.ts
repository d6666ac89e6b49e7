import { z } from "zod";
import { timestamp } from "./common.ts";
import { runStatus } from "./runs.ts";

export const explanation = z
  .object({
    run_id: z.string(),
    thread_id: z.string().nullable(),
    status: runStatus,
    reason: z.enum([
      "not_due",
      "thread_busy",
      "workers_full",
      "waiting_for_worker",
      "running",
      "worker_lost",
      "waiting_for_input",
      "ended",
    ]),
    explanation: z.string(),
    next: z.string(),
    blocked_by: z.object({ run_id: z.string(), status: runStatus }).nullable(),
    not_before: timestamp.nullable(),
    attempt: z.int(),
    lost_attempts: z.int(),
    lease: z.object({ owner: z.string(), expires_at: timestamp }).nullable(),
    queue: z.object({ ahead: z.int(), running: z.int(), slots: z.int() }).nullable(),
    error: z.object({ error: z.string(), message: z.string() }).nullable(),
    webhook: z
      .object({
        attempts: z.int(),
        next_attempt_at: timestamp.nullable(),
        last_error: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: "RunExplanation", description: "Why a run is where it is, and what comes next" });
