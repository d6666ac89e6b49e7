import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { existsSync, readFileSync } from "node:fs";
import { AdjutantError, failureOf, invalid } from "../core/error.ts";
import type { JsonObject } from "../core/json.ts";
import type { DrivenGraph } from "./driven.ts";
import { UserFileError, lineOf } from "./file-error.ts";
import { UserModules } from "./hooks.ts";
import { readExport, type Manifest, type ManifestGraph } from "./manifest.ts";
import { importNatively, loadPeers, type Peers } from "./peers.ts";

/** A compiled graph of whichever copy of LangGraph the user's project has: never ask `instanceof`. */
export interface CompiledGraph extends DrivenGraph {
  nodes: Record<string, unknown>;
  channels: Record<string, unknown>;
  /** Absent for graphs of the functional API (`entrypoint`). */
  builder?: unknown;
  interruptBefore?: string[] | "*";
  interruptAfter?: string[] | "*";
  getGraphAsync(config?: object): Promise<{ toJSON(): unknown; nodes: Record<string, unknown> }>;
  getSubgraphsAsync(): AsyncIterable<[name: string, graph: CompiledGraph]>;
}

/** What a factory is called with; specification 3.3. */
export interface FactoryRuntime {
  accessContext: "threads.create_run" | "threads.update" | "threads.read" | "assistants.read";
  executionRuntime: { context: JsonObject } | null;
}

export type GraphFactory = (config: JsonObject, runtime: FactoryRuntime) => unknown;

interface LoadedFrom {
  graphId: string;
  /** Absolute path of the graph's file. */
  file: string;
  exportName: string;
  description: string | null;
}

export interface ReadyGraph extends LoadedFrom {
  kind: "graph";
  graph: CompiledGraph;
  peers: Peers;
}

export interface FactoryGraph extends LoadedFrom {
  kind: "factory";
  factory: GraphFactory;
  peers: Peers;
}

export interface BrokenGraph extends LoadedFrom {
  kind: "broken";
  error: LoadFailure;
}

export interface LoadFailure {
  /** Sentences for people: what, in which file, on which line, and what to change. */
  message: string;
  file: string;
  line: number | null;
}

export type WorkingGraph = ReadyGraph | FactoryGraph;
export type LoadedGraph = WorkingGraph | BrokenGraph;

export interface LoadedGraphs {
  /** Unique in this process; grows with every load. */
  generation: number;
  graphs: Map<string, LoadedGraph>;
  /** Every file of the user's that was loaded, for watching. */
  files: string[];
}

/** How long a graph file may take to evaluate; a top-level await that never settles must not hang the server. */
const loadMsMax = 60_000;

/** Loads all graphs of a manifest, the files as they are on disk now. One that is broken is its own entry. */
export async function loadGraphs(
  manifest: Manifest,
  limits: { loadMsMax: number } = { loadMsMax },
): Promise<LoadedGraphs> {
  const modules = UserModules.current();
  const generation = modules.nextGeneration();
  const loaded = await Promise.all(
    manifest.graphs.map((one) => loadGraph(manifest, one, generation, limits.loadMsMax)),
  );
  return {
    generation,
    graphs: new Map(loaded.map((one) => [one.graphId, one])),
    files: modules.filesSince(generation),
  };
}

/**
 * Something else of the user's that langgraph.json names, such as the app of `http.app`: the files as
 * the graphs of the same generation see them.
 *
 * @param key where it is named, for what goes wrong.
 * @throws invalid naming file and line
 */
export async function loadExport(
  manifest: Manifest,
  { key, spec, generation }: { key: string; spec: string; generation: number },
): Promise<unknown> {
  const { file, exportName } = readExport(manifest.directory, spec);
  try {
    if (!existsSync(file)) {
      const message = `does not exist; "${key}" in ${manifest.path} names it`;
      throw new UserFileError({ file, message });
    }
    const url = UserModules.current().entryUrl(file, generation);
    const exports = await withTimeLimit(importNatively(url), loadMsMax, file);
    return await pick(exports, exportName, file);
  } catch (thrown) {
    const { message } = describe(thrown, file, manifest.directory);
    throw invalid(`"${key}" of langgraph.json could not be loaded: ${message}`);
  }
}

async function loadGraph(
  manifest: Manifest,
  { graphId, file, exportName, description }: ManifestGraph,
  generation: number,
  timeLimitMs: number,
): Promise<LoadedGraph> {
  const from: LoadedFrom = { graphId, file, exportName, description };
  try {
    if (!existsSync(file)) {
      throw new UserFileError({
        file,
        message: `does not exist; "graphs.${graphId}" in ${manifest.path} names it`,
      });
    }
    const url = UserModules.current().entryUrl(file, generation);
    const exports = await withTimeLimit(importNatively(url), timeLimitMs, file);
    const exported = pick(exports, exportName, file);
    const peers = await loadPeers(file);
    if (typeof exported === "function" && !isCompiledGraph(exported)) {
      return { ...from, kind: "factory", factory: exported as GraphFactory, peers };
    }
    return { ...from, kind: "graph", graph: await unwrap(exported, exportName, file), peers };
  } catch (thrown) {
    return { ...from, kind: "broken", error: describe(thrown, file, manifest.directory) };
  }
}

