import { isObject, type JsonObject } from "../../../core/json.ts";
import type { Thread } from "../../../core/thread.ts";
import { ownNotes, ownKey } from "../../../core/turn.ts";
import { encodeId } from "../ids.ts";
import type { UpdateThreadBody } from "../schemas.ts";
import { presentMetadata, seconds } from "./common.ts";

export function presentThread(thread: Pick<Thread, "threadId" | "createdAt" | "metadata">) {
  return {
    id: encodeId("thread", thread.threadId),
    object: "thread" as const,
    created_at: seconds(thread.createdAt),
    metadata: presentMetadata(usersPairs(thread.metadata)),
    tool_resources: ownNotes(thread.metadata)["tool_resources"] ?? {},
  };
}

/** Keys that say in a thread's metadata what it is bound to; programs use the second for themselves. */
function splitMetadata(metadata: JsonObject): { bound: JsonObject; own: JsonObject } {
  const { graph_id, assistant_id, ...own } = metadata;
  return {
    bound: {
      ...(graph_id !== undefined && { graph_id }),
      ...(assistant_id !== undefined && { assistant_id }),
    },
    own,
  };
}

function usersPairs(metadata: JsonObject): JsonObject {
  const shadowed = ownNotes(metadata)["shadowed"];
  return { ...splitMetadata(metadata).own, ...(isObject(shadowed) ? shadowed : {}) };
}

/** A new thread's metadata, as `changedMetadata` of it. */
export function threadMetadata(graphId: string, body: UpdateThreadBody): JsonObject {
  return changedMetadata({ graph_id: graphId }, body);
}

/** `metadata` replaces the user's pairs; ours stay. */
export function changedMetadata(metadata: JsonObject, body: UpdateThreadBody): JsonObject {
  const { bound } = splitMetadata(metadata);
  const users = splitMetadata(body.metadata ?? {});
  const notes = {
    ...ownNotes(metadata),
    ...(body.tool_resources !== undefined && {
      tool_resources: body.tool_resources as JsonObject | null,
    }),
    ...(body.metadata !== undefined && { shadowed: users.bound }),
  };
  return {
    ...(body.metadata === undefined ? metadata : { ...users.own, ...bound }),
    [ownKey]: notes,
  };
}
