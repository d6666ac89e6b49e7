import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { invalid } from "../core/error.ts";

export interface ManifestGraph {
  graphId: string;
  /** Absolute path. */
  file: string;
  exportName: string;
  description: string | null;
}

/** `langgraph.json`, read (specification, part 4). */
export interface Manifest {
  /** Absolute path of the file itself. */
  path: string;
  /** Absolute path of its directory, which all paths in it are relative to. */
  directory: string;
  graphs: ManifestGraph[];
  /** Variables it asks to set over the process's environment. */
  env: Record<string, string>;
  /** Absolute path of the env file; null when `env` is an object or absent. */
  envFile: string | null;
  /** The whole file as it stands, for what is not above. */
  settings: ManifestFile;
  /** One sentence for each key that has no effect in this server. */
  notices: string[];
}

const text = z.string();
const toggle = z.boolean();
const pathAndExport = z.string().regex(/.:./, 'must be "./file.ts:export"');
const headerPatterns = z.strictObject({
  includes: z.array(text).optional(),
  excludes: z.array(text).optional(),
  include: z.array(text).optional(),
  exclude: z.array(text).optional(),
});

/** In minutes, also parts of one. A timer takes no more than 24 days. */
const interval = z
  .number()
  .positive()
  .max(24 * 24 * 60)
  .nullish();
const lifetime = z
  .number()
  .positive()
  .max(100 * 366 * 24 * 60)
  .nullish();

const threadTtl = z.looseObject({
  strategy: z.enum(["delete", "keep_latest"]).optional(),
  default_ttl: lifetime,
  sweep_interval_minutes: interval,
  sweep_limit: z.int().min(1).max(100_000).nullish(),
});

const itemTtl = z.looseObject({
  refresh_on_read: toggle.optional(),
  default_ttl: lifetime,
  sweep_interval_minutes: interval,
});

const cors = z.looseObject({
  allow_origins: z.array(text).optional(),
  allow_methods: z.array(text).optional(),
  allow_headers: z.array(text).optional(),
  allow_credentials: toggle.optional(),
  allow_origin_regex: text.optional(),
  expose_headers: z.array(text).optional(),
  max_age: z.number().optional(),
});

const http = z.looseObject({
  app: text.min(1).optional(),
  disable_assistants: toggle.optional(),
  disable_threads: toggle.optional(),
  disable_runs: toggle.optional(),
  disable_store: toggle.optional(),
  disable_meta: toggle.optional(),
  disable_mcp: toggle.optional(),
  disable_a2a: toggle.optional(),
  disable_ui: toggle.optional(),
  disable_webhooks: toggle.optional(),
  cors: cors.optional(),
  configurable_headers: headerPatterns.optional(),
  logging_headers: headerPatterns.optional(),
  middleware_order: z.enum(["middleware_first", "auth_first"]).optional(),
  enable_custom_route_auth: toggle.optional(),
  mount_prefix: text.regex(/^\/[\w.~/-]*$/, 'must be a path such as "/api"').optional(),
});

const auth = z.looseObject({
  path: pathAndExport.optional(),
  disable_studio_auth: toggle.optional(),
  allow_langsmith_api_keys: toggle.optional(),
  openapi: z.record(text, z.unknown()).optional(),
  cache: z
    .looseObject({
      cache_keys: z.array(text).optional(),
      ttl_seconds: z.number().optional(),
      max_size: z.number().optional(),
    })
    .optional(),
});

const webhooks = z.looseObject({
  env_prefix: text.optional(),
  headers: z.record(text, text).optional(),
  url: z
    .looseObject({
      require_https: toggle.optional(),
      allowed_domains: z.array(text).optional(),
      allowed_ports: z.array(z.number()).optional(),
      max_url_length: z.number().optional(),
      disable_loopback: toggle.optional(),
    })
    .optional(),
});

const graph = z.union([text, z.looseObject({ path: text, description: text.nullish() })], {
  error: 'must be "./file.ts:export" or {"path": "./file.ts:export", "description": "…"}',
});

