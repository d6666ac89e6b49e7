import { createHash, randomUUIDv7 } from "node:crypto";

/** Ids are UUID strings; the brand says of what. Minted here and nowhere else. */
export type AssistantId = string & { readonly __brand: "AssistantId" };
export type ThreadId = string & { readonly __brand: "ThreadId" };
export type RunId = string & { readonly __brand: "RunId" };
export type CronId = string & { readonly __brand: "CronId" };
export type DeliveryId = string & { readonly __brand: "DeliveryId" };

export interface Ids {
  assistant(): AssistantId;
  thread(): ThreadId;
  run(): RunId;
  cron(): CronId;
  delivery(): DeliveryId;
}

/** UUIDv7: sorts by the millisecond of creation; within one, storage keeps the order. */
export const randomIds: Ids = {
  assistant: () => randomUUIDv7() as AssistantId,
  thread: () => randomUUIDv7() as ThreadId,
  run: () => randomUUIDv7() as RunId,
  cron: () => randomUUIDv7() as CronId,
  delivery: () => randomUUIDv7() as DeliveryId,
};

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

const defaultAssistantNamespace = "6ba7b8219dad11d180b400c04fd430c8";

/** Every run that names its graph asks for one, and a hash costs more than some statements of the database. */
const defaultAssistantIds = new Map<string, AssistantId>();
const defaultAssistantIdsMax = 1_000;

/**
 * The id of a graph's default assistant: UUIDv5 of the graph id, so that every server gives the same
 * (LangGraph API specification 3.1; `agent` gives fe096781-5601-53d2-b2f6-0d3403f7e9ca).
 */
export function defaultAssistantId(graphId: string): AssistantId {
  const known = defaultAssistantIds.get(graphId);
  if (known) return known;
  const id = hashedAssistantId(graphId);
  if (defaultAssistantIds.size >= defaultAssistantIdsMax) defaultAssistantIds.clear();
  defaultAssistantIds.set(graphId, id);
  return id;
}

function hashedAssistantId(graphId: string): AssistantId {
  const hash = createHash("sha1")
    .update(Buffer.from(defaultAssistantNamespace, "hex"))
    .update(graphId)
    .digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.subarray(0, 16).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-") as AssistantId;
}
