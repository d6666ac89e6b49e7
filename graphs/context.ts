import { z } from "zod";

export const providers = ["openai", "anthropic", "offline"] as const;
export type Provider = (typeof providers)[number];

/**
 * What an assistant over one of these graphs may set. Fields without a default are decided when the
 * model is chosen (see models.ts), because the right value depends on the provider and the keys.
 */
export const ContextSchema = z.object({
  llm_provider: z
    .enum(providers)
    .optional()
    .describe(
      "Who answers: openai (or any OpenAI-compatible server, see base_url), anthropic, or offline, " +
        "a small deterministic stand-in that is not a language model. Default: openai where " +
        "OPENAI_API_KEY or base_url is set, else anthropic where ANTHROPIC_API_KEY is set, else offline.",
    ),
  model_name: z
    .string()
    .optional()
    .describe(
      "The provider's name of the model. Default: gpt-4.1-mini for openai, claude-sonnet-4-5 for " +
        "anthropic. The bare name of a provider selects that provider and its default model.",
    ),
  system_prompt: z
    .string()
    .default("You are a helpful assistant.")
    .describe("Instructions the model sees before the conversation. Empty: none are sent."),
  base_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Address of a server that speaks the provider's API, for example http://127.0.0.1:11434/v1. " +
        "It receives the key in BASE_URL_API_KEY, never OPENAI_API_KEY or ANTHROPIC_API_KEY. " +
        "Default: the provider's own address.",
    ),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .optional()
    .describe("0 repeats itself, higher varies more. Default: the model's own."),
});

export type Context = z.infer<typeof ContextSchema>;

/**
 * Fills in the defaults, which LangGraph checks but does not apply. Takes `configurable` as well,
 * the older spelling of the same settings; where both say something, `context` wins.
 *
 * @throws Error that names the field and what is wrong with it.
 */
export function readContext(
  schema: z.ZodType<Context>,
  config: { context?: object; configurable?: object },
): Context {
  const given = { ...config.configurable, ...config.context };
  const result = schema.safeParse(given);
  if (!result.success) throw new Error(`Invalid context: ${z.prettifyError(result.error)}`);
  return result.data;
}
