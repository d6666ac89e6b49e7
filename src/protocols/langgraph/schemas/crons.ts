import { z } from "zod";
import { config, json, jsonObject, limit, offset, sortOrder, timestamp, uuid } from "./common.ts";
import { nodeNames, strategy, streamModes, webhook } from "./runs.ts";

export const cron = z
  .object({
    cron_id: z.string(),
    assistant_id: z.string(),
    thread_id: z.string().nullable(),
    on_run_completed: z.enum(["delete", "keep"]).nullable(),
    end_time: timestamp.nullable(),
    schedule: z.string(),
    timezone: z.string().nullable(),
    created_at: timestamp,
    updated_at: timestamp,
    user_id: z.string().nullable(),
    payload: jsonObject,
    next_run_date: timestamp.nullable(),
    metadata: jsonObject,
    enabled: z.boolean(),
  })
  .meta({ id: "Cron", description: "A schedule that creates runs" });

/** With an offset, or without one in UTC, as Python writes it. */
const moment = z.iso.datetime({
  offset: true,
  local: true,
  error: 'expected an ISO date and time such as "2030-01-31T09:00:00Z"',
});

const changeable = {
  timezone: z.string().nullish(),
  end_time: moment.nullish(),
  input: json.optional(),
  metadata: jsonObject.nullish(),
  config: config.nullish(),
  context: jsonObject.nullish(),
  webhook,
  interrupt_before: nodeNames,
  interrupt_after: nodeNames,
  on_run_completed: z.enum(["delete", "keep"]).nullish(),
  enabled: z.boolean().nullish(),
  stream_mode: streamModes,
  stream_subgraphs: z.boolean().nullish(),
  stream_resumable: z.boolean().nullish(),
  durability: z.enum(["async", "sync", "exit"]).nullish(),
};

export const createBody = z
  .object({
    schedule: z.string(),
    assistant_id: z.string().min(1),
    ...changeable,
    multitask_strategy: strategy.nullish(),
    checkpoint_during: z.boolean().nullish(),
    if_not_exists: z.enum(["create", "reject"]).nullish(),
  })
  .meta({ id: "CronCreate" });

export const updateBody = z
  .object({ schedule: z.string().nullish(), ...changeable })
  .meta({ id: "CronUpdate", description: "What is absent stays; `metadata` is merged." });

const filter = {
  assistant_id: z.string().min(1).nullish(),
  thread_id: uuid.nullish(),
  metadata: jsonObject.nullish(),
};

export const searchBody = z
  .object({
    ...filter,
    enabled: z.boolean().nullish(),
    limit,
    offset,
    sort_by: z
      .enum([
        "cron_id",
        "assistant_id",
        "thread_id",
        "next_run_date",
        "end_time",
        "created_at",
        "updated_at",
      ])
      .nullish(),
    sort_order: sortOrder,
    select: z.array(cron.keyof()).nullish(),
  })
  .meta({ id: "CronSearch" });

export const countBody = z.object(filter).meta({ id: "CronCount" });

export const cronParams = z.object({ cron_id: uuid });
