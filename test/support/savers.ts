import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Storage } from "../../src/core/ports/storage.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { freshSchema } from "./postgres.ts";

/** A database of a test's own that can be closed and opened again, as a crash and a restart do. */
export interface Reopenable {
  name: string;
  create(): Promise<OpenDatabase>;
}

export interface OpenDatabase extends AsyncDisposable {
  storage: Storage;
  /** Rows in a table. */
  count(table: string): Promise<number>;
  /** Of all tables. */
  tables(): Promise<string[]>;
  /** Closes it without any farewell and opens what is there. */
  reopen(): Promise<void>;
}

class SqliteFile implements OpenDatabase {
  storage: Storage;
  readonly #directory: string;

  private constructor(directory: string, storage: Storage) {
    this.#directory = directory;
    this.storage = storage;
  }

  static async create(): Promise<SqliteFile> {
    const directory = await mkdtemp(join(tmpdir(), "adjutant-"));
    return new SqliteFile(directory, await openSqlite({ directory }));
  }

  async count(table: string): Promise<number> {
    const database = new DatabaseSync(join(this.#directory, "adjutant.sqlite"), { readOnly: true });
    try {
      return (database.prepare(`select count(*) as rows from ${table}`).get() as { rows: number })
        .rows;
    } finally {
      database.close();
    }
  }

  async tables(): Promise<string[]> {
    using database = new DatabaseSync(join(this.#directory, "adjutant.sqlite"), { readOnly: true });
    const rows = database.prepare(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
    );
    return rows.all().map(({ name }) => String(name));
  }

  async reopen(): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    this.storage = await openSqlite({ directory: this.#directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

class PostgresSchema implements OpenDatabase {
  storage: Storage;
  readonly #schema: ReturnType<typeof freshSchema>;

  private constructor(schema: ReturnType<typeof freshSchema>, storage: Storage) {
    this.#schema = schema;
    this.storage = storage;
  }

  static async create(uri: string): Promise<PostgresSchema> {
    const schema = freshSchema(uri);
    return new PostgresSchema(schema, await openPostgres(schema));
  }

  async count(table: string): Promise<number> {
    const [row] = await this.#schema.query(`select count(*) as rows from ${table}`);
    return Number(row!["rows"]);
  }

  async tables(): Promise<string[]> {
    const rows = await this.#schema.query(
      "select table_name from information_schema.tables where table_schema = current_schema()",
    );
    return rows.map((row) => String(row["table_name"]));
  }

  async reopen(): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    this.storage = await openPostgres(this.#schema);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.storage[Symbol.asyncDispose]();
    await this.#schema.drop();
  }
}

export const sqliteFile: Reopenable = { name: "SQLite", create: () => SqliteFile.create() };

export function postgresSchema(uri: string): Reopenable {
  return { name: "PostgreSQL", create: () => PostgresSchema.create(uri) };
}
