import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { invalid } from "../core/error.ts";
import { defaultLimits, type Limits } from "../core/limits.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import { normalizeConfig, type Config } from "../core/config.ts";

export type Database = { kind: "sqlite"; directory: string } | { kind: "postgres"; uri: string };

/** Everything the server is told from outside, read once. Flags win over the environment. */
export interface Settings {
  host: string;
  /** `ADJUTANT_API_KEYS`, as it stands. */
  apiKeys: string | null;
  port: number;
  /** Somebody named the port, so another one will not do. */
  portIsFixed: boolean;
  database: Database;
  dataDirectory: string;
  limits: Limits;
  logLevel: string;
  logFormat: "text" | "json";
  /** Config and context of default assistants by graph id (`LANGGRAPH_CONFIG`). */
  assistantDefaults: Record<string, { config: Config; context: JsonObject }>;
  schemaTimeoutMs: number;
  /** Model names of programs and the models that answer for them; `*` is for all others. */
  modelAliases: Record<string, string>;
}

export interface Flags {
  host?: string;
  port?: string;
  dataDir?: string;
  nJobsPerWorker?: string;
  allowAnonymous?: boolean;
}

/** Where the LangGraph SDKs look. */
const defaultPort = 8123;
const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * @param directory of langgraph.json: the data directory is made beside it.
 * @param manifest whether langgraph.json says who may come in (`auth.path`).
 * @throws invalid with a sentence that names the flag or variable.
 */
export function readSettings(
  flags: Flags,
  directory: string,
  environment: NodeJS.ProcessEnv = process.env,
  manifest: { hasAuth: boolean } = { hasAuth: false },
): Settings {
  const env = (name: string) => environment[name]?.trim() || undefined;
  const host = flags.host ?? env("HOST") ?? "127.0.0.1";
  const apiKeys = env("ADJUTANT_API_KEYS") ?? null;
  const asksWho = apiKeys !== null || manifest.hasAuth;
  if (!loopback.has(host) && !asksWho && !flags.allowAnonymous) {
    throw invalid(
      `The server would listen on ${host}, where others can reach it, without authentication. ` +
        "Set ADJUTANT_API_KEYS or auth.path in langgraph.json, listen on 127.0.0.1, or give --allow-anonymous if everyone who can reach it may use it.",
    );
  }
  const port = flags.port ?? env("PORT");
  const dataDir = flags.dataDir ?? env("ADJUTANT_DATA_DIR");
  const dataDirectory = dataDir ? resolve(dataDir) : resolve(directory, ".adjutant");
  return {
    host,
    apiKeys,
    port: port === undefined ? defaultPort : readInteger(port, "--port or PORT", 0, 65_535),
    portIsFixed: port !== undefined,
    database: readDatabase(env("DATABASE_URI"), dataDirectory),
    dataDirectory,
    limits: readLimits(flags, env),
    logLevel: env("LOG_LEVEL")?.toLowerCase() ?? "info",
    logFormat: env("ADJUTANT_LOG_FORMAT") === "json" ? "json" : "text",
    assistantDefaults: readAssistantDefaults(env("LANGGRAPH_CONFIG")),
    schemaTimeoutMs: readInteger(
      env("LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS") ?? "30000",
      "LANGGRAPH_SCHEMA_RESOLVE_TIMEOUT_MS",
      1,
    ),
    modelAliases: readModelAliases(env, directory),
  };
}

/** Sets what langgraph.json asks for, over what the process was started with: graph code reads it there. */
export function applyEnvironment(variables: Record<string, string>): void {
  Object.assign(process.env, variables);
}

