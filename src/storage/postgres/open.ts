import type { Storage } from "../../core/ports/storage.ts";
import { PostgresAssistants } from "./assistants.ts";
import { PostgresCheckpoints } from "./checkpoints.ts";
import { PostgresCrons } from "./crons.ts";
import { Database } from "./database.ts";
import { PostgresDeliveries } from "./deliveries.ts";
import { PostgresItems } from "./items.ts";
import { migrate } from "./migrations.ts";
import { PostgresRuns } from "./runs.ts";
import { PostgresSweeps } from "./sweeps.ts";
import { PostgresThreads } from "./threads.ts";

/**
 * Opens the database at `uri` (`postgres://user:password@host:port/database`). Everything lives in
 * `schema`, which is created when missing; several servers may share it.
 *
 * @throws unavailable when the server cannot be reached or refuses; conflict when a newer version of
 * Adjutant wrote the schema.
 */
export async function openPostgres(params: { uri: string; schema?: string }): Promise<Storage> {
  const { uri, schema = "adjutant" } = params;
  const database = new Database({ uri, schema });
  try {
    await migrate(database, schema);
    await database.watchForCrashes();
  } catch (error) {
    await database.close();
    throw error;
  }
  return new PostgresStorage(database);
}

class PostgresStorage implements Storage {
  readonly assistants: PostgresAssistants;
  readonly threads: PostgresThreads;
  readonly runs: PostgresRuns;
  readonly checkpoints: PostgresCheckpoints;
  readonly items: PostgresItems;
  readonly crons: PostgresCrons;
  readonly deliveries: PostgresDeliveries;
  readonly sweeps: PostgresSweeps;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.assistants = new PostgresAssistants(database);
    this.threads = new PostgresThreads(database);
    this.runs = new PostgresRuns(database);
    this.checkpoints = new PostgresCheckpoints(database);
    this.items = new PostgresItems(database);
    this.crons = new PostgresCrons(database);
    this.deliveries = new PostgresDeliveries(database);
    this.sweeps = new PostgresSweeps(database);
  }

  async check(): Promise<void> {
    await this.#database.rows("select 1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }
}
