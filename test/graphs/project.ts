import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { loadGraphs, type LoadedGraph, type ReadyGraph } from "../../src/graphs/load.ts";
import { readManifest } from "../../src/graphs/manifest.ts";

const repository = resolve(import.meta.dirname, "../..");

/** A user's project in a directory of its own, gone when disposed. */
export interface TemporaryProject extends AsyncDisposable {
  directory: string;
  write(files: Record<string, string>): Promise<void>;
}

/**
 * `packages: "linked"` gives it this repository's packages, `"own"` a copy of the LangGraph packages
 * (the rest linked), `"none"` none at all.
 */
export async function temporaryProject(
  files: Record<string, string>,
  packages: "linked" | "own" | "none" = "linked",
): Promise<TemporaryProject> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "adjutant-project-")));
  const write = async (more: Record<string, string>) => {
    for (const [name, content] of Object.entries(more)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), content);
    }
  };
  await write({ "package.json": '{ "private": true }', ...files });
  const modules = join(directory, "node_modules");
  if (packages === "linked") await symlink(join(repository, "node_modules"), modules);
  if (packages === "own") await copyPackages(modules);
  return {
    directory,
    write,
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function copyPackages(modules: string): Promise<void> {
  const copied = ["langgraph", "langgraph-checkpoint", "core"];
  await mkdir(join(modules, "@langchain"), { recursive: true });
  for (const name of copied) {
    const from = join(repository, "node_modules/@langchain", name);
    await cp(from, join(modules, "@langchain", name), { recursive: true });
  }
  const linked = ["@langchain/langgraph-sdk", "@langchain/protocol", "@standard-schema", "zod"];
  const ofCore = ["@cfworker", "js-tiktoken", "langsmith", "mustache", "p-queue", "base64-js"];
  for (const name of [...linked, ...ofCore]) {
    await symlink(join(repository, "node_modules", name), join(modules, name)).catch(
      () => undefined, // not every version needs each
    );
  }
}

export async function load(directory: string, graphId: string): Promise<LoadedGraph> {
  const { graphs } = await loadGraphs(await readManifest(directory));
  return graphs.get(graphId)!;
}

/** Throws the reason when the graph is broken, so that a test shows it. */
export async function loadReady(directory: string, graphId: string): Promise<ReadyGraph> {
  const loaded = await load(directory, graphId);
  if (loaded.kind === "broken") throw new Error(loaded.error.message);
  if (loaded.kind === "factory") throw new Error(`${graphId} is a factory`);
  return loaded;
}

export async function invoke(loaded: ReadyGraph, input: unknown): Promise<unknown> {
  const graph = loaded.graph as unknown as { invoke(input: unknown): Promise<unknown> };
  return graph.invoke(input);
}

export const zoo = resolve(repository, "test/fixtures/zoo");
