import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { Client, defaults } from "pg";

// As in the driver: the user of the process when nothing names one.
defaults.user ||= userInfo().username;

const localUri = "postgres://127.0.0.1:5432/test";

/** Where nobody answers in this time there is no server. */
const probeTimeoutMs = 2_000;

/** Set where PostgreSQL must be there (CI): then its tests fail instead of being skipped. */
const required = process.env["ADJUTANT_TEST_POSTGRES"] === "required";

/**
 * The server to test on: `DATABASE_URI`, else one on this machine; null when none answers.
 *
 * @throws when none answers and `ADJUTANT_TEST_POSTGRES=required`.
 */
export async function postgresUri(): Promise<string | null> {
  const uri = process.env["DATABASE_URI"] || localUri;
  try {
    await onServer(uri, (client) => client.query("select 1"));
    return uri;
  } catch (error) {
    if (required) throw new Error(`No PostgreSQL answers, but tests require it.`, { cause: error });
    return null;
  }
}

/**
 * A server that has pgvector: the one that `ADJUTANT_TEST_PGVECTOR` names, else that of `postgresUri` if it has; null when neither.
 *
 * @throws when the one that is named does not answer or has no pgvector.
 */
export async function pgvectorUri(): Promise<string | null> {
  const named = process.env["ADJUTANT_TEST_PGVECTOR"];
  if (named) {
    if (await hasPgvector(named)) return named;
    throw new Error("The PostgreSQL that ADJUTANT_TEST_PGVECTOR names has no pgvector.");
  }
  const uri = await postgresUri();
  return uri !== null && (await hasPgvector(uri)) ? uri : null;
}

async function hasPgvector(uri: string): Promise<boolean> {
  const { rows } = await onServer(uri, (client) =>
    client.query("select 1 from pg_available_extensions where name = 'vector'"),
  );
  return rows.length > 0;
}

/** Appended to the names of suites that are skipped. */
export function skippedBecause(uri: string | null): string {
  return uri === null ? " (skipped: no PostgreSQL answers at DATABASE_URI or 127.0.0.1:5432)" : "";
}

/** What a suite for each database is told. */
export interface TestDatabase {
  name: "SQLite" | "Postgres";
  /** The server of PostgreSQL, for `ServerOptions.postgres`; null for the embedded database. */
  postgres: string | null;
  skipped: boolean;
  /** Appended to the suite's name when it is skipped. */
  because: string;
}

export async function everyDatabase(): Promise<TestDatabase[]> {
  const uri = await postgresUri();
  return [
    { name: "SQLite", postgres: null, skipped: false, because: "" },
    { name: "Postgres", postgres: uri, skipped: uri === null, because: skippedBecause(uri) },
  ];
}

export interface FreshSchema {
  uri: string;
  schema: string;
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** The name of a schema of the test's own. Whoever opens it first creates it; `drop` when done. */
export function freshSchema(uri: string): FreshSchema {
  const schema = `test_${randomBytes(8).toString("hex")}`;
  const query = (text: string, values?: unknown[]): Promise<Record<string, unknown>[]> =>
    onServer(uri, async (client) => {
      await client.query(`set search_path to ${schema}`);
      return (await client.query(text, values)).rows;
    });
  return {
    uri,
    schema,
    query,
    drop: async () => void (await query(`drop schema if exists ${schema} cascade`)),
  };
}

async function onServer<Result>(
  uri: string,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({
    connectionString: uri,
    connectionTimeoutMillis: probeTimeoutMs,
  });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end();
  }
}
