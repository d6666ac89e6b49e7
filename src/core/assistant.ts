import type { Condition } from "./condition.ts";
import type { Config } from "./config.ts";
import type { AssistantId } from "./ids.ts";
import type { JsonObject } from "./json.ts";

/** What a version fixes: everything about an assistant but its id, its number and its times. */
export interface AssistantContent {
  graphId: string;
  name: string;
  description: string | null;
  config: Config;
  context: JsonObject;
  metadata: JsonObject;
}

/** Times are milliseconds since 1970 here and in every other noun. */
export interface AssistantVersion extends AssistantContent {
  assistantId: AssistantId;
  version: number;
  createdAt: number;
}

/** An assistant shows the content of its active version. */
export interface Assistant extends AssistantVersion {
  updatedAt: number;
}

/** A change; what is absent stays. `metadata` is merged key by key, all else replaces. */
export type AssistantChange = Partial<AssistantContent>;

/**
 * The content of the next version (specification 3.2). A change of `config.configurable` without a
 * `context` takes the keys it names out of the context kept from before: the last edit of a key
 * counts, under whichever spelling it was made.
 */
export function changeAssistant(
  current: AssistantContent,
  change: AssistantChange,
): AssistantContent {
  const next: AssistantContent = {
    ...current,
    ...change,
    metadata: { ...current.metadata, ...change.metadata },
  };
  if (change.config && !change.context) {
    const renamed = new Set(Object.keys(change.config.configurable ?? {}));
    next.context = Object.fromEntries(
      Object.entries(current.context).filter(([key]) => !renamed.has(key)),
    );
  }
  return next;
}

export interface AssistantFilter {
  graphId?: string;
  /** Case-insensitive part of the name. */
  name?: string;
  metadata?: JsonObject;
  /** What the caller may see; null or absent is all. */
  visible?: Condition | null;
}

export type AssistantSortField = "assistant_id" | "graph_id" | "created_at" | "updated_at" | "name";

/** `id@3` names version 3 of the assistant (or of the graph's default assistant) `id`. */
export function parseAssistantReference(text: string): { id: string; version: number | null } {
  const match = /^(.+)@(\d{1,9})$/.exec(text);
  if (!match) return { id: text, version: null };
  return { id: match[1]!, version: Number(match[2]) };
}
