import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { FreshDatabase } from "./fresh-database.ts";

const repository = resolve(import.meta.dirname, "..", "..");

/** All that the child inherits: neither a database nor a key of whoever runs the tests. */
const inherited = ["PATH", "HOME", "USER", "TMPDIR", "SystemRoot"];

/**
 * Loaded before the server: ends it when the pipe to the test breaks, so that none outlives a test run
 * that was killed itself.
 */
const endWithTest = `data:text/javascript,${encodeURIComponent(
  'process.stdin.on("end", () => process.kill(process.pid, "SIGKILL")).resume().unref();',
)}`;

export interface ServerOptions {
  /** Path of a langgraph.json. */
  config: string;
  /** `dev` watches files. `start` when not given. */
  command?: "dev" | "start";
  /** Postgres instead of the embedded database: one that others see, too. */
  databaseUri?: string;
  /** A server of PostgreSQL, for a database of the process's own on it, which goes with it. Null: the embedded one. */
  postgres?: string | null;
  /** Made, and removed at the end, when not given. */
  dataDirectory?: string;
  environment?: Record<string, string>;
  flags?: string[];
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

/** `adjutant start` as a process of its own, on a free port that it keeps when it is started again. */
export class ServerProcess implements AsyncDisposable {
  readonly dataDirectory: string;
  readonly #ownsDirectory: boolean;
  readonly #options: ServerOptions;
  readonly #database: FreshDatabase | null;
  #child: ChildProcess;
  #ending: Promise<Ending>;
  #output = "";
  #url: string | null = null;
  readonly #watchers = new Set<() => void>();

  /** Resolves when it answers. @throws with all it said when it ends instead. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const database = options.postgres ? await FreshDatabase.on(options.postgres) : null;
    const server = new ServerProcess(options, database);
    try {
      await server.#ready();
      return server;
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** For a server that is expected not to come up: how it ended. */
  static async startInVain(options: ServerOptions): Promise<Ending> {
    await using server = new ServerProcess(options, null);
    return await server.#urlPrinted().then(
      (url) => Promise.reject(new Error(`It came up, at ${url}.`)),
      () => server.#ending,
    );
  }

  private constructor(options: ServerOptions, database: FreshDatabase | null) {
    this.#options = { ...options, ...(database && { databaseUri: database.uri }) };
    this.#database = database;
    this.#ownsDirectory = options.dataDirectory === undefined;
    this.dataDirectory =
      options.dataDirectory ?? mkdtempSync(join(tmpdir(), "adjutant-acceptance-"));
    [this.#child, this.#ending] = this.#spawn("0");
  }

  /** `http://127.0.0.1:<port>`, with the prefix it serves below */
  get url(): string {
    if (this.#url === null) throw new Error("The server has not come up.");
    return this.#url;
  }

  /** What it wrote since it was started last, to both streams. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when its output matches. @throws when it ends before that. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve: found } = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.#output);
      if (match) found(match);
    };
    this.#watchers.add(look);
    look();
    const ended = this.#ending.then(({ code, signal }) => {
      throw new Error(
        `The server ended (${signal ?? code}) before it said ${pattern}:\n${this.#output}`,
      );
    });
    return Promise.race([promise, ended]).finally(() => this.#watchers.delete(look));
  }

  /** As a crash ends it: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    this.#signalAll("SIGKILL");
    await this.#ending;
  }

  /** As an operator ends it. */
  async stop(): Promise<Ending> {
    this.#child.kill("SIGTERM");
    return this.#ending;
  }

  /** On the same database and the same port. */
  async restart(): Promise<void> {
    const { port } = new URL(this.url);
    this.#output = "";
    [this.#child, this.#ending] = this.#spawn(port);
    this.#url = null;
    await this.#ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    if (this.#ownsDirectory) rmSync(this.dataDirectory, { recursive: true, force: true });
    await this.#database?.[Symbol.asyncDispose]();
  }

  #spawn(port: string): [ChildProcess, Promise<Ending>] {
    const { config, command = "start", databaseUri, environment, flags = [] } = this.#options;
    const words = [command, "--config", config, "--data-dir", this.dataDirectory, "--port", port];
    const kept = inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    });
    const child = spawn(
      process.execPath,
      ["--import", endWithTest, join(repository, "bin", "adjutant.js"), ...words, ...flags],
      {
        cwd: this.dataDirectory,
        env: {
          ...Object.fromEntries(kept),
          NO_COLOR: "1",
          ...(databaseUri === undefined ? {} : { DATABASE_URI: databaseUri }),
          ...environment,
        },
        stdio: ["pipe", "pipe", "pipe"],
        // A group of its own, so that a kill reaches whatever it has started itself.
        detached: true,
      },
    );
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
        for (const look of this.#watchers) look();
      });
    }
    const ending = once(child, "close").then(([code, signal]): Ending => ({
      code,
      signal,
      output: this.#output,
    }));
    return [child, ending];
  }

  async #urlPrinted(): Promise<string> {
    const [, url] = await this.printed(/\bAPI +(http:\/\/[\d.]+:\d+(?:\/\S*)?)\n/);
    return url!;
  }

  async #ready(): Promise<void> {
    this.#url = await this.#urlPrinted();
    const answer = await fetch(`${this.#url}/ok`);
    if (!answer.ok) throw new Error(`GET /ok: ${answer.status} ${await answer.text()}`);
  }

  #signalAll(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.#child.pid!, signal);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
    }
  }
}
