import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Storage } from "../../core/ports/storage.ts";
import { SqliteAssistants } from "./assistants.ts";
import { SqliteCheckpoints } from "./checkpoints.ts";
import { Connection } from "./connection.ts";
import { SqliteCrons } from "./crons.ts";
import { SqliteDeliveries } from "./deliveries.ts";
import { SqliteItems } from "./items.ts";
import { DirectoryLock } from "./lock.ts";
import { migrate } from "./migrations.ts";
import { SqliteRuns } from "./runs.ts";
import { SqliteSweeps } from "./sweeps.ts";
import { SqliteThreads } from "./threads.ts";

/**
 * Opens `adjutant.sqlite` in `directory`, which is created when missing; null keeps everything in
 * memory. Runs that a dead server left running can be claimed at once.
 *
 * @throws conflict when another server has the directory open, or when a newer version wrote it.
 */
export async function openSqlite(params: { directory: string | null }): Promise<Storage> {
  if (params.directory === null) return new SqliteStorage(new Connection(":memory:"), null);
  const directory = resolve(params.directory);
  mkdirSync(directory, { recursive: true });
  const lock = new DirectoryLock(directory);
  try {
    return new SqliteStorage(new Connection(join(directory, "adjutant.sqlite")), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteStorage implements Storage {
  readonly assistants: SqliteAssistants;
  readonly threads: SqliteThreads;
  readonly runs: SqliteRuns;
  readonly checkpoints: SqliteCheckpoints;
  readonly items: SqliteItems;
  readonly crons: SqliteCrons;
  readonly deliveries: SqliteDeliveries;
  readonly sweeps: SqliteSweeps;
  readonly #connection: Connection;
  readonly #lock: DirectoryLock | null;

  constructor(connection: Connection, lock: DirectoryLock | null) {
    this.#connection = connection;
    this.#lock = lock;
    try {
      migrate(connection);
      // The lock proves that no worker of this database lives, so no lease holds.
      connection.run("update runs set lease_expires_at = 0 where status = 'running'");
      connection.run("update crons set lease_expires_at = 0");
    } catch (error) {
      connection.close();
      throw error;
    }
    this.assistants = new SqliteAssistants(connection);
    this.threads = new SqliteThreads(connection);
    this.runs = new SqliteRuns(connection);
    this.checkpoints = new SqliteCheckpoints(connection);
    this.items = new SqliteItems(connection);
    this.crons = new SqliteCrons(connection);
    this.deliveries = new SqliteDeliveries(connection);
    this.sweeps = new SqliteSweeps(connection);
  }

  async check(): Promise<void> {
    this.#connection.row("select 1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    this.#lock?.release();
  }
}
