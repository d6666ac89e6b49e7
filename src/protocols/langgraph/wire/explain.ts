import type { z } from "zod";
import type { Explanation } from "../../../core/explanation.ts";
import type { explanation } from "../schemas/explain.ts";
import { timestampOf } from "./common.ts";

export function presentExplanation(told: Explanation): z.infer<typeof explanation> {
  const { blockedBy, lease, webhook } = told;
  return {
    run_id: told.runId,
    thread_id: told.threadId,
    status: told.status,
    reason: told.reason,
    explanation: told.explanation,
    next: told.next,
    blocked_by: blockedBy && { run_id: blockedBy.runId, status: blockedBy.status },
    not_before: optionalTimestamp(told.notBefore),
    attempt: told.attempt,
    lost_attempts: told.lostAttempts,
    lease: lease && { owner: lease.owner, expires_at: timestampOf(lease.expiresAt) },
    queue: told.queue,
    error: told.error,
    webhook: webhook && {
      attempts: webhook.attempts,
      next_attempt_at: optionalTimestamp(webhook.nextAttemptAt),
      last_error: webhook.lastError,
    },
  };
}

function optionalTimestamp(milliseconds: number | null): string | null {
  return milliseconds === null ? null : timestampOf(milliseconds);
}
