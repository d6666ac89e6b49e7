import { z } from "zod";

const functionTool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish(),
    strict: z.boolean().nullish(),
  }),
});

/** Kinds that this server keeps and shows but cannot run are known by their `type` alone. */
const otherTool = z.looseObject({ type: z.string() });

/** What an assistant of the built-in graph may set; the words are those of the OpenAI Assistants API. */
export const ContextSchema = z.looseObject({
  model: z
    .string()
    .default("gpt-4.1-mini")
    .describe(
      "A language model (`anthropic/…` and names that begin with claude go to Anthropic, others to OpenAI " +
        "or OPENAI_BASE_URL), an alias of one, `offline`, or the id of a deployed graph, which then answers.",
    ),
  instructions: z.string().nullish().describe("What the model is told before the conversation."),
  tools: z.array(z.union([functionTool, otherTool])).nullish(),
  tool_resources: z.looseObject({}).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  response_format: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  reasoning_effort: z.string().nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_prompt_tokens: z.number().int().nullish(),
  max_completion_tokens: z.number().int().nullish(),
  truncation_strategy: z
    .looseObject({ type: z.string(), last_messages: z.number().int().nullish() })
    .nullish(),
});

export type Context = z.infer<typeof ContextSchema>;
export type FunctionTool = z.infer<typeof functionTool>;

/** Tools that run in the server, once it can. Until then a model that calls one fails its run. */
export const serverTools = {
  code_interpreter: {
    description: "Runs Python code and returns what it prints.",
    parameters: {
      type: "object",
      properties: { input: { type: "string", description: "The code" } },
      required: ["input"],
    },
  },
  file_search: {
    description: "Searches the files the user has given and returns the passages that fit.",
    parameters: {
      type: "object",
      properties: { query: { type: "string" } },
      required: ["query"],
    },
  },
};

export function isServerTool(name: string): name is keyof typeof serverTools {
  return Object.hasOwn(serverTools, name);
}

export function isFunctionTool(tool: { type: string }): tool is FunctionTool {
  return tool.type === "function";
}
