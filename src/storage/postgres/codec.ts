import type { Assistant, AssistantContent, AssistantVersion } from "../../core/assistant.ts";
import type { Config } from "../../core/config.ts";
import type { Failure } from "../../core/error.ts";
import type { AssistantId, RunId, ThreadId } from "../../core/ids.ts";
import type { Cron } from "../../core/cron.ts";
import type { ExpiryStrategy } from "../../core/expiry.ts";
import type { FoundItem, Item } from "../../core/item.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Run } from "../../core/run.ts";
import type { Thread } from "../../core/thread.ts";
import type { Delivery } from "../../core/webhook.ts";
import { json } from "./database.ts";

/** Rows as the driver gives them (JSON parsed, `int8` as numbers), and the nouns they stand for. */

export interface AssistantVersionRow {
  assistant_id: AssistantId;
  version: number;
  graph_id: string;
  name: string;
  description: string | null;
  config: Config;
  context: JsonObject;
  metadata: JsonObject;
  created_at: number;
}

export interface AssistantRow extends AssistantVersionRow {
  updated_at: number;
}

export interface ThreadRow {
  thread_id: ThreadId;
  created_at: number;
  updated_at: number;
  state_updated_at: number;
  metadata: JsonObject;
  config: Config;
  status: Thread["status"];
  interrupts: Thread["interrupts"];
  error: Failure | null;
  temporary: boolean;
  last_ordinal: number;
  ttl_strategy: ExpiryStrategy | null;
  ttl_minutes: number | null;
  expires_at: number | null;
}

export interface RunRow {
  run_id: RunId;
  thread_id: ThreadId;
  assistant_id: AssistantId;
  assistant_version: number;
  created_at: number;
  updated_at: number;
  not_before: number;
  status: Run["status"];
  metadata: JsonObject;
  request: Run["request"];
  strategy: Run["strategy"];
  attempt: number;
  lost_attempts: number;
  started_at: number | null;
  error: Failure | null;
  ordinal: number | null;
  cancel_reason: string | null;
}

export interface ItemRow {
  namespace: string[];
  key: string;
  value: JsonObject;
  created_at: number;
  updated_at: number;
  ttl_minutes: number | null;
  expires_at: number | null;
}

export interface CronRow {
  cron_id: Cron["cronId"];
  assistant_id: Cron["assistantId"];
  assistant_version: number | null;
  thread_id: Cron["threadId"];
  schedule: string;
  timezone: string | null;
  end_time: number | null;
  enabled: boolean;
  on_run_completed: Cron["onRunCompleted"];
  strategy: Cron["strategy"];
  created_at: number;
  updated_at: number;
  user_id: string | null;
  request: Cron["request"];
  metadata: JsonObject;
  next_run_date: number | null;
}

export interface DeliveryRow {
  delivery_id: Delivery["deliveryId"];
  url: string;
  run: Run;
  temporary: boolean;
  last_state: string | null;
  created_at: number;
  attempts: number;
  next_attempt_at: number | null;
  last_error: string | null;
}

export function assistantVersionOf(row: AssistantVersionRow): AssistantVersion {
  return {
    assistantId: row.assistant_id,
    version: row.version,
    graphId: row.graph_id,
    name: row.name,
    description: row.description,
    config: row.config,
    context: row.context,
    metadata: row.metadata,
    createdAt: row.created_at,
  };
}

export function assistantOf(row: AssistantRow): Assistant {
  return { ...assistantVersionOf(row), updatedAt: row.updated_at };
}

/** In the order graph_id, name, description, config, context, metadata. */
export function contentValues(content: AssistantContent): unknown[] {
  return [
    content.graphId,
    content.name,
    content.description,
    json(content.config),
    json(content.context),
    json(content.metadata),
  ];
}

export function threadOf(row: ThreadRow): Thread {
  return {
    threadId: row.thread_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    stateUpdatedAt: row.state_updated_at,
    metadata: row.metadata,
    config: row.config,
    status: row.status,
    interrupts: row.interrupts,
    error: row.error,
    temporary: row.temporary,
    lastOrdinal: row.last_ordinal,
    ttl:
      row.ttl_strategy === null
        ? null
        : { strategy: row.ttl_strategy, minutes: row.ttl_minutes!, expiresAt: row.expires_at },
  };
}

export function runOf(row: RunRow): Run {
  return {
    runId: row.run_id,
    threadId: row.thread_id,
    assistantId: row.assistant_id,
    assistantVersion: row.assistant_version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    notBefore: row.not_before,
    status: row.status,
    metadata: row.metadata,
    request: row.request,
    strategy: row.strategy,
    attempt: row.attempt,
    lostAttempts: row.lost_attempts,
    startedAt: row.started_at,
    error: row.error,
    ordinal: row.ordinal,
    cancelReason: row.cancel_reason,
  };
}

export function itemOf(row: ItemRow): Item {
  return {
    namespace: row.namespace,
    key: row.key,
    value: row.value,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ttl: row.ttl_minutes === null ? null : { minutes: row.ttl_minutes, expiresAt: row.expires_at! },
  };
}

/** `score` is null for an item that no vector tells of. */
export function foundItemOf(row: ItemRow & { score?: number | null }): FoundItem {
  const { score } = row;
  return typeof score === "number" ? { ...itemOf(row), score } : itemOf(row);
}

export function cronOf(row: CronRow): Cron {
  return {
    cronId: row.cron_id,
    assistantId: row.assistant_id,
    assistantVersion: row.assistant_version,
    threadId: row.thread_id,
    schedule: row.schedule,
    timezone: row.timezone,
    endTime: row.end_time,
    enabled: row.enabled,
    onRunCompleted: row.on_run_completed,
    strategy: row.strategy,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    userId: row.user_id,
    request: row.request,
    metadata: row.metadata,
    nextRunDate: row.next_run_date,
  };
}

export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    deliveryId: row.delivery_id,
    url: row.url,
    run: row.run,
    temporary: row.temporary,
    values: row.last_state,
    createdAt: row.created_at,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastError: row.last_error,
  };
}
