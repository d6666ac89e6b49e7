import type { z } from "zod";
import type { Cron, CronChange, CronFilter, CronRequest } from "../../../core/cron.ts";
import type { AssistantId, ThreadId } from "../../../core/ids.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { CreateCron } from "../../../core/operations/crons.ts";
import type * as schemas from "../schemas/crons.ts";
import { readConfig, timestampOf } from "./common.ts";
import { streamModesOf } from "./runs.ts";

type CreateBody = z.infer<typeof schemas.createBody>;
type UpdateBody = z.infer<typeof schemas.updateBody>;

export function presentCron(cron: Cron): z.infer<typeof schemas.cron> {
  return {
    cron_id: cron.cronId,
    assistant_id: cron.assistantId,
    thread_id: cron.threadId,
    on_run_completed: cron.threadId === null ? cron.onRunCompleted : null,
    end_time: cron.endTime === null ? null : timestampOf(cron.endTime),
    schedule: cron.schedule,
    timezone: cron.timezone,
    created_at: timestampOf(cron.createdAt),
    updated_at: timestampOf(cron.updatedAt),
    user_id: cron.userId,
    payload: presentPayload(cron),
    next_run_date: cron.nextRunDate === null ? null : timestampOf(cron.nextRunDate),
    metadata: cron.metadata,
    enabled: cron.enabled,
  };
}

/** The body of the runs it creates. */
function presentPayload({ request, ...cron }: Cron): JsonObject {
  return {
    assistant_id: cron.assistantId,
    ...(cron.assistantVersion !== null && { assistant_version: cron.assistantVersion }),
    input: request.input,
    ...(request.config && { config: request.config }),
    ...(request.context && { context: request.context }),
    metadata: cron.metadata,
    ...(request.webhook && { webhook: request.webhook }),
    ...(request.interruptBefore && { interrupt_before: request.interruptBefore }),
    ...(request.interruptAfter && { interrupt_after: request.interruptAfter }),
    stream_mode: request.streamModes,
    stream_subgraphs: request.streamSubgraphs,
    stream_resumable: request.resumable,
    durability: request.durability,
    ...(cron.threadId !== null && { multitask_strategy: cron.strategy }),
  };
}

export function readCreateCron(threadId: string | null, body: CreateBody): CreateCron {
  return {
    assistant: body.assistant_id,
    threadId: threadId as ThreadId | null,
    ifNotExists: body.if_not_exists ?? "reject",
    schedule: body.schedule,
    timezone: body.timezone ?? null,
    endTime: readMoment(body.end_time) ?? null,
    enabled: body.enabled ?? true,
    onRunCompleted: body.on_run_completed ?? "delete",
    strategy: body.multitask_strategy ?? "enqueue",
    request: {
      input: body.input ?? null,
      config: (readConfig(body.config) as JsonObject | undefined) ?? null,
      context: body.context ?? null,
      webhook: body.webhook ?? null,
      streamModes: streamModesOf(body.stream_mode),
      streamSubgraphs: body.stream_subgraphs ?? false,
      resumable: body.stream_resumable ?? false,
      interruptBefore: body.interrupt_before ?? null,
      interruptAfter: body.interrupt_after ?? null,
      durability: body.durability ?? (body.checkpoint_during === false ? "exit" : "async"),
    },
    metadata: body.metadata ?? {},
  };
}

/** Null clears what can be absent, and says nothing of the rest. */
export function readCronChange(body: UpdateBody): CronChange {
  return {
    ...(isGiven(body.schedule) && { schedule: body.schedule }),
    ...(body.timezone !== undefined && { timezone: body.timezone }),
    ...(body.end_time !== undefined && { endTime: readMoment(body.end_time) ?? null }),
    ...(isGiven(body.enabled) && { enabled: body.enabled }),
    ...(isGiven(body.on_run_completed) && { onRunCompleted: body.on_run_completed }),
    ...(isGiven(body.metadata) && { metadata: body.metadata }),
    request: readRequestChange(body),
  };
}

function readRequestChange(body: UpdateBody): Partial<CronRequest> {
  return {
    ...(body.input !== undefined && { input: body.input }),
    ...(body.config !== undefined && {
      config: (readConfig(body.config) as JsonObject | undefined) ?? null,
    }),
    ...(body.context !== undefined && { context: body.context }),
    ...(body.webhook !== undefined && { webhook: body.webhook }),
    ...(body.interrupt_before !== undefined && { interruptBefore: body.interrupt_before }),
    ...(body.interrupt_after !== undefined && { interruptAfter: body.interrupt_after }),
    ...(isGiven(body.stream_mode) && { streamModes: streamModesOf(body.stream_mode) }),
    ...(isGiven(body.stream_subgraphs) && { streamSubgraphs: body.stream_subgraphs }),
    ...(isGiven(body.stream_resumable) && { resumable: body.stream_resumable }),
    ...(isGiven(body.durability) && { durability: body.durability }),
  };
}

export function readCronFilter(body: Partial<z.infer<typeof schemas.searchBody>>): CronFilter {
  return {
    assistantId: (body.assistant_id ?? undefined) as AssistantId | undefined,
    threadId: (body.thread_id ?? undefined) as ThreadId | undefined,
    enabled: body.enabled ?? undefined,
    metadata: body.metadata ?? undefined,
  };
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

/** A date without an offset is UTC. */
function readMoment(text: string | null | undefined): number | null | undefined {
  if (text === null || text === undefined) return text;
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
}
