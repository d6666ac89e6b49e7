import type { z } from "zod";
import type { ThreadTtl } from "../../../core/expiry.ts";
import type { ThreadId } from "../../../core/ids.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import type {
  CreateThread,
  ThreadPatch,
  ThreadTtlWish,
  ThreadWithValues,
} from "../../../core/operations/threads.ts";
import type { StateUpdate, ThreadSize } from "../../../core/ports/graphs.ts";
import type { ThreadFilter } from "../../../core/thread.ts";
import type * as schemas from "../schemas/threads.ts";
import { timestampOf } from "./common.ts";

/** `include` may name `ttl`, which a thread that stays has not. */
export function presentThread(
  thread: ThreadWithValues,
  include: readonly string[] = [],
): z.infer<typeof schemas.thread> {
  return {
    thread_id: thread.threadId,
    created_at: timestampOf(thread.createdAt),
    updated_at: timestampOf(thread.updatedAt),
    state_updated_at: timestampOf(thread.stateUpdatedAt),
    metadata: thread.metadata,
    config: thread.config,
    status: thread.status,
    values: thread.values,
    interrupts: thread.interrupts as unknown as JsonObject,
    ...(thread.error && { error: thread.error }),
    ...(thread.ttl && include.includes("ttl") && { ttl: presentTtl(thread.ttl) }),
  };
}

function presentTtl({
  strategy,
  minutes,
  expiresAt,
}: ThreadTtl): z.infer<typeof schemas.thread>["ttl"] {
  return {
    strategy,
    ttl_minutes: minutes,
    expires_at: expiresAt === null ? null : timestampOf(expiresAt),
  };
}

function readTtl(ttl: z.infer<typeof schemas.createBody>["ttl"]): ThreadTtlWish | null | undefined {
  if (typeof ttl === "number") return { strategy: "delete", minutes: ttl };
  return ttl && { strategy: ttl.strategy, minutes: ttl.ttl };
}

export function readThreadPatch(body: z.infer<typeof schemas.patchBody>): ThreadPatch {
  return { metadata: body.metadata ?? undefined, ttl: readTtl(body.ttl) };
}

export function readCreateThread(body: z.infer<typeof schemas.createBody>): CreateThread {
  return {
    threadId: (body.thread_id ?? undefined) as ThreadId | undefined,
    metadata: body.metadata ?? undefined,
    ifExists: body.if_exists,
    ttl: readTtl(body.ttl),
    supersteps: body.supersteps?.map(({ updates }) =>
      updates.map((update): StateUpdate => ({
        values: (update.values ?? null) as Json,
        command: update.command as JsonObject | null | undefined,
        asNode: update.as_node,
      })),
    ),
  };
}

export function presentStorage(
  threadId: string,
  { checkpoints, channels, writes }: ThreadSize,
): z.infer<typeof schemas.storage> {
  const all = Object.values(channels);
  const bytes = all.reduce((sum, channel) => sum + channel.bytes, 0);
  const count = all.reduce((sum, channel) => sum + channel.versions, 0);
  return {
    thread_id: threadId,
    total_bytes: checkpoints.bytes + bytes + writes.bytes,
    checkpoints,
    channel_values: { count, bytes, by_channel: channels },
    pending_writes: writes,
  };
}

export function readThreadFilter(body: Partial<z.infer<typeof schemas.searchBody>>): ThreadFilter {
  return {
    ids: (body.ids ?? undefined) as ThreadId[] | undefined,
    metadata: body.metadata ?? undefined,
    status: body.status ?? undefined,
  };
}
