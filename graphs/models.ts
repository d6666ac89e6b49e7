import { ChatAnthropic } from "@langchain/anthropic";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { ChatOpenAI, ChatOpenAICompletions } from "@langchain/openai";
import { providers, type Context, type Provider } from "./context.ts";
import { OfflineChatModel } from "./offline.ts";

type Environment = Record<string, string | undefined>;

/** Everything that makes one model differ from another. */
export type ModelSettings =
  | { provider: "offline"; reason: string }
  | {
      provider: "openai" | "anthropic";
      model: string;
      apiKey: string;
      baseUrl?: string;
      temperature?: number;
    };

const defaultModels = { openai: "gpt-4.1-mini", anthropic: "claude-sonnet-4-5" };
const keyNames = { openai: "OPENAI_API_KEY", anthropic: "ANTHROPIC_API_KEY" };
/** Servers without authentication ignore it, and the provider's client refuses to have none. */
const dummyKey = "no-key";

/** An outage of the provider should be reported within seconds, so fewer than the default of 6. */
const maxRetries = 2;
/** Contexts come from clients: a bound keeps a stream of distinct ones from filling the memory. */
const modelsKeptMax = 100;

/**
 * Decides who answers. A provider's key goes to that provider's own address only: `base_url` comes
 * from whoever may create an assistant, and must not be a way to read the server's keys.
 *
 * @throws Error when a provider was asked for by `llm_provider` and cannot be reached without a key.
 */
export function modelSettings(
  context: Context,
  environment: Environment = process.env,
): ModelSettings {
  const named = providers.find((provider) => provider === context.model_name);
  const model = named ? undefined : context.model_name;
  const provider = context.llm_provider ?? chooseProvider(context, named, environment);
  if (provider === "offline") return { provider, reason: offlineReason(context, named) };
  const apiKey = context.base_url
    ? (environment["BASE_URL_API_KEY"] ?? dummyKey)
    : environment[keyNames[provider]];
  if (!apiKey) {
    throw new Error(
      `llm_provider is "${provider}" but ${keyNames[provider]} is not set: set it in .env, ` +
        `or give a base_url, or set llm_provider to "offline".`,
    );
  }
  return {
    provider,
    model: model || defaultModels[provider],
    apiKey,
    baseUrl: context.base_url,
    temperature: context.temperature,
  };
}

function chooseProvider(
  context: Context,
  named: Provider | undefined,
  environment: Environment,
): Provider {
  const reachable = (provider: "openai" | "anthropic") =>
    Boolean(context.base_url || environment[keyNames[provider]]);
  if (named === "offline") return named;
  if (named) return reachable(named) ? named : "offline";
  if (context.base_url) return "openai";
  const order = context.model_name?.startsWith("claude")
    ? (["anthropic", "openai"] as const)
    : (["openai", "anthropic"] as const);
  return order.find(reachable) ?? "offline";
}

function offlineReason(context: Context, named: Provider | undefined): string {
  if (context.llm_provider === "offline") return 'llm_provider is "offline"';
  if (named === "offline") return 'model_name is "offline"';
  if (named) return `model_name is "${named}" but ${keyNames[named]} is not set`;
  return "no llm_provider is chosen, and neither OPENAI_API_KEY nor ANTHROPIC_API_KEY is set";
}

/** The chat models of one graph, each made once and bound to the graph's tools. */
export class ChatModels {
  readonly #tools: StructuredToolInterface[];
  readonly #models = new Map<string, ReturnType<typeof bind>>();

  constructor(tools: StructuredToolInterface[]) {
    this.#tools = tools;
  }

  /** @throws Error when the provider asked for has no key. */
  for(context: Context): ReturnType<typeof bind> {
    const settings = modelSettings(context);
    const key = JSON.stringify(settings);
    const known = this.#models.get(key);
    const model = known ?? bind(createModel(settings), this.#tools);
    // Taken out and put back, the map's order is the order of last use.
    this.#models.delete(key);
    this.#models.set(key, model);
    if (this.#models.size > modelsKeptMax) {
      this.#models.delete(this.#models.keys().next().value!);
    }
    return model;
  }
}

function bind(model: BaseChatModel, tools: StructuredToolInterface[]) {
  return tools.length > 0 && model.bindTools ? model.bindTools(tools) : model;
}

function createModel(settings: ModelSettings): BaseChatModel {
  if (settings.provider === "offline") return new OfflineChatModel({ reason: settings.reason });
  const { model, apiKey, baseUrl, temperature } = settings;
  const common = { model, apiKey, temperature, maxRetries };
  if (settings.provider === "anthropic") {
    return new ChatAnthropic({ ...common, anthropicApiUrl: baseUrl });
  }
  // ChatOpenAI sends some model names to the Responses API, which compatible servers rarely have.
  return baseUrl
    ? new ChatOpenAICompletions({ ...common, configuration: { baseURL: baseUrl } })
    : new ChatOpenAI(common);
}
