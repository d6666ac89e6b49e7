import type { SQLInputValue } from "node:sqlite";
import type { Assistant, AssistantContent, AssistantVersion } from "../../core/assistant.ts";
import type { Cron } from "../../core/cron.ts";
import type { ExpiryStrategy } from "../../core/expiry.ts";
import type { FoundItem, Item } from "../../core/item.ts";
import type { Json } from "../../core/json.ts";
import type { Run } from "../../core/run.ts";
import type { Thread } from "../../core/thread.ts";
import type { Delivery } from "../../core/webhook.ts";

/** Rows as SQLite gives them, and the nouns they stand for. */

export interface AssistantVersionRow {
  assistant_id: string;
  version: number;
  graph_id: string;
  name: string;
  description: string | null;
  config: string;
  context: string;
  metadata: string;
  created_at: number;
}

export interface AssistantRow extends AssistantVersionRow {
  updated_at: number;
}

export interface ThreadRow {
  thread_id: string;
  created_at: number;
  updated_at: number;
  state_updated_at: number;
  metadata: string;
  config: string;
  status: string;
  interrupts: string;
  error: string | null;
  temporary: number;
  last_ordinal: number;
  ttl_strategy: ExpiryStrategy | null;
  ttl_minutes: number | null;
  expires_at: number | null;
}

export interface RunRow {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  assistant_version: number;
  created_at: number;
  updated_at: number;
  not_before: number;
  status: string;
  metadata: string;
  request: string;
  strategy: string;
  attempt: number;
  lost_attempts: number;
  started_at: number | null;
  error: string | null;
  ordinal: number | null;
  cancel_reason: string | null;
}

export interface ItemRow {
  namespace: string;
  key: string;
  value: string;
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
  enabled: number;
  on_run_completed: Cron["onRunCompleted"];
  strategy: Cron["strategy"];
  created_at: number;
  updated_at: number;
  user_id: string | null;
  request: string;
  metadata: string;
  next_run_date: number | null;
}

export interface DeliveryRow {
  delivery_id: Delivery["deliveryId"];
  url: string;
  run: string;
  temporary: number;
  last_state: string | null;
  created_at: number;
  attempts: number;
  next_attempt_at: number | null;
  last_error: string | null;
}

export function assistantVersionOf(row: AssistantVersionRow): AssistantVersion {
  return {
    assistantId: row.assistant_id as AssistantVersion["assistantId"],
    version: row.version,
    graphId: row.graph_id,
    name: row.name,
    description: row.description,
    config: JSON.parse(row.config),
    context: JSON.parse(row.context),
    metadata: JSON.parse(row.metadata),
    createdAt: row.created_at,
  };
}

export function assistantOf(row: AssistantRow): Assistant {
  return { ...assistantVersionOf(row), updatedAt: row.updated_at };
}

/** In the order graph_id, name, description, config, context, metadata. */
export function encodeContent(content: AssistantContent): SQLInputValue[] {
  return [
    content.graphId,
    content.name,
    content.description,
    JSON.stringify(content.config),
    JSON.stringify(content.context),
    JSON.stringify(content.metadata),
  ];
}

export function threadOf(row: ThreadRow): Thread {
  return {
    threadId: row.thread_id as Thread["threadId"],
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    stateUpdatedAt: row.state_updated_at,
    metadata: JSON.parse(row.metadata),
    config: JSON.parse(row.config),
    status: row.status as Thread["status"],
    interrupts: JSON.parse(row.interrupts),
    error: row.error === null ? null : JSON.parse(row.error),
    temporary: row.temporary === 1,
    lastOrdinal: row.last_ordinal,
    ttl:
      row.ttl_strategy === null
        ? null
        : { strategy: row.ttl_strategy, minutes: row.ttl_minutes!, expiresAt: row.expires_at },
  };
}

export function runOf(row: RunRow): Run {
  return {
    runId: row.run_id as Run["runId"],
    threadId: row.thread_id as Run["threadId"],
    assistantId: row.assistant_id as Run["assistantId"],
    assistantVersion: row.assistant_version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    notBefore: row.not_before,
    status: row.status as Run["status"],
    metadata: JSON.parse(row.metadata),
    request: JSON.parse(row.request),
    strategy: row.strategy as Run["strategy"],
    attempt: row.attempt,
    lostAttempts: row.lost_attempts,
    startedAt: row.started_at,
    error: row.error === null ? null : JSON.parse(row.error),
    ordinal: row.ordinal,
    cancelReason: row.cancel_reason,
  };
}

export function itemOf(row: ItemRow): Item {
  return {
    namespace: labelsOf(row.namespace),
    key: row.key,
    value: JSON.parse(row.value),
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
    enabled: row.enabled === 1,
    onRunCompleted: row.on_run_completed,
    strategy: row.strategy,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    userId: row.user_id,
    request: JSON.parse(row.request),
    metadata: JSON.parse(row.metadata),
    nextRunDate: row.next_run_date,
  };
}

export function deliveryOf(row: DeliveryRow): Delivery {
  return {
    deliveryId: row.delivery_id,
    url: row.url,
    run: JSON.parse(row.run),
    temporary: row.temporary === 1,
    values: row.last_state,
    createdAt: row.created_at,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastError: row.last_error,
  };
}

export function labelsOf(namespace: string): string[] {
  return namespace.split("\u001f").slice(0, -1);
}

/** Null stays null, so that `is null` can be asked. */
export function encodeOptional(value: object | Json): string | null {
  return value === null ? null : JSON.stringify(value);
}
