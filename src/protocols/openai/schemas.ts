import { z } from "zod";

/** Requests of the Assistants API (specification part 1). Keys that are not named are refused. */

const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((map) => Object.keys(map).length <= 16, "expected at most 16 pairs")
  .nullish();

const rankingOptions = z.strictObject({
  ranker: z.string().nullish(),
  score_threshold: z.number().min(0).max(1),
});

const tool = z.union([
  z.strictObject({ type: z.literal("code_interpreter") }),
  z.strictObject({
    type: z.literal("file_search"),
    file_search: z
      .strictObject({
        max_num_results: z.number().int().min(1).max(50).optional(),
        ranking_options: rankingOptions.optional(),
      })
      .nullish(),
  }),
  z.strictObject({
    type: z.literal("function"),
    function: z.strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected letters, digits, _ and -, at most 64"),
      description: z.string().nullish(),
      parameters: z.looseObject({}).nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const toolResources = z
  .strictObject({
    code_interpreter: z
      .strictObject({ file_ids: z.array(z.string()).max(20).optional() })
      .nullish(),
    file_search: z
      .strictObject({
        vector_store_ids: z.array(z.string()).max(1).optional(),
        vector_stores: z.array(z.looseObject({})).max(1).optional(),
      })
      .nullish(),
  })
  .nullish();

const responseFormat = z
  .union([
    z.literal("auto"),
    z.strictObject({ type: z.literal("text") }),
    z.strictObject({ type: z.literal("json_object") }),
    z.strictObject({
      type: z.literal("json_schema"),
      json_schema: z.strictObject({
        name: z.string().max(64),
        description: z.string().nullish(),
        schema: z.looseObject({}).nullish(),
        strict: z.boolean().nullish(),
      }),
    }),
  ])
  .nullish();

const reasoningEffort = z
  .enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
  .nullish();

const temperature = z.number().min(0).max(2).nullish();
const topP = z.number().min(0).max(1).nullish();
const instructions = z.string().max(256_000).nullish();

const assistantFields = {
  name: z.string().max(256).nullish(),
  description: z.string().max(512).nullish(),
  instructions,
  tools: z.array(tool).max(128).nullish(),
  tool_resources: toolResources,
  metadata,
  temperature,
  top_p: topP,
  response_format: responseFormat,
  reasoning_effort: reasoningEffort,
};

export const createAssistantBody = z.strictObject({ model: z.string().min(1), ...assistantFields });
export const updateAssistantBody = z.strictObject({
  model: z.string().min(1).optional(),
  ...assistantFields,
});

const detail = z.enum(["auto", "low", "high"]).optional();
const textMax = 256_000;

const contentPart = z.union([
  z.strictObject({ type: z.literal("text"), text: z.string().max(textMax) }),
  z.strictObject({
    type: z.literal("image_url"),
    image_url: z.strictObject({ url: z.string(), detail }),
  }),
  z.strictObject({
    type: z.literal("image_file"),
    image_file: z.strictObject({ file_id: z.string(), detail }),
  }),
]);

const attachment = z.strictObject({
  file_id: z.string().optional(),
  tools: z.array(z.strictObject({ type: z.enum(["code_interpreter", "file_search"]) })).optional(),
});

export const createMessageBody = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.union([z.string().max(textMax), z.array(contentPart).min(1)]),
  attachments: z.array(attachment).nullish(),
  metadata,
});

export const metadataBody = z.strictObject({ metadata });

export const createThreadBody = z.strictObject({
  messages: z.array(createMessageBody).nullish(),
  metadata,
  tool_resources: toolResources,
});

export const updateThreadBody = z.strictObject({ metadata, tool_resources: toolResources });

const toolChoice = z
  .union([
    z.enum(["none", "auto", "required"]),
    z.strictObject({
      type: z.literal("function"),
      function: z.strictObject({ name: z.string() }),
    }),
    z.strictObject({ type: z.literal("code_interpreter") }),
    z.strictObject({ type: z.literal("file_search") }),
  ])
  .nullish();

const tokensMax = z.number().int().min(256).nullish();

const runFields = {
  assistant_id: z.string(),
  model: z.string().min(1).nullish(),
  instructions,
  tools: z.array(tool).max(20).nullish(),
  metadata,
  temperature,
  top_p: topP,
  stream: z.boolean().nullish(),
  max_prompt_tokens: tokensMax,
  max_completion_tokens: tokensMax,
  truncation_strategy: z
    .strictObject({
      type: z.enum(["auto", "last_messages"]),
      last_messages: z.number().int().min(1).nullish(),
    })
    .nullish(),
  tool_choice: toolChoice,
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat,
};

export const createRunBody = z.strictObject({
  ...runFields,
  additional_instructions: z.string().max(256_000).nullish(),
  additional_messages: z.array(createMessageBody).nullish(),
  reasoning_effort: reasoningEffort,
});

export const createThreadAndRunBody = z.strictObject({
  ...runFields,
  thread: createThreadBody.nullish(),
  tool_resources: toolResources,
});

export const submitBody = z.strictObject({
  tool_outputs: z.array(z.strictObject({ tool_call_id: z.string(), output: z.string() })),
  stream: z.boolean().nullish(),
});

export type CreateAssistantBody = z.infer<typeof createAssistantBody>;
export type UpdateAssistantBody = z.infer<typeof updateAssistantBody>;
export type CreateMessageBody = z.infer<typeof createMessageBody>;
export type CreateThreadBody = z.infer<typeof createThreadBody>;
export type UpdateThreadBody = z.infer<typeof updateThreadBody>;
export type CreateRunBody = z.infer<typeof createRunBody>;
export type CreateThreadAndRunBody = z.infer<typeof createThreadAndRunBody>;
