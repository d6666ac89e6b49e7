import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import { countedOnce } from "./anthropic-usage.ts";
import { isFunctionTool, serverTools, type Context } from "./context.ts";
import { OfflineModel } from "./offline-model.ts";

/** What a model name leads to. */
export interface ModelSources {
  /** From the names that programs have to the names that there are; `*` is for all others. */
  aliases: Record<string, string>;
  /** Keys and addresses of providers. */
  environment: Record<string, string | undefined>;
}

export type ModelPlace =
  | { provider: "offline" }
  | { provider: "openai"; model: string; apiKey: string; baseUrl?: string }
  | { provider: "anthropic"; model: string; apiKey: string; baseUrl?: string };

/** Servers without authentication ignore it, and the client refuses to have none. */
const dummyKey = "no-key";
/** An outage of the provider should be reported within seconds. */
const maxRetries = 2;

export function resolveAlias(name: string, aliases: Record<string, string>): string {
  if (Object.hasOwn(aliases, name)) return aliases[name]!;
  return aliases["*"] ?? name;
}

/** Where a name is answered, aliases resolved. Without any key, offline. */
export function placeOf(name: string, { environment: env }: ModelSources): ModelPlace {
  const anthropicKey = env["ANTHROPIC_API_KEY"];
  const openaiKey = env["OPENAI_API_KEY"];
  const baseUrl = env["OPENAI_BASE_URL"];
  const prefixed = /^(openai|anthropic)\/(.+)$/.exec(name);
  const isClaude = prefixed ? prefixed[1] === "anthropic" : name.startsWith("claude");
  const model = prefixed?.[2] ?? name;
  if (name === "offline") return { provider: "offline" };
  if (isClaude && anthropicKey) {
    const url = env["ANTHROPIC_BASE_URL"];
    return { provider: "anthropic", model, apiKey: anthropicKey, ...(url && { baseUrl: url }) };
  }
  if (openaiKey || baseUrl) {
    // A server behind a base URL has names of its own, with slashes perhaps.
    const own = baseUrl && prefixed?.[1] !== "openai" ? name : model;
    return {
      provider: "openai",
      model: own,
      apiKey: openaiKey ?? dummyKey,
      ...(baseUrl && { baseUrl }),
    };
  }
  return { provider: "offline" };
}

export interface ModelCall {
  context: Context;
  /** Tokens the answer may have; null: no limit. */
  maxTokens: number | null;
  /** Whether the turn has called the model before: a tool that is forced is forced once. */
  isFirst: boolean;
}

/** Takes the conversation and streams the answer. */
export interface ChatModel {
  stream(
    messages: BaseMessage[],
    options: { signal?: AbortSignal | undefined; tags: string[]; callbacks: [] },
  ): Promise<AsyncIterable<AIMessageChunk>>;
}

/** A model as a turn's settings want it. */
export async function chatModel(place: ModelPlace, call: ModelCall): Promise<ChatModel> {
  const { context } = call;
  const tools = toolsFor(call);
  if (place.provider === "offline") return new OfflineModel({ tools }) as unknown as ChatModel;
  const model = await providerModel(place, call);
  const options =
    place.provider === "openai"
      ? {
          ...(isStructured(context.response_format) && {
            response_format: context.response_format,
          }),
          ...(tools.length > 0 && {
            tool_choice: toolChoice(call),
            ...(context.parallel_tool_calls === false && { parallel_tool_calls: false }),
          }),
        }
      : tools.length > 0
        ? { tool_choice: anthropicToolChoice(toolChoice(call)) }
        : {};
  const ready = (tools.length > 0
    ? model.bindTools!(tools, options as object)
    : model.withConfig(options as object)) as unknown as ChatModel;
  if (place.provider !== "anthropic") return ready;
  return {
    stream: async (messages, settings) => countedOnce(await ready.stream(messages, settings)),
  };
}

/** Loaded when first used: a server without keys need not wait for the providers' libraries. */
async function providerModel(
  place: Exclude<ModelPlace, { provider: "offline" }>,
  { context, maxTokens }: ModelCall,
): Promise<BaseChatModel> {
  const common = {
    model: place.model,
    apiKey: place.apiKey,
    maxRetries,
    ...(typeof context.temperature === "number" && { temperature: context.temperature }),
    ...(typeof context.top_p === "number" && { topP: context.top_p }),
    ...(maxTokens !== null && { maxTokens }),
  };
  if (place.provider === "anthropic") {
    const { ChatAnthropic } = await import("@langchain/anthropic");
    return new ChatAnthropic({
      ...common,
      ...(place.baseUrl && { anthropicApiUrl: place.baseUrl }),
    });
  }
  // Not ChatOpenAI, which sends some names to the Responses API; compatible servers rarely have it.
  const { ChatOpenAICompletions } = await import("@langchain/openai");
  const effort = context.reasoning_effort;
  return new ChatOpenAICompletions({
    ...common,
    ...(effort && { reasoning: { effort: effort as "medium" } }),
    ...(place.baseUrl && { configuration: { baseURL: place.baseUrl } }),
  });
}

interface ToolDefinition {
  type: "function";
  function: {
    name: string;
    description?: string;
    parameters: Record<string, unknown>;
    strict?: boolean;
  };
}

/** The server's own tools are offered as functions too: the model says when it needs one. */
function toolsFor({ context }: ModelCall): ToolDefinition[] {
  if (context.tool_choice === "none") return [];
  return (context.tools ?? []).flatMap((tool): ToolDefinition[] => {
    if (isFunctionTool(tool)) {
      const { name, description, parameters, strict } = tool.function;
      return [
        {
          type: "function",
          function: {
            name,
            ...(description && { description }),
            parameters: parameters ?? { type: "object", properties: {} },
            ...(strict && { strict }),
          },
        },
      ];
    }
    if (tool.type !== "code_interpreter" && tool.type !== "file_search") return [];
    return [{ type: "function", function: { name: tool.type, ...serverTools[tool.type] } }];
  });
}

function toolChoice({ context, isFirst }: ModelCall): unknown {
  const choice = context.tool_choice;
  if (!isFirst || choice === null || choice === undefined) return "auto";
  if (typeof choice === "string") return choice;
  if (choice.type === "function") return choice;
  return { type: "function", function: { name: choice.type } };
}

function anthropicToolChoice(choice: unknown): unknown {
  if (choice === "required") return "any";
  if (typeof choice === "string") return choice;
  return { type: "tool", name: (choice as { function: { name: string } }).function.name };
}

export function isStructured(format: Context["response_format"]): boolean {
  return typeof format === "object" && format !== null && format.type !== "text";
}
