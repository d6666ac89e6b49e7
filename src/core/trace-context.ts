import type { Attributes } from "./ports/tracing.ts";
import type { Run } from "./run.ts";

const form = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A `traceparent` as W3C Trace Context has it; null when it is none. */
export function readTraceparent(text: unknown): string | null {
  const [, traceId, spanId] = (typeof text === "string" && form.exec(text.trim())) || [];
  if (!traceId || !spanId || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return (text as string).trim();
}

/**
 * The span of a whole run. It is made of the run's id and of the trace that the run was created in, so
 * that attempts in several processes, before and after a crash, know it without being told.
 */
export function traceparentOf(run: Run): string {
  const digits = run.runId.replaceAll("-", "");
  const [, traceId = digits, , flags = "01"] = form.exec(run.request.traceparent ?? "") ?? [];
  return `00-${traceId}-${digits.slice(16)}-${flags}`;
}

/** What every span in the name of a run bears. */
export function runAttributes(run: Run): Attributes {
  return {
    "adjutant.run.id": run.runId,
    "adjutant.thread.id": run.threadId,
    "adjutant.assistant.id": run.assistantId,
    "adjutant.assistant.version": run.assistantVersion,
    "adjutant.graph.id": run.request.graphId,
  };
}

/** What every line of the log in the name of a run bears. */
export function runFields(run: Run): Record<string, unknown> {
  return {
    run_id: run.runId,
    thread_id: run.threadId,
    assistant_id: run.assistantId,
    graph_id: run.request.graphId,
    attempt: run.attempt,
  };
}