const manifestFile = z.looseObject({
  $schema: text.optional(),
  graphs: z
    .record(text.min(1), graph)
    .refine((graphs) => Object.keys(graphs).length > 0, "must name at least one graph"),
  env: z
    .union([text, z.record(text, text)], { error: "must be a path or an object of texts" })
    .optional(),
  node_version: z.enum(["20", "22", "24"], { error: 'must be "20", "22" or "24"' }).optional(),
  node_loader: text.optional(),
  dockerfile_lines: z.array(text).optional(),
  docker_compose_file: text.optional(),
  api_version: text.optional(),
  _INTERNAL_docker_tag: text.optional(),
  ui: z.record(text, text).optional(),
  ui_config: z.looseObject({ shared: z.array(text).optional() }).optional(),
  store: z
    .looseObject({
      index: z
        .looseObject({
          dims: z.int().min(1).max(16_000).optional(),
          embed: text.optional(),
          fields: z.array(text).optional(),
        })
        .optional(),
      ttl: itemTtl.optional(),
    })
    .optional(),
  checkpointer: z
    .looseObject({
      backend: text.optional(),
      path: pathAndExport.optional(),
      ttl: threadTtl.optional(),
      serde: z.record(text, z.unknown()).optional(),
    })
    .optional(),
  encryption: z.looseObject({ path: pathAndExport.optional() }).optional(),
  auth: auth.optional(),
  http: http.optional(),
  webhooks: webhooks.optional(),
  dependencies: z.array(text).optional(),
  python_version: text.optional(),
  pip_config_file: text.optional(),
  pip_installer: text.optional(),
  base_image: text.optional(),
  image_distro: text.optional(),
  source: z.unknown().optional(),
  keep_pkg_tools: z.union([toggle, z.array(text)]).optional(),
});

export type ManifestFile = z.infer<typeof manifestFile>;

/** Keys that change nothing for whoever runs the graphs: no notice is due. */
const withoutEffectHere = new Set([
  "$schema",
  "graphs",
  "env",
  "node_version",
  "dockerfile_lines",
  "docker_compose_file",
  "api_version",
  "_INTERNAL_docker_tag",
  "base_image",
  "image_distro",
  "keep_pkg_tools",
  "dependencies",
  "python_version",
  "pip_config_file",
  "pip_installer",
  "source",
]);

/** What is lost while a key is not honoured. */
const notHonoured: Record<string, string> = {
  node_loader: "graph files are loaded by the server's own loader, which understands TypeScript",
  "checkpointer.backend": "checkpoints go to the server's own database",
  "checkpointer.path": "checkpoints go to the server's own database",
  "checkpointer.serde": "checkpoints are serialised the default way",
  encryption: "nothing is encrypted at rest",
  "auth.allow_langsmith_api_keys":
    "keys of LangSmith open nothing here, since LangSmith is not asked",
};

/** Read by the command line: whole sections, and keys of sections of which others are not honoured. */
const honoured = new Set([
  "ui",
  "ui_config",
  "http.disable_ui",
  "webhooks",
  "store.index",
  "store.ttl",
  "checkpointer.ttl",
  "auth.path",
  // Nobody comes in without credentials, whatever it says.
  "auth.disable_studio_auth",
  "auth.cache",
  "auth.openapi",
  "http.app",
  "http.cors",
  "http.configurable_headers",
  "http.logging_headers",
  "http.middleware_order",
  "http.enable_custom_route_auth",
  "http.mount_prefix",
  "http.disable_assistants",
  "http.disable_threads",
  "http.disable_runs",
  "http.disable_store",
  "http.disable_meta",
  "http.disable_mcp",
  "http.disable_a2a",
  "http.disable_webhooks",
]);

const pythonExtensions = new Set([".py", ".pyx", ".pyi"]);

/**
 * Reads `langgraph.json`, given its path or its directory's. Throws `invalid` naming file and key.
 */