/**
 * The graph to use now: the one there is, or what the factory makes for this configuration. Throws
 * what the factory throws, and `invalid` when it makes no graph.
 */
export async function instantiate(
  loaded: LoadedGraph,
  config: JsonObject,
  runtime: FactoryRuntime,
): Promise<CompiledGraph> {
  if (loaded.kind === "broken") {
    throw invalid(`Graph "${loaded.graphId}" could not be loaded: ${loaded.error.message}`);
  }
  if (loaded.kind === "graph") return loaded.graph;
  try {
    return await unwrap(await loaded.factory(config, runtime), loaded.exportName, loaded.file);
  } catch (thrown) {
    if (!(thrown instanceof UserFileError)) throw thrown;
    throw invalid(`The factory of graph "${loaded.graphId}" returned no graph: ${thrown.message}`);
  }
}

/** A promise of one, a builder, or an agent that wraps one: all become a compiled graph. */
async function unwrap(exported: unknown, exportName: string, file: string): Promise<CompiledGraph> {
  const value = await exported;
  if (isCompiledGraph(value)) return value;
  if (hasMethods(value, ["compile"])) {
    const compiled: unknown = (value as { compile(): unknown }).compile();
    if (isCompiledGraph(compiled)) return compiled;
  }
  const inner: unknown = isObjectLike(value) ? (value as { graph?: unknown }).graph : undefined;
  if (isCompiledGraph(inner)) return inner;
  throw new UserFileError({
    file,
    message: `export "${exportName}" is ${nameOf(value)}, not a graph: export a compiled graph, a StateGraph, or a function that returns one`,
  });
}

function isCompiledGraph(value: unknown): value is CompiledGraph {
  return (
    hasMethods(value, ["stream", "invoke", "getState", "updateState"]) &&
    "nodes" in value &&
    "channels" in value
  );
}

function hasMethods(value: unknown, names: string[]): value is object {
  return (
    isObjectLike(value) &&
    names.every((name) => typeof (value as Record<string, unknown>)[name] === "function")
  );
}

function isObjectLike(value: unknown): value is object {
  return (typeof value === "object" || typeof value === "function") && value !== null;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? "a plain object" : `a value of class ${name}`;
}

/** CommonJS files have their exports under `default`, as far as Node cannot tell them beforehand. */
function pick(exports: Record<string, unknown>, exportName: string, file: string): unknown {
  const fallback = exports["default"];
  const value =
    exports[exportName] ??
    (isObjectLike(fallback) && !isCompiledGraph(fallback)
      ? (fallback as Record<string, unknown>)[exportName]
      : undefined);
  if (value !== undefined) return value;
  const names = Object.keys(exports).filter((name) => name !== "module.exports");
  const there = names.length > 0 ? `its exports are ${names.join(", ")}` : "it exports nothing";
  throw new UserFileError({ file, message: `has no export "${exportName}": ${there}` });
}

async function withTimeLimit<Value>(
  work: Promise<Value>,
  timeLimitMs: number,
  file: string,
): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `did not finish loading in ${timeLimitMs / 1000} s: does a top-level await wait for something that never comes?`;
  const timer = setTimeout(() => reject(new UserFileError({ file, message })), timeLimitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(thrown: unknown, graphFile: string, directory: string): LoadFailure {
  const { file, line, message } =
    thrown instanceof UserFileError
      ? { file: thrown.file, line: thrown.line, message: thrown.message }
      : { message: explain(thrown), ...placeOf(thrown, graphFile) };
  const place = `${relative(directory, file) || file}${line === null ? "" : `:${line}`}`;
  const throughAnother =
    file === graphFile ? "" : ` (loading ${relative(directory, graphFile) || graphFile})`;
  return { message: `${place}${throughAnother}: ${message}`, file, line };
}

function explain(thrown: unknown): string {
  if (thrown instanceof AdjutantError) return thrown.message;
  const { error, message } = failureOf(thrown);
  const missing = /does not provide an export named '([^']+)'/.exec(message);
  if (error === "SyntaxError" && missing) {
    return `${message}. If ${missing[1]} is a type, write "import type" or "export type"`;
  }
  return `threw ${error}: ${message}`;
}

/** The topmost frame of the stack in a file of the user's; linking errors name the file on the first line. */
function placeOf(thrown: unknown, graphFile: string): { file: string; line: number | null } {
  const stack = (thrown as { stack?: unknown } | null)?.stack;
  if (typeof stack !== "string") return { file: graphFile, line: null };
  const users = new Set(UserModules.current().filesSince(0));
  for (const match of stack.matchAll(/(file:\/\/[^\s:)]+|\/[^\s:()]+?)(?:\?gen=\d+)?:(\d+)/g)) {
    const file = match[1]!.startsWith("file:") ? fileURLToPath(match[1]!) : match[1]!;
    if (!users.has(file)) continue;
    const isLinking = match.index === 0;
    return { file, line: isLinking ? importLine(file, String(thrown)) : Number(match[2]) };
  }
  return { file: graphFile, line: null };
}

/** Linking errors give the line in the generated code; the missing name is found again in the source. */
function importLine(file: string, message: string): number | null {
  const from = /module '([^']+)'/.exec(message)?.[1];
  if (!from) return null;
  const source = readFileSync(file, "utf8");
  return lineOf(source, `"${from}"`) ?? lineOf(source, `'${from}'`);
}
