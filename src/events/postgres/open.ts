import type { Limits } from "../../core/limits.ts";
import type { EventLog, Signals } from "../../core/ports/events.ts";
import type { Clock, Log } from "../../core/ports/ports.ts";
import { poolFor, unreachable } from "./database.ts";
import { PostgresEventLog } from "./log.ts";
import { migrate } from "./migrations.ts";
import { PostgresSignals } from "./signals.ts";
import { EventTables } from "./tables.ts";

/**
 * Event log and signals of all servers that share `schema` of the database at `uri`. Whoever opens
 * disposes both.
 *
 * @throws unavailable when the server cannot be reached; conflict when a newer version wrote the schema.
 */
export async function openPostgresEvents(params: {
  uri: string;
  schema?: string;
  limits: Limits;
  clock: Clock;
  log: Log;
}): Promise<{ events: EventLog; signals: Signals }> {
  const { uri, schema = "adjutant", log } = params;
  await using resources = new AsyncDisposableStack();
  const events = resources.use(await openPostgresEventLog({ ...params, schema }));
  const signals = resources.use(new PostgresSignals({ place: { uri, schema }, log }));
  await signals.start();
  resources.move();
  return { events, signals };
}

/** The log alone. */
export async function openPostgresEventLog(params: {
  uri: string;
  schema: string;
  limits: Limits;
  clock: Clock;
  log: Log;
}): Promise<PostgresEventLog> {
  const { limits, clock, log } = params;
  const place = { uri: params.uri, schema: params.schema };
  const pool = poolFor(place, "event log");
  const events = new PostgresEventLog({
    place,
    tables: new EventTables(pool, place),
    limits,
    clock,
    log,
  });
  try {
    const client = await pool.connect().catch((error: unknown) => {
      throw unreachable(place, error);
    });
    client.release();
    await migrate(pool, place);
    await events.start();
  } catch (error) {
    await events[Symbol.asyncDispose]();
    throw error;
  }
  return events;
}
