import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Log } from "../../core/ports/ports.ts";
import type { JsonObject } from "../../core/json.ts";

/** JSON Schemas read from the types of a graph. */
export interface TypeSchemas {
  input: JsonObject;
  output: JsonObject;
  state: JsonObject;
  context: JsonObject;
}

interface CacheEntry {
  /** Hash of each file the types depend on, by absolute path. */
  hashes: Record<string, string>;
  schemas: TypeSchemas;
}

/** Raise when the schemas written for the same types change: old cache entries are then not found. */
const formatVersion = 1;

const outputBytesMax = 32 * 1024 * 1024;
const reasonCharactersMax = 2_000;

const run = promisify(execFile);

/**
 * Reads graphs' types in a child process, one graph at a time, and remembers the result on disk until
 * one of the files it came from changes. A reading takes 1 to 6 s and 300 MB; a remembered one 1 ms.
 */
export class TypeReader implements AsyncDisposable {
  #cacheDirectory: string;
  #timeLimitMs: number;
  #log: Log;
  #stop = new AbortController();
  #last: Promise<unknown> = Promise.resolve();

  constructor(params: { cacheDirectory: string; timeLimitMs: number; log: Log }) {
    this.#cacheDirectory = params.cacheDirectory;
    this.#timeLimitMs = params.timeLimitMs;
    this.#log = params.log;
  }

  /** Null when the types cannot be read, or not in time; the log says why. Never throws. */
  read(graph: { graphId: string; file: string; exportName: string }): Promise<TypeSchemas | null> {
    const reading = this.#last.then(() => this.#read(graph));
    this.#last = reading;
    return reading;
  }

  async #read(graph: {
    graphId: string;
    file: string;
    exportName: string;
  }): Promise<TypeSchemas | null> {
    const cachePath = this.#cachePath(graph);
    const remembered = await readCache(cachePath);
    if (remembered) return remembered;
    try {
      const { dependsOn, ...schemas } = await this.#spawn(graph);
      await this.#remember(cachePath, { hashes: await hashFiles(dependsOn), schemas });
      return schemas;
    } catch (thrown) {
      if (!this.#stop.signal.aborted) {
        this.#log.warn(
          { graph_id: graph.graphId, file: graph.file, reason: this.#reason(thrown) },
          "The schemas of a graph could not be read from its types; it is shown with an open schema.",
        );
      }
      return null;
    }
  }

  async #spawn({
    file,
    exportName,
  }: {
    file: string;
    exportName: string;
  }): Promise<TypeSchemas & { dependsOn: string[] }> {
    const here = fileURLToPath(import.meta.url);
    const worker = join(import.meta.dirname, `worker${extname(here)}`);
    const { stdout } = await run(process.execPath, [worker, JSON.stringify({ file, exportName })], {
      timeout: this.#timeLimitMs,
      killSignal: "SIGKILL",
      maxBuffer: outputBytesMax,
      signal: this.#stop.signal,
      env: { ...process.env, NODE_OPTIONS: "" }, // a debugger or loader of ours is not the child's
    });
    return JSON.parse(stdout) as TypeSchemas & { dependsOn: string[] };
  }

  async #remember(cachePath: string, entry: CacheEntry): Promise<void> {
    try {
      await mkdir(this.#cacheDirectory, { recursive: true });
      const unfinished = `${cachePath}.${process.pid}`;
      await writeFile(unfinished, JSON.stringify(entry));
      await rename(unfinished, cachePath);
    } catch (thrown) {
      const reason = (thrown as Error).message;
      this.#log.warn({ path: cachePath, reason }, "Schemas read from types could not be cached.");
    }
  }

  #cachePath({ file, exportName }: { file: string; exportName: string }): string {
    const key = hash(JSON.stringify([formatVersion, file, exportName]));
    return join(this.#cacheDirectory, `types-${key.slice(0, 32)}.json`);
  }

  #reason(thrown: unknown): string {
    const { killed, stderr, message } = thrown as {
      killed?: boolean;
      stderr?: string;
      message?: string;
    };
    if (killed) return `it took longer than ${this.#timeLimitMs} ms`;
    const lines = (stderr ?? "").split("\n");
    const error = lines.find((line) => /^\w*Error\b/.test(line));
    return (error ?? message ?? String(thrown)).slice(0, reasonCharactersMax);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#last;
  }
}

/** Null when there is no entry, or when any file it came from is not as it was. */
async function readCache(path: string): Promise<TypeSchemas | null> {
  try {
    const { hashes, schemas } = JSON.parse(await readFile(path, "utf8")) as CacheEntry;
    const now = await hashFiles(Object.keys(hashes));
    return Object.keys(hashes).every((file) => hashes[file] === now[file]) ? schemas : null;
  } catch {
    return null;
  }
}

async function hashFiles(files: string[]): Promise<Record<string, string>> {
  const entries = files.map(async (file) => [file, hash(await readFile(file))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function hash(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
