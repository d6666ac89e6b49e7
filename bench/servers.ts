import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Client as PostgresClient } from "pg";
import { installPeer } from "./peer.ts";
import { ServerProcess } from "./server-process.ts";
import type { Launched, Place, Target } from "./target.ts";

const here = import.meta.dirname;
const repository = join(here, "..");

/** Data lie beside the benchmark: what is in the system's temporary directory may be in memory only. */
const dataDirectory = join(here, ".data");

/** Which graphs a server serves: those of the measures, or the two of the measure of starting. */
export type GraphSet = "langgraph.json" | "two-graphs.json";

/** Our server on the embedded database, on disk. */
export async function startOurs(graphs: GraphSet = "langgraph.json"): Promise<Launched> {
  const directory = emptyDirectory();
  return launched({
    name: "adjutant",
    kind: "ours",
    server: await ours(graphs, directory, undefined),
    collects: graphs === "langgraph.json",
    place: { kind: "sqlite", file: join(directory, "adjutant.sqlite") },
    launch: () => startOurs("two-graphs.json"),
    cleanUp: () => removeDirectory(directory),
  });
}

/** Our server on a database of its own at this Postgres. */
export async function startOursOnPostgres(
  uri: string,
  graphs: GraphSet = "langgraph.json",
): Promise<Launched> {
  const directory = emptyDirectory();
  const own = await emptyDatabase(uri);
  return launched({
    name: "adjutant on Postgres",
    kind: "ours",
    server: await ours(graphs, directory, own.uri),
    collects: graphs === "langgraph.json",
    place: { kind: "postgres", uri: own.uri },
    launch: () => startOursOnPostgres(uri, "two-graphs.json"),
    cleanUp: async () => {
      await own.drop();
      removeDirectory(directory);
    },
  });
}

export async function startFloor(): Promise<Launched> {
  const directory = emptyDirectory();
  const server = await ServerProcess.start({
    file: process.execPath,
    words: (port) => [join(here, "floor.ts"), String(port), directory],
    directory: repository,
    environment: {},
  });
  return launched({
    name: "floor",
    kind: "floor",
    server,
    place: { kind: "sqlite", file: join(directory, "floor.sqlite") },
    launch: null,
    cleanUp: () => removeDirectory(directory),
  });
}

/** The official development server, which is installed when it is missing. */
export async function startPeer(graphs: GraphSet = "langgraph.json"): Promise<Launched> {
  const directory = await installPeer(join(here, ".peer"));
  rmSync(join(directory, ".langgraph_api"), { recursive: true, force: true });
  const server = await ServerProcess.start({
    file: process.execPath,
    words: (port) => [
      join(directory, "node_modules/@langchain/langgraph-cli/dist/cli/cli.mjs"),
      "dev",
      `--config=${graphs}`,
      `--port=${port}`,
      "--host=127.0.0.1",
      "--no-browser",
      "--no-reload",
    ],
    directory,
    environment: { LANGGRAPH_CLI_NO_ANALYTICS: "1", LANGSMITH_TRACING: "false" },
  });
  return launched({
    name: "peer",
    kind: "other",
    server,
    place: { kind: "hidden" },
    launch: () => startPeer("two-graphs.json"),
    cleanUp: () => {},
  });
}

/** A server that somebody else has started with the graphs of `bench/langgraph.json`. */
export function atUrl(name: string, kind: "ours" | "other", url: string): Target {
  const place = { kind: "hidden" as const };
  const where = { url: url.replace(/\/$/, ""), pid: null, place };
  return { name, kind, ...where, collectGarbage: null, launch: null };
}

/** Has a process collect garbage when it is told to by a signal. */
const collecting = [
  "--expose-gc",
  `--import=${pathToFileURL(join(here, "collect-garbage.ts")).href}`,
];

function ours(graphs: GraphSet, directory: string, databaseUri: string | undefined) {
  return ServerProcess.start({
    file: process.execPath,
    words: (port) => [
      // The measures of starting are of the server as everybody starts it.
      ...(graphs === "langgraph.json" ? collecting : []),
      join(repository, "bin/adjutant.js"),
      "start",
      `--config=${join(here, graphs)}`,
      `--port=${port}`,
      `--data-dir=${directory}`,
    ],
    directory: repository,
    environment: { DATABASE_URI: databaseUri, LOG_LEVEL: "warn" },
  });
}

function launched(params: {
  name: string;
  kind: Target["kind"];
  server: ServerProcess;
  /** It runs with `collecting`. */
  collects?: boolean;
  place: Place;
  launch: Target["launch"];
  cleanUp: () => Promise<void> | void;
}): Launched {
  const { name, kind, server, place, launch, cleanUp } = params;
  const { pid } = server;
  const collectGarbage = params.collects ? () => void process.kill(pid, "SIGUSR2") : null;
  return {
    target: { name, kind, url: server.url, pid, place, collectGarbage, launch },
    startedInMs: server.startedInMs,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await cleanUp();
    },
  };
}

/** A database of its own at this Postgres. */
export async function emptyDatabase(
  uri: string,
): Promise<{ uri: string; drop: () => Promise<void> }> {
  const name = `adjutant_bench_${randomBytes(6).toString("hex")}`;
  await administer(uri, `create database ${name}`);
  const own = new URL(uri);
  own.pathname = `/${name}`;
  return { uri: own.href, drop: () => administer(uri, `drop database ${name} with (force)`) };
}

export function emptyDirectory(): string {
  mkdirSync(dataDirectory, { recursive: true });
  return mkdtempSync(join(dataDirectory, "run-"));
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** Whether there is a Postgres. */
export async function answers(uri: string): Promise<boolean> {
  return administer(uri, "select 1").then(
    () => true,
    () => false,
  );
}

async function administer(uri: string, statement: string): Promise<void> {
  const client = new PostgresClient({ connectionString: uri });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
