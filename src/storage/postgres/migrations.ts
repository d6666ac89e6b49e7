import { escapeIdentifier } from "pg";
import { conflict } from "../../core/error.ts";
import type { Connection, Database } from "./database.ts";

/**
 * What the schema went through, in order. Only ever append. Times are milliseconds since 1970. JSON
 * that is filtered is `jsonb`; all other is `json`, which keeps the order of keys. Ids and names sort
 * by code point, as they do in SQLite.
 */
const migrations: string[] = [
  `
  create table assistants (
    assistant_id text collate "C" primary key,
    version integer not null, -- the active one, whose content the row repeats
    graph_id text collate "C" not null,
    name text collate "C" not null,
    description text,
    config json not null,
    context json not null,
    metadata jsonb not null,
    created_at bigint not null,
    updated_at bigint not null
  );
  create index assistants_by_graph on assistants (graph_id, assistant_id);
  create index assistants_by_name on assistants (name, assistant_id);
  create index assistants_by_created on assistants (created_at, assistant_id);
  create index assistants_by_updated on assistants (updated_at, assistant_id);
  create index assistants_by_metadata on assistants using gin (metadata jsonb_path_ops);

  create table assistant_versions (
    assistant_id text collate "C" not null references assistants on delete cascade,
    version integer not null,
    graph_id text collate "C" not null,
    name text collate "C" not null,
    description text,
    config json not null,
    context json not null,
    metadata jsonb not null,
    created_at bigint not null,
    primary key (assistant_id, version)
  );

  create table threads (
    thread_id text collate "C" primary key,
    created_at bigint not null,
    updated_at bigint not null,
    state_updated_at bigint not null,
    metadata jsonb not null,
    config json not null,
    status text collate "C" not null,
    interrupts json not null,
    error json,
    temporary boolean not null
  );
  create index threads_by_status on threads (status, thread_id);
  create index threads_by_created on threads (created_at, thread_id);
  create index threads_by_updated on threads (updated_at, thread_id);
  create index threads_by_state_updated on threads (state_updated_at, thread_id);
  create index threads_by_metadata on threads using gin (metadata jsonb_path_ops);

  create table runs (
    run_id text collate "C" primary key,
    seq bigint generated always as identity, -- order of creation
    thread_id text collate "C" not null references threads on delete cascade,
    assistant_id text collate "C" not null,
    assistant_version integer not null,
    created_at bigint not null,
    updated_at bigint not null,
    not_before bigint not null,
    status text collate "C" not null,
    metadata json not null,
    request json not null,
    strategy text not null,
    attempt integer not null,
    lost_attempts integer not null,
    error json,
    lease_owner text,
    lease_expires_at bigint not null default 0
  );
  create index runs_by_thread on runs (thread_id, seq);
  create unique index runs_one_running_per_thread on runs (thread_id) where status = 'running';
  create index runs_waiting on runs (seq) where status = 'pending';
  create index runs_waiting_by_thread on runs (thread_id, seq) where status = 'pending';
  create index runs_due on runs (not_before) where status = 'pending';
  create index runs_leased on runs (lease_expires_at) where status = 'running';

  create sequence checkpoint_numbers;

  -- Where a thread's checkpoints are written to, see books.ts.
  create table checkpoint_threads (
    thread_id text collate "C" primary key,
    book bigint, -- null: all its books are closed
    generation bigint not null
  );

  create table checkpoint_books (
    thread_id text collate "C" not null,
    book bigint not null,
    primary key (thread_id, book)
  );
  create index checkpoint_books_by_book on checkpoint_books (book, thread_id);

  create table checkpoints (
    book bigint not null,
    namespace text collate "C" not null,
    checkpoint_id text collate "C" not null,
    parent_id text collate "C",
    run_id text collate "C", -- in whose name it was written
    origin text collate "C", -- digest of what its metadata shares with others
    metadata jsonb not null,
    content text not null,
    spans json not null, -- [lineage, first, end, …]
    primary key (book, namespace, checkpoint_id)
  );
  create index checkpoints_by_run on checkpoints (run_id) where run_id is not null;

  create table checkpoint_origins (
    book bigint not null,
    digest text collate "C" not null,
    metadata jsonb not null,
    primary key (book, digest)
  );

  create table lineage_items (
    lineage bigint not null,
    position integer not null,
    type text not null,
    bytes bytea not null,
    primary key (lineage, position)
  );

  -- In which books checkpoints may hold items of the lineage.
  create table lineage_books (
    lineage bigint not null,
    book bigint not null,
    primary key (lineage, book)
  );
  create index lineage_books_by_book on lineage_books (book);

  create table checkpoint_writes (
    position bigint generated by default as identity, -- the later row of a task and index counts
    book bigint not null,
    namespace text collate "C" not null,
    checkpoint_id text collate "C" not null,
    task_id text collate "C" not null,
    write_index integer not null,
    run_id text collate "C" not null, -- empty when written in no run's name
    channel text not null,
    type text not null,
    bytes bytea not null,
    primary key (book, namespace, checkpoint_id, task_id, write_index, run_id)
  );
  create index checkpoint_writes_by_run on checkpoint_writes (run_id) where run_id <> '';

  create table items (
    namespace text[] collate "C" not null,
    key text collate "C" not null,
    value json not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (namespace, key)
  );
  `,
  `
  create table crons (
    cron_id text collate "C" primary key,
    assistant_id text collate "C" not null references assistants on delete cascade,
    assistant_version integer,
    thread_id text collate "C" references threads on delete cascade,
    schedule text not null,
    timezone text,
    end_time bigint,
    enabled boolean not null,
    on_run_completed text not null,
    strategy text not null,
    created_at bigint not null,
    updated_at bigint not null,
    user_id text,
    request json not null,
    metadata jsonb not null,
    next_run_date bigint, -- null: does not fire
    lease_expires_at bigint not null default 0 -- somebody is firing it until then
  );
  create index crons_due on crons (next_run_date, cron_id) where next_run_date is not null;
  create index crons_by_assistant on crons (assistant_id);
  create index crons_by_thread on crons (thread_id) where thread_id is not null;
  create index crons_by_metadata on crons using gin (metadata jsonb_path_ops);

  -- No reference to runs: that of a stateless run is gone when this is delivered.
  create table deliveries (
    delivery_id text collate "C" primary key,
    run_id text collate "C" not null,
    url text not null,
    run json not null,
    temporary boolean not null,
    last_state text,
    created_at bigint not null,
    attempts integer not null,
    next_attempt_at bigint, -- null: given up
    last_error text
  );
  create index deliveries_due on deliveries (next_attempt_at, delivery_id);
  create index deliveries_by_run on deliveries (run_id);

  create table run_keys (
    key text collate "C" primary key,
    run_id text collate "C" not null,
    fingerprint text not null,
    run json not null, -- as it was created
    created_at bigint not null,
    expires_at bigint not null
  );
  create index run_keys_by_run on run_keys (run_id);
  create index run_keys_by_end on run_keys (expires_at);
  `,
  `
  alter table runs add column started_at bigint; -- when it was first claimed
  create index runs_by_assistant on runs (assistant_id, seq);
  `,
  `
  alter table threads add column last_ordinal integer not null default 0;
  alter table runs add column ordinal integer; -- null: delayed and not begun
  alter table runs add column cancel_reason text;
  `,
  `
  create table item_vectors (
    namespace text[] collate "C" not null,
    key text collate "C" not null,
    path text collate "C" not null, -- where in the item the text stood
    model text collate "C" not null,
    vector real[] not null, -- of length 1 or 0
    primary key (namespace, key, path),
    foreign key (namespace, key) references items on delete cascade
  );
  alter table item_vectors alter column vector set storage external; -- does not compress
  `,
  `
  alter table threads add column ttl_strategy text; -- null: it stays
  alter table threads add column ttl_minutes double precision;
  alter table threads add column expires_at bigint; -- null: never, or it has been swept
  create index threads_by_end on threads (expires_at) where expires_at is not null;

  alter table items add column ttl_minutes double precision; -- null: it stays
  alter table items add column expires_at bigint;
  create index items_by_end on items (expires_at) where expires_at is not null;

  -- What all servers on a database take turns at.
  create table sweeps (
    name text primary key,
    next_at bigint not null
  );
  `,
  `
  -- The newest of a graph's assistants without sorting all of them.
  create index assistants_by_graph_created on assistants (graph_id, created_at, assistant_id);
  create index assistants_by_graph_updated on assistants (graph_id, updated_at, assistant_id);
  drop index assistants_by_graph;
  `,
  `
  -- A search reads what waits to be merged into such an index from end to end: up to 4 MB, 3 ms.
  alter index threads_by_metadata set (fastupdate = off);
  alter index assistants_by_metadata set (fastupdate = off);
  alter index crons_by_metadata set (fastupdate = off);
  select gin_clean_pending_list('threads_by_metadata'), gin_clean_pending_list('assistants_by_metadata'),
    gin_clean_pending_list('crons_by_metadata');
  `,
  `
  -- What the row has excerpts of, as a checkpoint's spans; null: it is as it was first stored.
  alter table checkpoints add column texts json;
  alter table checkpoint_writes add column texts json;
  `,
  `
  -- Names of channels and nodes: as many as the code of graphs has, so they stay.
  create table checkpoint_names (
    number bigint generated always as identity primary key,
    name text collate "C" not null unique
  );
  `,
  `
  -- The book that a thread's checkpoints are written to, opened when there is none; see books.ts. Its row
  -- stays locked against whoever frees items. One call, so that a first checkpoint is one round trip.
  create function open_place(of_thread text, out own_book bigint, out own_generation bigint)
  language plpgsql as $$
  begin
    loop
      select book, generation into own_book, own_generation from checkpoint_threads
      where thread_id = of_thread and book is not null for share;
      exit when found;
      insert into checkpoint_threads (thread_id, book, generation)
      values (of_thread, nextval('checkpoint_numbers'), nextval('checkpoint_numbers'))
      on conflict do nothing returning book, generation into own_book, own_generation;
      if found then
        insert into checkpoint_books (thread_id, book) values (of_thread, own_book);
        exit;
      end if;
      select generation into own_generation from checkpoint_threads
      where thread_id = of_thread and book is null for update;
      if found then
        own_book := nextval('checkpoint_numbers');
        update checkpoint_threads set book = own_book where thread_id = of_thread;
        -- What the older books hold, later checkpoints in the new one will hold too.
        insert into lineage_books (lineage, book)
        select distinct lineage, own_book from checkpoint_books join lineage_books using (book)
        where thread_id = of_thread;
        insert into checkpoint_books (thread_id, book) values (of_thread, own_book);
        exit;
      end if;
    end loop;
  end $$;
  `,
  `
  -- Empty after a crash of Postgres, see crashes.ts.
  create unlogged table crash_marker (present boolean primary key);
  insert into crash_marker values (true);
  `,
];

