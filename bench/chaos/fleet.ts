import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ServerProcess } from "../server-process.ts";

const here = import.meta.dirname;
const repository = join(here, "..", "..");

/**
 * Leases that end soon after their server, so that another one need not wait long; and more attempts
 * than usual, since with kills this close together three may hit the same run.
 */
const limits = {
  ADJUTANT_LEASE_MS: "2000",
  ADJUTANT_BEAT_MS: "500",
  ADJUTANT_ATTEMPTS_MAX: "10",
};

/** Servers of one database, of which any may be killed and started again at its port. */
export class Fleet implements AsyncDisposable {
  readonly #servers: ServerProcess[] = [];
  readonly #directory: string;
  readonly #databaseUri: string | undefined;
  readonly ledger: string;

  private constructor(directory: string, databaseUri: string | undefined) {
    this.#directory = directory;
    this.#databaseUri = databaseUri;
    this.ledger = join(directory, "ledger.txt");
  }

  /** `directory` is empty; without `databaseUri` the one server keeps its embedded database there. */
  static async start(params: {
    directory: string;
    servers: number;
    databaseUri: string | undefined;
  }): Promise<Fleet> {
    const fleet = new Fleet(params.directory, params.databaseUri);
    try {
      for (let at = 0; at < params.servers; at += 1) fleet.#servers.push(await fleet.#start(at));
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
    return fleet;
  }

  get urls(): string[] {
    return this.#servers.map(({ url }) => url);
  }

  /** Kills a server as a crash does, and starts it again. Returns how long that took, in ms. */
  async crash(at: number): Promise<number> {
    const killed = this.#servers[at]!;
    const killedAt = performance.now();
    await killed.kill();
    this.#servers[at] = await this.#start(at, killed.port);
    return performance.now() - killedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()));
  }

  #start(at: number, port?: number): Promise<ServerProcess> {
    const dataDirectory = join(this.#directory, `server-${at}`);
    mkdirSync(dataDirectory, { recursive: true });
    return ServerProcess.start({
      file: process.execPath,
      words: (free) => [
        join(repository, "bin/adjutant.js"),
        "start",
        `--config=${join(here, "langgraph.json")}`,
        `--port=${free}`,
        `--data-dir=${dataDirectory}`,
      ],
      directory: repository,
      environment: {
        ...limits,
        DATABASE_URI: this.#databaseUri,
        CHAOS_LEDGER: this.ledger,
        LOG_LEVEL: "error",
      },
      ...(port === undefined ? {} : { port }),
    });
  }
}
