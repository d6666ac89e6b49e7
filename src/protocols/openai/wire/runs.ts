import type { JsonObject } from "../../../core/json.ts";
import type { StoredMessage } from "../../../core/message.ts";
import { isActive, ownNotes, type Turn, type TurnStatus } from "../../../core/turn.ts";
import { encodeId } from "../ids.ts";
import type { CreateRunBody, CreateThreadAndRunBody } from "../schemas.ts";
import { presentSettings } from "./assistants.ts";
import { optionalSeconds, presentMetadata, seconds } from "./common.ts";

const overrides = [
  "model",
  "instructions",
  "tools",
  "tool_resources",
  "temperature",
  "top_p",
  "max_prompt_tokens",
  "max_completion_tokens",
  "truncation_strategy",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
] as const;

/** What a run sets over its assistant: null is as good as absent, 0 and "" are values. */
export function runContext(
  body: CreateRunBody | CreateThreadAndRunBody,
  assistantInstructions: unknown,
): JsonObject {
  const fields = body as Record<string, unknown>;
  const given = overrides.filter((name) => fields[name] !== undefined && fields[name] !== null);
  const context = Object.fromEntries(given.map((name) => [name, fields[name]])) as JsonObject;
  const more = fields["additional_instructions"];
  if (typeof more !== "string" || more === "") return context;
  const own = context["instructions"] ?? assistantInstructions;
  const instructions = typeof own === "string" && own !== "" ? `${own}\n${more}` : more;
  return { ...context, instructions };
}

/** A status of the wire: `cancelling` is said once, in the answer to a cancel, which has ended the run. */
export type RunStatusWord = TurnStatus | "cancelling";

export function presentRun(turn: Turn, status: RunStatusWord = turn.status) {
  const first = turn.runs[0]!;
  const { context } = first.request;
  const isOver = status !== "cancelling" && !isActive(status);
  const endedAt = isOver ? optionalSeconds(turn.endedAt ?? first.updatedAt) : null;
  const at = (wanted: TurnStatus) => (status === wanted ? endedAt : null);
  return {
    id: encodeId("run", turn.turnId),
    object: "thread.run" as const,
    created_at: seconds(first.createdAt),
    thread_id: encodeId("thread", first.threadId),
    assistant_id: encodeId("asst", first.assistantId),
    status,
    required_action: status === "requires_action" ? presentAction(turn) : null,
    last_error: status === "failed" ? lastError(turn) : null,
    expires_at: isOver ? null : optionalSeconds(turn.expiresAt),
    started_at: startedAt(turn, status),
    cancelled_at: at("cancelled"),
    failed_at: at("failed"),
    completed_at: at("completed"),
    incomplete_details: status === "incomplete" ? { reason: turn.gap } : null,
    ...presentSettings(context),
    tool_resources: context["tool_resources"] ?? {},
    metadata: presentMetadata(ownNotes(first.metadata)["metadata"] as JsonObject | undefined),
    usage: isOver ? usageOf(turn.messages) : null,
    max_prompt_tokens: context["max_prompt_tokens"] ?? null,
    max_completion_tokens: context["max_completion_tokens"] ?? null,
    truncation_strategy: {
      type: "auto",
      last_messages: null,
      ...(context["truncation_strategy"] as JsonObject | undefined),
    },
    tool_choice: context["tool_choice"] ?? "auto",
    parallel_tool_calls: context["parallel_tool_calls"] ?? true,
  };
}

function presentAction({ calls }: Turn) {
  const tool_calls = calls.map(({ id, name, arguments: args }) => ({
    id,
    type: "function",
    function: { name, arguments: args },
  }));
  return { type: "submit_tool_outputs", submit_tool_outputs: { tool_calls } };
}

function startedAt({ runs }: Turn, status: RunStatusWord): number | null {
  const first = runs[0]!;
  if (status === "queued" && runs.length === 1) return null;
  // A stream announces the start before it has read when that was.
  return optionalSeconds(first.startedAt ?? (status === "in_progress" ? first.createdAt : null));
}

export function lastError(turn: Turn): { code: string; message: string } {
  const { error = "", message = "The run failed." } = turn.runs.at(-1)!.error ?? {};
  if (/RateLimit|Quota/i.test(error)) return { code: "rate_limit_exceeded", message };
  return { code: error === "ModelNotFound" ? "invalid_prompt" : "server_error", message };
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

export function usageOf(messages: StoredMessage[]): Usage {
  const usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  for (const { usage_metadata: used } of messages) {
    usage.prompt_tokens += used?.input_tokens ?? 0;
    usage.completion_tokens += used?.output_tokens ?? 0;
    usage.total_tokens += used?.total_tokens ?? 0;
  }
  return usage;
}
