import { userInfo } from "node:os";
import { Client, defaults, escapeIdentifier, Pool, type PoolClient, types } from "pg";
import { AdjutantError } from "../../core/error.ts";

/** What statements run on: the pool, or the one connection of a transaction. */
export interface Connection {
  /** `name` makes it a prepared statement, planned once per connection. */
  rows<Row extends object>(text: string, values?: unknown[], name?: string): Promise<Row[]>;
}

const poolSize = 10;
const connectTimeoutMs = 10_000;

/** Serialization failure and deadlock: nothing was done, and the same again may succeed. */
const transient = new Set(["40001", "40P01"]);

/** Without a user in the URI or in PGUSER, libpq takes the one of the process; the driver asks only USER. */
defaults.user ||= userOfProcess();

function userOfProcess(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // A container may run under a number that has no name.
  }
}

/** `int8` as a number: times in milliseconds and counts stay far below 2^53. */
function typeParser(oid: number, format: "text" | "binary" = "text"): unknown {
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.BYTEA) return parseBytes;
  return types.getTypeParser(oid, format);
}

function parseBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}

export class Database implements Connection {
  readonly #pool: Pool;
  readonly #uri: string;

  constructor(params: { uri: string; schema: string }) {
    this.#uri = params.uri;
    const searchPath = `set search_path to ${escapeIdentifier(params.schema)}`;
    this.#pool = new Pool({
      connectionString: params.uri,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: "adjutant",
      types: { getTypeParser: typeParser as typeof types.getTypeParser },
      // `bytea_output` may be set otherwise in the database or for the role.
      onConnect: async (client) =>
        void (await client.query(`${searchPath}; set bytea_output to hex`)),
    });
    // A connection that breaks while idle is replaced; the next query tells whether the server is gone.
    this.#pool.on("error", () => {});
  }

  async rows<Row extends object>(text: string, values?: unknown[], name?: string): Promise<Row[]> {
    const client = await this.#connect();
    try {
      return await rowsOf<Row>(client, text, values, name);
    } finally {
      client.release();
    }
  }

  /** Runs `work` in one transaction, twice at most: again after a deadlock or serialization failure. */
  async transaction<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    try {
      return await this.#once(work);
    } catch (error) {
      if (!transient.has(codeOf(error))) throw error;
      return await this.#once(work);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #once<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const client = await this.#connect();
    let broken: Error | undefined;
    try {
      await client.query("begin");
      const result = await work({
        rows: (text, values, name) => rowsOf(client, text, values, name),
      });
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw unreachable(this.#uri, error);
    }
  }
}

async function rowsOf<Row extends object>(
  client: PoolClient,
  text: string,
  values: unknown[] = [],
  name?: string,
): Promise<Row[]> {
  const { rows } = await client.query({ text, values: values.map(withoutNul), name });
  return rows as Row[];
}

/**
 * Postgres stores no NUL, and `jsonb` no half surrogate pair either. Both become U+FFFD on their way
 * in (specification 3.6): here in text, in `json` where JSON is made.
 */
function withoutNul(value: unknown): unknown {
  if (typeof value === "string") {
    return value.includes("\u0000") ? value.replaceAll("\u0000", "\ufffd") : value;
  }
  return Array.isArray(value) ? value.map(withoutNul) : value;
}

/** JSON for a `json` or `jsonb` parameter. `JSON.stringify` escapes only what must be replaced. */
export function json(value: unknown): string {
  const text = JSON.stringify(value);
  if (!text.includes("\\u")) return text;
  return text.replace(/\\(u0000|u[dD][89a-fA-F]..|.)/g, (escape, what: string) =>
    what.length > 1 ? "\ufffd" : escape,
  );
}

/** Null stays null, so that `is null` can be asked. */
export function optionalJson(value: unknown): string | null {
  return value === null ? null : json(value);
}

export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Names host and database, never the user's password. */
function unreachable(uri: string, cause: unknown): AdjutantError {
  const { host, port, database } = new Client({ connectionString: uri });
  const reason = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new AdjutantError(
    "unavailable",
    `PostgreSQL at ${host}:${port}, database ${JSON.stringify(database)}, does not let us in: ${reason}. ` +
      "Check that the server runs there, that the database exists, and the user and password in DATABASE_URI.",
  );
}
