import { z } from "zod";
import { command, strategy } from "./runs.ts";
import { config, json, jsonObject } from "./common.ts";
import { errorCodes } from "../thread-stream/answer.ts";
import { channelNames } from "../thread-stream/filter.ts";

const sequence = z.int().min(0);

const channel = z
  .string()
  .refine((name) => (channelNames as readonly string[]).includes(name) || /^custom:./.test(name), {
    error: `expected one of ${channelNames.join(", ")} or custom:<name>`,
  });

const namespace = z.array(z.string());

/** What a subscription asks for (specification 6.2). */
export const filter = z.object({
  channels: z.array(channel).min(1, { error: "expected at least one channel" }),
  namespaces: z.array(namespace).nullish(),
  depth: z.int().min(0).nullish(),
});

export const eventsBody = filter
  .extend({ since: sequence.nullish() })
  .meta({ id: "EventStreamRequest", description: "Which of a thread's events to stream" });

export const commandBody = z
  .object({ id: z.int().min(0), method: z.string().min(1), params: jsonObject.nullish() })
  .meta({ id: "ThreadCommand", description: "A command of protocol v2" });

const meta = z.looseObject({
  thread_id: z.string().optional(),
  /** The number of the last event before what the command did. */
  applied_through_seq: sequence.optional(),
});

export const commandAnswer = z.union([
  z
    .object({ type: z.literal("success"), id: z.int(), result: jsonObject, meta })
    .meta({ id: "ThreadCommandResult" }),
  z
    .object({
      type: z.literal("error"),
      id: z.int().nullable(),
      error: z.enum(errorCodes),
      message: z.string(),
    })
    .meta({ id: "ThreadCommandFailure" }),
]);

const tracer = z
  .object({ project_name: z.string().nullish(), example_id: z.string().nullish() })
  .nullish();

/** Newer clients send the strategy in both spellings, older ones in the first only. */
export const runStart = z.object({
  assistant_id: z
    .string({ error: "run.start requires an assistant_id." })
    .min(1, { error: "run.start requires an assistant_id." }),
  input: json.optional(),
  config: config.nullish(),
  context: jsonObject.nullish(),
  metadata: jsonObject.nullish(),
  multitaskStrategy: strategy.nullish(),
  multitask_strategy: strategy.nullish(),
  langsmith_tracer: tracer,
});

const response = z.object({
  namespace: namespace.nullish(),
  interrupt_id: z
    .string({ error: "input.respond responses entries require an interrupt_id." })
    .min(1, { error: "input.respond responses entries require an interrupt_id." }),
  response: json.optional(),
});

const respondCommon = {
  update: command.shape.update,
  goto: command.shape.goto,
  config: config.nullish(),
  metadata: jsonObject.nullish(),
};

export const respondOne = z.object({
  namespace: namespace.nullish(),
  interrupt_id: z
    .string({ error: "input.respond requires an interrupt_id." })
    .min(1, { error: "input.respond requires an interrupt_id." }),
  response: json.optional(),
  ...respondCommon,
});

export const respondMany = z.object({
  responses: z.array(response).min(1, { error: "input.respond requires at least one response." }),
  ...respondCommon,
});

export const inject = z.object({
  namespace: namespace.nullish(),
  message: z.object({
    role: z.enum(["user", "system"]),
    content: z.union([z.string(), z.array(jsonObject)]),
    name: z.string().nullish(),
  }),
});

export const stateGet = z.object({
  namespace: namespace.nullish(),
  keys: z.array(z.string()).nullish(),
});

export const listCheckpoints = z.object({
  namespace: namespace.nullish(),
  limit: z.int().min(1).max(1000).nullish(),
  before: z.string().min(1).nullish(),
});

export const fork = z.object({
  checkpoint_id: z.string().min(1),
  input: json.optional(),
  config: config.nullish(),
});

export const getTree = z.object({ run_id: z.string().nullish() });

export const unsubscribe = z.object({ subscription_id: z.string().min(1) });

export const reconnect = z.object({ run_id: z.string().min(1) });