function readDatabase(uri: string | undefined, directory: string): Database {
  if (uri === undefined) return { kind: "sqlite", directory };
  if (/^postgres(ql)?:\/\//.test(uri)) return { kind: "postgres", uri };
  throw invalid(
    "DATABASE_URI must begin with postgres:// or postgresql://. Leave it out for the embedded database.",
  );
}

/** Names that people know from the platform, beside the one every limit has: ADJUTANT_ and its name in capitals. */
const limitAliases: Partial<Record<keyof Limits, { name: string; factor: number }>> = {
  jobsPerWorker: { name: "N_JOBS_PER_WORKER", factor: 1 },
  bodyBytesMax: { name: "HTTP_MAX_REQUEST_BODY_BYTES", factor: 1 },
  runTimeoutMs: { name: "BG_JOB_TIMEOUT_SECS", factor: 1000 },
};

function readLimits(flags: Flags, env: (name: string) => string | undefined): Limits {
  const limits = { ...defaultLimits };
  for (const key of Object.keys(limits) as (keyof Limits)[]) {
    const alias = limitAliases[key];
    const aliased = alias && env(alias.name);
    if (aliased) limits[key] = readInteger(aliased, alias.name, 1) * alias.factor;
    const name = environmentName(key);
    const own = env(name);
    if (own) limits[key] = readInteger(own, name, 1);
  }
  if (flags.nJobsPerWorker !== undefined) {
    limits.jobsPerWorker = readInteger(flags.nJobsPerWorker, "--n-jobs-per-worker", 1);
  }
  if (limits.beatMs * 2 > limits.leaseMs) {
    throw invalid(
      `A lease of ${limits.leaseMs} ms is lost between two beats of ${limits.beatMs} ms. ` +
        "Set ADJUTANT_BEAT_MS to less than half of ADJUTANT_LEASE_MS.",
    );
  }
  return limits;
}

/** `leaseMs` → `ADJUTANT_LEASE_MS`. */
export function environmentName(limit: keyof Limits): string {
  return `ADJUTANT_${limit.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function readInteger(
  text: string,
  name: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  throw invalid(`${name} must be a whole number ${range}, not "${text}".`);
}

/** From the file (`ADJUTANT_MODEL_ALIASES_FILE`, else adjutant.models.json beside langgraph.json), then the variable. */
function readModelAliases(
  env: (name: string) => string | undefined,
  directory: string,
): Record<string, string> {
  const named = env("ADJUTANT_MODEL_ALIASES_FILE");
  const path = resolve(directory, named ?? "adjutant.models.json");
  const inFile = named !== undefined || existsSync(path) ? parseAliases(readText(path), path) : {};
  const text = env("ADJUTANT_MODEL_ALIASES");
  return { ...inFile, ...(text && parseAliases(text, "ADJUTANT_MODEL_ALIASES")) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw invalid(`The model aliases cannot be read: ${(thrown as Error).message}.`);
  }
}

function parseAliases(text: string, place: string): Record<string, string> {
  try {
    const parsed = JSON.parse(text) as unknown;
    const texts = isObject(parsed) && Object.values(parsed).every((one) => typeof one === "string");
    if (texts) return parsed as Record<string, string>;
    throw new TypeError("it is no object of texts");
  } catch (thrown) {
    throw invalid(
      `${place} must be JSON such as {"gpt-4o": "gpt-4.1-mini"}: ${(thrown as Error).message}.`,
    );
  }
}

function readAssistantDefaults(text: string | undefined): Settings["assistantDefaults"] {
  if (text === undefined) return {};
  const defaults: Settings["assistantDefaults"] = {};
  try {
    const parsed = JSON.parse(text) as unknown;
    if (!isObject(parsed)) throw new TypeError("it is no object");
    for (const [graphId, value] of Object.entries(parsed)) {
      const { context, ...config } = isObject(value) ? value : {};
      defaults[graphId] = {
        config: normalizeConfig(config),
        context: isObject(context) ? context : {},
      };
    }
    return defaults;
  } catch (thrown) {
    throw invalid(
      `LANGGRAPH_CONFIG must be JSON such as {"agent": {"context": {…}}}: ${(thrown as Error).message}.`,
    );
  }
}
