import { escapeIdentifier, type Pool } from "pg";
import { conflict } from "../../core/error.ts";
import { type Place, transaction } from "./database.ts";

/**
 * What the room's tables went through, in order. Only ever append. `data`, `error` and `state` are
 * text, since JSON comes back as it was written; times are milliseconds since 1970.
 */
const migrations: string[] = [
  `
  create table run_events (
    run_id text collate "C" not null,
    position bigint not null,
    name text not null,
    data text not null,
    stored_at bigint not null,
    primary key (run_id, position)
  );
  -- Rows lie in the order of their times, so a few bytes for each range of pages are enough.
  create index run_events_by_age on run_events using brin (stored_at);

  create table run_ends (
    run_id text collate "C" primary key,
    status text not null,
    error text,
    state text, -- the last state the run streamed
    ended_at bigint not null
  );
  create index run_ends_by_time on run_ends (ended_at);
  `,
  `
  alter table run_ends add column thread_metadata text;
  `,
];

/** One transaction under the lock that storage takes for its own: both create the schema when missing. */
export async function migrate(pool: Pool, { schema }: Place): Promise<void> {
  await transaction(pool, async (client) => {
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `adjutant migrations ${schema}`,
    ]);
    const existing = await client.query("select 1 from pg_namespace where nspname = $1", [schema]);
    if (existing.rowCount === 0) await client.query(`create schema ${escapeIdentifier(schema)}`);
    await client.query(
      `create table if not exists event_migrations (
         number integer primary key, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ done: number }>(
      "select coalesce(max(number), 0) as done from event_migrations",
    );
    const done = rows[0]!.done;
    if (done > migrations.length) {
      throw conflict(
        `The event tables of schema ${schema} are at migration ${done}, this version of Adjutant knows ` +
          `${migrations.length}. Use the newer version that wrote them, or another schema.`,
      );
    }
    for (let number = done + 1; number <= migrations.length; number++) {
      await client.query(migrations[number - 1]!);
      await client.query("insert into event_migrations (number) values ($1)", [number]);
    }
  });
}
