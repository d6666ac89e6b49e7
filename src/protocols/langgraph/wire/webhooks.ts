import type { JsonObject } from "../../../core/json.ts";
import type { Delivery } from "../../../core/webhook.ts";
import { timestampOf } from "./common.ts";
import { presentRun } from "./runs.ts";

/** What a webhook is sent (specification 3.10): the run as it ended, with its last state. */
export function presentDelivery(delivery: Delivery, sentAt: number): JsonObject {
  const { run, temporary, values } = delivery;
  return {
    ...(presentRun(run, temporary) as JsonObject),
    run_started_at: run.startedAt === null ? null : timestampOf(run.startedAt),
    run_ended_at: timestampOf(run.updatedAt),
    webhook_sent_at: timestampOf(sentAt),
    values: values === null ? null : JSON.parse(values),
    error: run.error && { error: run.error.error, message: run.error.message },
  };
}
