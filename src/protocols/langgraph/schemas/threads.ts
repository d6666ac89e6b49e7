import { z } from "zod";
import { pageSizeMax } from "../../../core/page.ts";
import { extractPath } from "../wire/extract.ts";
import {
  checkpoint,
  checkpointReference,
  config,
  ifExists,
  interrupt,
  json,
  jsonObject,
  limit,
  offset,
  sortOrder,
  timestamp,
  ttlMinutes,
  uuid,
} from "./common.ts";
import { command } from "./runs.ts";

const status = z.enum(["idle", "busy", "interrupted", "error"]);

const pruneStrategy = z.enum(["delete", "keep_latest"]).default("delete");

const ttl = z
  .object({ strategy: pruneStrategy, ttl_minutes: z.number(), expires_at: timestamp.nullable() })
  .meta({ id: "ThreadTtl", description: "Told with `include=ttl`" });

/** Minutes, or minutes and what happens then; null is for ever. */
const wantedTtl = z
  .union([ttlMinutes, z.object({ ttl: ttlMinutes, strategy: pruneStrategy })], {
    error: "expected a positive number of minutes or {ttl, strategy: delete | keep_latest}",
  })
  .nullish();

export const thread = z
  .object({
    thread_id: z.string(),
    created_at: timestamp,
    updated_at: timestamp,
    state_updated_at: timestamp,
    metadata: jsonObject,
    config,
    status,
    values: json,
    interrupts: jsonObject,
    error: z.object({ error: z.string(), message: z.string() }).optional(),
    ttl: ttl.optional(),
    extracted: jsonObject.optional(),
  })
  .meta({ id: "Thread", description: "A conversation's state over time" });

/** What an update may be: whatever the graph accepts. */
const values = z
  .union([jsonObject, z.array(json)], { error: "expected an object, a list or null" })
  .nullish();

const superstep = z.object({
  updates: z.array(z.object({ values, command: command.nullish(), as_node: z.string() })).min(1),
});

export const createBody = z
  .object({
    thread_id: uuid.nullish(),
    metadata: jsonObject.nullish(),
    if_exists: ifExists,
    ttl: wantedTtl,
    supersteps: z.array(superstep).nullish(),
  })
  .meta({ id: "ThreadCreate" });

export const patchBody = z
  .object({ metadata: jsonObject.nullish(), ttl: wantedTtl })
  .meta({ id: "ThreadPatch" });

const filter = {
  metadata: jsonObject.nullish(),
  values: jsonObject.nullish(),
  status: status.nullish(),
};

const pathsMax = 10;

/** Each is answered under its alias in `extracted`. */
const paths = z
  .record(
    z.string().min(1),
    z.string().regex(extractPath, {
      error:
        "expected a path such as values.messages[-1].content, which begins with values, metadata, config or interrupts",
    }),
  )
  .refine((given) => Object.keys(given).length <= pathsMax, {
    error: `expected at most ${pathsMax} paths`,
  });

export const searchBody = z
  .object({
    ids: z.array(uuid).nullish(),
    ...filter,
    limit,
    offset,
    sort_by: z
      .enum(["thread_id", "status", "created_at", "updated_at", "state_updated_at"])
      .default("updated_at"),
    sort_order: sortOrder,
    select: z.array(z.enum([...thread.keyof().options, "context"])).nullish(),
    include: z.array(z.string()).nullish(),
    extract: paths.nullish(),
  })
  .meta({ id: "ThreadSearch" });

export const countBody = z.object(filter).meta({ id: "ThreadCount" });

const task = z
  .object({
    id: z.string(),
    name: z.string(),
    path: z.array(json),
    error: z.string().nullable(),
    interrupts: z.array(interrupt),
    checkpoint: checkpoint.nullable(),
    get state() {
      return state.nullable();
    },
    result: json,
  })
  .meta({ id: "Task", description: "A node that is to run next, or has run" });

export const pruneBody = z
  .object({ thread_ids: z.array(uuid).max(pageSizeMax), strategy: pruneStrategy })
  .meta({ id: "ThreadPrune" });

export const pruned = z.object({ pruned_count: z.int() }).meta({ id: "ThreadPruned" });

const size = z.object({ count: z.int(), bytes: z.int() });

export const storage = z
  .object({
    thread_id: z.string(),
    total_bytes: z.int(),
    checkpoints: size,
    channel_values: size.extend({
      by_channel: z.record(z.string(), z.object({ versions: z.int(), bytes: z.int() })),
    }),
    pending_writes: size,
  })
  .meta({ id: "ThreadStorage", description: "Bytes of values as they read back" });

export const state = z
  .object({
    values: json,
    next: z.array(z.string()),
    tasks: z.array(task),
    metadata: jsonObject,
    created_at: z.string().nullable(),
    checkpoint: checkpoint.nullable(),
    parent_checkpoint: checkpoint.nullable(),
    interrupts: z.array(interrupt),
  })
  .meta({ id: "ThreadState", description: "The state of a thread at one checkpoint" });

/** Names of a state's fields, and `values.<key>`. */
export const stateField = z.union([state.keyof(), z.templateLiteral(["values.", z.string()])], {
  error: `expected one of ${state.keyof().options.join(", ")} or values.<key>`,
});

export const stateAtBody = z
  .object({
    checkpoint: checkpointReference,
    subgraphs: z.boolean().nullish(),
    select: z.array(stateField).nullish(),
  })
  .meta({ id: "ThreadStateAt" });

export const updateStateBody = z
  .object({
    values,
    checkpoint: checkpointReference.nullish(),
    checkpoint_id: z.string().nullish(),
    as_node: z.string().nullish(),
  })
  .meta({ id: "ThreadStateUpdate" });

export const updatedState = z
  .object({
    checkpoint,
    configurable: checkpoint,
    checkpoint_id: z.string(),
  })
  .meta({ id: "ThreadStateUpdated" });

export const patchStateBody = z
  .object({ metadata: jsonObject.nullish() })
  .meta({ id: "ThreadStatePatch" });

/** A checkpoint's id, a checkpoint, or a config that names one. */
const before = z.union(
  [
    z.string(),
    checkpointReference.extend({ checkpoint_id: z.string() }),
    z.object({ configurable: z.object({ checkpoint_id: z.string() }) }),
  ],
  { error: "expected a checkpoint id, a checkpoint or {configurable: {checkpoint_id}}" },
);

export const historyBody = z
  .object({
    limit,
    before: before.nullish(),
    metadata: jsonObject.nullish(),
    checkpoint: checkpointReference.nullish(),
    select: z.array(stateField).nullish(),
  })
  .meta({ id: "ThreadHistory" });
