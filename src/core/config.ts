import { isObject, type JsonObject } from "./json.ts";

/**
 * Configuration of an assistant, a thread or a run. `configurable` is the older spelling of what
 * `context` says now; the rules below let both reach the graph (specification 3.2 and 3.3).
 */
export interface Config {
  tags?: string[];
  recursion_limit?: number;
  configurable?: JsonObject;
  [key: string]: unknown;
}

const runnableKeys = new Set([
  "tags",
  "recursion_limit",
  "configurable",
  "metadata",
  "max_concurrency",
  "run_name",
  "callbacks",
  "run_id",
  "timeout",
]);

/** Bare keys under `config` (`{config: {system_prompt: "…"}}`) are meant as configurable. */
export function normalizeConfig(config: JsonObject | null | undefined): Config {
  const known: JsonObject = {};
  const bare: JsonObject = {};
  for (const [key, value] of Object.entries(config ?? {})) {
    if (runnableKeys.has(key)) known[key] = value;
    else bare[key] = value;
  }
  if (Object.keys(bare).length > 0) {
    known["configurable"] = { ...bare, ...(known["configurable"] as JsonObject | undefined) };
  }
  return known as Config;
}

/** Top-level keys: the later wins. `configurable`: key by key, the later wins. */
export function mergeConfigs(...configs: Config[]): Config {
  const merged: Config = Object.assign({}, ...configs);
  const configurable: JsonObject = Object.assign({}, ...configs.map((one) => one.configurable));
  if (Object.keys(configurable).length > 0) merged.configurable = configurable;
  return merged;
}

/** Keys the server itself puts under `configurable`: they never stick to a thread, nor count as context. */
const reservedConfigurable = new Set([
  "run_id",
  "thread_id",
  "graph_id",
  "assistant_id",
  "checkpoint_id",
  "checkpoint_ns",
  "checkpoint_map",
  "user_id",
  "user-agent",
]);

function isReserved(key: string): boolean {
  return (
    reservedConfigurable.has(key) ||
    key.startsWith("x-") ||
    key.startsWith("__") ||
    key.startsWith("langgraph_auth") ||
    key.startsWith("langsmith_")
  );
}

/** The part of `configurable` that is the user's own. */
export function ownConfigurable(config: Config): JsonObject {
  const entries = Object.entries(config.configurable ?? {}).filter(([key]) => !isReserved(key));
  return Object.fromEntries(entries);
}

export interface Layer {
  config: Config;
  context: JsonObject;
}

/**
 * The context a graph receives. Layers come weakest first (assistant, thread, run); within a layer
 * `context` wins over `configurable`.
 */
export function mergeContexts(...layers: Layer[]): JsonObject {
  return Object.assign(
    {},
    ...layers.flatMap(({ config, context }) => [ownConfigurable(config), context]),
  );
}

/**
 * What of a run's configuration later runs of the thread inherit: what the user configured, but not
 * how this one run was to be executed (its recursion limit, its tags).
 */
export function stickyConfig(config: Config): Config {
  const configurable = ownConfigurable(config);
  return Object.keys(configurable).length > 0 ? { configurable } : {};
}

/** `metadata` inside a config, which clients use as another place for run metadata. */
export function configMetadata(config: Config): JsonObject {
  return isObject(config["metadata"]) ? config["metadata"] : {};
}
