import { userInfo } from "node:os";
import { Client, DatabaseError, defaults, escapeIdentifier, Pool, type PoolClient } from "pg";
import { AdjutantError } from "../../core/error.ts";
import { preparationLost, send, type Statement } from "./batch.ts";
import { recoverFromCrash } from "./crashes.ts";
import { Group } from "./group.ts";
import { type Connection, Session, type TransactionConnection } from "./session.ts";

export type { Connection, TransactionConnection };

const poolSize = 10;
const connectTimeoutMs = 10_000;

/**
 * Nothing was done, and the same again may succeed: serialization failure, deadlock; a statement whose
 * preparation no longer holds, which batch.ts then forgets.
 */
const transient = new Set(["40001", "40P01", ...preparationLost]);

/** Without a user in the URI or in PGUSER, libpq takes the one of the process; the driver asks only USER. */
defaults.user ||= userOfProcess();

function userOfProcess(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // A container may run under a number that has no name.
  }
}

export class Database implements Connection {
  /** Small reads of single rows, which hold nobody up. */
  readonly glances = new Group((statements) => this.batch(statements), { first: null });
  readonly #pool: Pool;
  readonly #uri: string;
  #isWatching = false;

  constructor(params: { uri: string; schema: string }) {
    this.#uri = params.uri;
    const searchPath = `set search_path to ${escapeIdentifier(params.schema)}`;
    this.#pool = new Pool({
      connectionString: params.uri,
      max: poolSize,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      application_name: "adjutant",
      // `bytea_output` may be set otherwise in the database or for the role. Compiling a statement
      // takes longer than any of ours.
      onConnect: async (client) => {
        // One that breaks while in use says so to whoever uses it, and there is nobody else to tell.
        client.on("error", () => {});
        await client.query(`${searchPath}; set bytea_output to hex; set jit to off`);
        if (this.#isWatching) await recoverFromCrash(client);
      },
    });
    // A connection that breaks while idle is replaced; the next query tells whether the server is gone.
    this.#pool.on("error", () => {});
  }

  /** To be called when the tables are there; see crashes.ts. */
  async watchForCrashes(): Promise<void> {
    this.#isWatching = true;
    const client = await this.#connect();
    try {
      await recoverFromCrash(client);
    } finally {
      client.release();
    }
  }

  async rows<Row extends object>(
    text: string,
    values: unknown[] = [],
    name?: string,
  ): Promise<Row[]> {
    const [rows] = await this.batch([{ text, values, name }]);
    return rows as Row[];
  }

  /** The rows of each statement. One transaction in one round trip, twice at most as below. */
  async batch(statements: Statement[]): Promise<object[][]> {
    try {
      return await this.#send(statements);
    } catch (error) {
      if (!transient.has(codeOf(error))) throw error;
      return await this.#send(statements);
    }
  }

  /** Runs `work` in one transaction, twice at most: again after what is `transient`. */
  async transaction<Result>(
    work: (connection: TransactionConnection) => Promise<Result>,
  ): Promise<Result> {
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

  async #send(statements: Statement[]): Promise<object[][]> {
    const client = await this.#connect();
    let broken = false;
    try {
      return await send(client, statements);
    } catch (error) {
      broken = isConnectionLost(error);
      throw broken ? lost(error) : error;
    } finally {
      client.release(broken);
    }
  }

  async #once<Result>(
    work: (connection: TransactionConnection) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#connect();
    const session = new Session(client);
    let broken = false;
    try {
      const result = await work(session);
      await session.commit();
      return result;
    } catch (error) {
      broken = isFatal(error);
      if (!broken) await session.rollback().catch(() => (broken = true));
      // What `work` found out itself it says itself.
      throw broken && isOfDriver(error) ? lost(error) : error;
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

/** The connection is gone, or none could be made: nobody knows whether the statement was done. */
export function isConnectionLost(error: unknown): boolean {
  return !(error instanceof DatabaseError) || isFatal(error);
}

/** The server has ended the connection. `severity` is in the server's language. */
function isFatal(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    (error.severity === "FATAL" || codeOf(error).startsWith("57P0"))
  );
}

function isOfDriver(error: unknown): boolean {
  return error instanceof DatabaseError || (error instanceof Error && error.constructor === Error);
}

function lost(cause: unknown): AdjutantError {
  const reason = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new AdjutantError(
    "unavailable",
    `The connection to PostgreSQL was lost (${reason}), and with it the answer whether this was done. ` +
      "Look, and ask again.",
  );
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