/** One transaction under an advisory lock: two servers that start at once do not meet in the middle. */
export async function migrate(database: Database, schema: string): Promise<void> {
  await database.transaction(async (connection) => {
    await connection.rows("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `adjutant migrations ${schema}`,
    ]);
    await createSchema(connection, schema);
    await connection.rows(
      `create table if not exists migrations (
         number integer primary key, applied_at timestamptz not null default now())`,
    );
    const rows = await connection.rows<{ done: number }>(
      "select coalesce(max(number), 0) as done from migrations",
    );
    const done = rows[0]!.done;
    if (done > migrations.length) {
      throw conflict(
        `The schema ${schema} is at migration ${done}, this version of Adjutant knows ${migrations.length}. ` +
          "Use the newer version that wrote it, or another schema.",
      );
    }
    for (let number = done + 1; number <= migrations.length; number++) {
      await connection.script(migrations[number - 1]!);
      await connection.rows("insert into migrations (number) values ($1)", [number]);
    }
  });
}

/** Asked first: `if not exists` would need the right to create schemas even where it exists. */
async function createSchema(connection: Connection, schema: string): Promise<void> {
  const existing = await connection.rows("select 1 from pg_namespace where nspname = $1", [schema]);
  if (existing.length > 0) return;
  await connection.rows(`create schema ${escapeIdentifier(schema)}`);
}