export async function readManifest(path: string): Promise<Manifest> {
  const absolute = resolve(path);
  const isDirectory = statSync(absolute, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = isDirectory ? join(absolute, "langgraph.json") : absolute;
  const directory = existsSync(file) ? realpathSync(dirname(file)) : dirname(file);
  const raw = parseJson(file);
  const parsed = manifestFile.safeParse(raw);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const key = issue.path.join(".");
      return `${key ? `"${key}"` : "the whole"}: ${issue.message}`;
    });
    throw invalid(`${file} is not a valid langgraph.json: ${problems.join("; ")}`);
  }
  const { graphs, env } = parsed.data;
  return {
    path: file,
    directory,
    graphs: Object.entries(graphs).map(([id, value]) => readGraph(file, directory, id, value)),
    env: readEnv(file, directory, env),
    envFile: typeof env === "string" ? resolve(directory, env) : null,
    settings: parsed.data,
    notices: noticesFor(parsed.data),
  };
}

function parseJson(file: string): unknown {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw invalid(`There is no ${file}: write one that names your graphs, or pass its path.`);
    }
    throw invalid(`${file} cannot be read: ${message}`);
  }
  try {
    return JSON.parse(source);
  } catch (thrown) {
    throw invalid(`${file} is not JSON: ${(thrown as Error).message}`);
  }
}

function readGraph(
  manifestPath: string,
  directory: string,
  graphId: string,
  value: string | { path: string; description?: string | null | undefined },
): ManifestGraph {
  const spec = typeof value === "string" ? value : value.path;
  const description = typeof value === "string" ? null : (value.description ?? null);
  const key = `${manifestPath}: "graphs.${graphId}"`;
  if (spec === "" || spec.endsWith(":"))
    throw invalid(`${key} must be "./file.ts:export", not "${spec}".`);
  const { file, exportName } = readExport(directory, spec);
  if (pythonExtensions.has(extname(file))) {
    throw invalid(
      `${key} is a Python graph (${spec}): this server runs graphs written in TypeScript or JavaScript. Remove it, or serve it elsewhere.`,
    );
  }
  return { graphId, file, exportName, description };
}

/** `./file.ts:export`; without a name it is the default export. */
export function readExport(directory: string, spec: string): { file: string; exportName: string } {
  const match = /^(.+?)(?::([\p{ID_Start}$_][\p{ID_Continue}$]*))?$/u.exec(spec);
  const [, path = spec, exportName = "default"] = match ?? [];
  return { file: resolve(directory, path), exportName };
}

function readEnv(
  manifestPath: string,
  directory: string,
  env: string | Record<string, string> | undefined,
): Record<string, string> {
  if (typeof env !== "string") return env ?? {};
  const file = resolve(directory, env);
  try {
    return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    // Kept out of version control, it is missing in every fresh clone; the process has an environment, too.
    if (code === "ENOENT") return {};
    throw invalid(`${manifestPath}: "env" names ${file}, which cannot be read: ${message}.`);
  }
}

/** Sections without a sentence of their own are looked at key by key. */
function noticesFor(manifest: ManifestFile): string[] {
  const notices: string[] = [];
  for (const [key, value] of Object.entries(manifest)) {
    if (withoutEffectHere.has(key) || honoured.has(key) || value === undefined) continue;
    if (!(key in manifestFile.shape)) {
      notices.push(
        `"${key}" is not a key of langgraph.json that this server knows: it is ignored.`,
      );
      continue;
    }
    const known = [...Object.keys(notHonoured), ...honoured];
    const bySubkey = known.some((one) => one.startsWith(`${key}.`));
    const names = bySubkey ? Object.keys(value as object).map((sub) => `${key}.${sub}`) : [key];
    for (const name of names) {
      if (honoured.has(name)) continue;
      const loss = notHonoured[name] ?? notHonoured[key];
      notices.push(
        loss
          ? `"${name}" is not honoured yet: ${loss}.`
          : `"${name}" is not a key of langgraph.json that this server knows: it is ignored.`,
      );
    }
  }
  return notices;
}
