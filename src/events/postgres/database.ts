import { createHash } from "node:crypto";
import { userInfo } from "node:os";
import {
  Client,
  type ClientConfig,
  defaults,
  escapeIdentifier,
  Pool,
  type PoolClient,
  types,
} from "pg";
import { AdjutantError } from "../../core/error.ts";

/** Where the room keeps its tables. Several servers may share it. */
export interface Place {
  uri: string;
  schema: string;
}

const poolSize = 4;
const connectTimeoutMs = 10_000;
/** A statement whose connection went silent is given up, and what it stored is stored again. */
const queryTimeoutMs = 30_000;

/** Without a user in the URI or in PGUSER, libpq takes the one of the process; the driver asks only USER. */
defaults.user ||= userOfProcess();

function userOfProcess(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined; // A container may run under a number that has no name.
  }
}

/** `int8` as a number: positions and times in milliseconds stay below 2^53. */
function typeParser(oid: number, format: "text" | "binary" = "text"): unknown {
  return oid === types.builtins.INT8 ? Number : types.getTypeParser(oid, format);
}

function configOf({ uri }: Place, purpose: string): ClientConfig {
  return {
    connectionString: uri,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: `adjutant ${purpose}`,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof types.getTypeParser },
  };
}

export function clientFor(place: Place, purpose: string): Client {
  return new Client(configOf(place, purpose));
}

/** `synchronous_commit` off: an event log is no record, and a crash of the database loses 0.6 s of it at most. */
export function poolFor(place: Place, purpose: string): Pool {
  const settings = `set search_path to ${escapeIdentifier(place.schema)}; set synchronous_commit to off`;
  const pool = new Pool({
    ...configOf(place, purpose),
    max: poolSize,
    onConnect: async (client) => void (await client.query(settings)),
  });
  // A connection that breaks while idle is replaced; the next query tells whether the server is gone.
  pool.on("error", () => {});
  return pool;
}

export async function transaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

/** A channel is heard in the whole database: each schema has its own, of a length that always fits. */
export function channelOf({ schema }: Place, purpose: string): string {
  const name = createHash("sha256").update(schema).digest("hex").slice(0, 16);
  return `adjutant_${purpose}_${name}`;
}

/** SQLSTATE, or the system's code when the connection itself failed. */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Names host and database, never the password. */
export function unreachable(place: Place, cause: unknown): AdjutantError {
  const { host, port, database } = clientFor(place, "error");
  const reason = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
  return new AdjutantError(
    "unavailable",
    `PostgreSQL at ${host}:${port}, database ${JSON.stringify(database)}, does not let us in: ${reason}. ` +
      "Check that the server runs there, that the database exists, and the user and password in DATABASE_URI.",
  );
}
