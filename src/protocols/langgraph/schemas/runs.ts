import { z } from "zod";
import {
  checkpointReference,
  config,
  json,
  jsonObject,
  limit,
  offset,
  timestamp,
  uuid,
  version,
} from "./common.ts";

export const strategy = z.enum(["reject", "rollback", "interrupt", "enqueue"]);

export const streamMode = z.enum([
  "values",
  "messages",
  "messages-tuple",
  "updates",
  "events",
  "debug",
  "tasks",
  "checkpoints",
  "custom",
  "tools",
  "lifecycle",
]);

export const runStatus = z.enum([
  "pending",
  "running",
  "error",
  "success",
  "timeout",
  "interrupted",
]);

export const run = z
  .object({
    run_id: z.string(),
    thread_id: z.string(),
    assistant_id: z.string(),
    assistant_version: version,
    created_at: timestamp,
    updated_at: timestamp,
    status: runStatus,
    metadata: jsonObject,
    kwargs: jsonObject,
    multitask_strategy: strategy,
    attempt: z.int(),
    started_at: timestamp.nullable(),
    error: z.object({ error: z.string(), message: z.string() }).optional(),
    cancel_reason: z.string().optional(),
    /** As `langsmith_tracer` of the request named it. */
    langsmith_session_name: z.string().optional(),
  })
  .meta({ id: "Run", description: "One execution of an assistant on a thread" });

const goto = z.union([z.string(), z.object({ node: z.string(), input: json.optional() })], {
  error: "expected a node's name or {node, input}",
});

export const command = z
  .object({
    update: z
      .union([jsonObject, z.array(z.tuple([z.string(), json]))], {
        error: "expected an object or a list of [key, value]",
      })
      .nullish(),
    resume: json.optional(),
    goto: z
      .union([goto, z.array(goto)], {
        error: "expected a node's name, {node, input} or a list of these",
      })
      .nullish(),
  })
  .meta({ id: "Command" });

export const nodeNames = z
  .union([z.literal("*"), z.array(z.string())], { error: 'expected "*" or a list of node names' })
  .nullish();

export const webhook = z.string().min(1).max(65_536).nullish();

export const streamModes = z
  .union([streamMode, z.array(streamMode)], {
    error: `expected one or a list of ${streamMode.options.join(", ")}`,
  })
  .nullish();

const common = {
  run_id: uuid.nullish(),
  assistant_id: z.string().min(1),
  assistant_version: version.nullish(),
  input: json.optional(),
  command: command.nullish(),
  checkpoint: checkpointReference.nullish(),
  checkpoint_id: z.string().nullish(),
  config: config.nullish(),
  context: jsonObject.nullish(),
  metadata: jsonObject.nullish(),
  stream_mode: streamModes,
  stream_subgraphs: z.boolean().nullish(),
  stream_resumable: z.boolean().nullish(),
  interrupt_before: nodeNames,
  interrupt_after: nodeNames,
  webhook,
  feedback_keys: z
    .union([z.string(), z.array(z.string())], { error: "expected a key or a list of keys" })
    .nullish(),
  on_disconnect: z.enum(["cancel", "continue"]).nullish(),
  after_seconds: z
    .number()
    .min(0)
    .max(10 * 365 * 24 * 3600)
    .nullish(),
  durability: z.enum(["async", "sync", "exit"]).nullish(),
  checkpoint_during: z.boolean().nullish(),
  strict_resume: z.boolean().nullish(),
  langsmith_tracer: z
    .object({ project_name: z.string().nullish(), example_id: z.string().nullish() })
    .nullish(),
};

export const createBody = z
  .object({
    ...common,
    multitask_strategy: strategy.nullish(),
    if_not_exists: z.enum(["create", "reject"]).nullish(),
  })
  .meta({ id: "RunCreate", description: "A run on a thread" });

/** The JavaScript SDK's types call the two `complete` and `continue`. */
const onCompletion = z
  .enum(["delete", "keep", "complete", "continue"])
  .transform((said) => (said === "keep" || said === "continue" ? "keep" : "delete"));

export const createStatelessBody = z
  .object({ ...common, on_completion: onCompletion.nullish() })
  .meta({ id: "RunCreateStateless", description: "A run on a thread of its own" });

export const batchBody = z
  .array(createStatelessBody)
  .min(1, { error: "expected at least one run" });

export const searchBody = z
  .object({
    thread_id: uuid.nullish(),
    assistant_id: uuid.nullish(),
    status: runStatus.nullish(),
    limit,
    offset,
    select: z.array(run.keyof()).nullish(),
  })
  .meta({ id: "RunSearch" });

export const cancelManyBody = z
  .union(
    [
      z.object({ thread_id: uuid, run_ids: z.array(uuid).min(1) }),
      z.object({ status: z.enum(["pending", "running", "all"]) }),
    ],
    {
      error:
        "expected {thread_id, run_ids: [at least one UUID]} or {status: pending | running | all}",
    },
  )
  .meta({ id: "RunsCancel" });
