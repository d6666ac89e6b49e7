import { conflict } from "../../core/error.ts";
import type { Connection } from "./connection.ts";

/**
 * What the schema went through, in order; `user_version` counts how much of it a file has seen.
 * Only ever append. Times are milliseconds since 1970, JSON is text as `JSON.stringify` writes it
 * (filters rely on that form, see filter.ts).
 */
const migrations: string[] = [
  `
  create table assistants (
    assistant_id text primary key,
    version integer not null, -- the active one, whose content the row repeats
    graph_id text not null,
    name text not null,
    description text,
    config text not null,
    context text not null,
    metadata text not null,
    created_at integer not null,
    updated_at integer not null
  ) strict;
  create index assistants_by_graph on assistants (graph_id, assistant_id);
  create index assistants_by_name on assistants (name, assistant_id);
  create index assistants_by_created on assistants (created_at, assistant_id);
  create index assistants_by_updated on assistants (updated_at, assistant_id);

  create table assistant_versions (
    assistant_id text not null references assistants on delete cascade,
    version integer not null,
    graph_id text not null,
    name text not null,
    description text,
    config text not null,
    context text not null,
    metadata text not null,
    created_at integer not null,
    primary key (assistant_id, version)
  ) strict;

  create table threads (
    thread_id text primary key,
    created_at integer not null,
    updated_at integer not null,
    state_updated_at integer not null,
    metadata text not null,
    config text not null,
    status text not null,
    interrupts text not null,
    error text,
    temporary integer not null
  ) strict;
  create index threads_by_status_created on threads (status, created_at, thread_id);
  create index threads_by_status_updated on threads (status, updated_at, thread_id);
  create index threads_by_created on threads (created_at, thread_id);
  create index threads_by_updated on threads (updated_at, thread_id);
  create index threads_by_state_updated on threads (state_updated_at, thread_id);
  create index threads_by_graph on threads (metadata -> '$."graph_id"', updated_at, thread_id);
  create index threads_by_assistant
    on threads (metadata -> '$."assistant_id"', updated_at, thread_id);

  -- Top-level strings of the metadata, so that a filter like {user_id} need not read all threads.
  create table thread_labels (
    key text not null,
    value text not null,
    thread_id text not null references threads on delete cascade,
    primary key (key, value, thread_id)
  ) strict, without rowid;
  create index thread_labels_by_thread on thread_labels (thread_id);
  create trigger threads_label_new after insert on threads begin
    insert into thread_labels (key, value, thread_id)
    select key, atom, new.thread_id from json_each(new.metadata)
    where type = 'text' and length(atom) <= 200 and key not in ('graph_id', 'assistant_id');
  end;
  create trigger threads_label_changed after update of metadata on threads
  when old.metadata <> new.metadata begin
    delete from thread_labels where thread_id = new.thread_id;
    insert into thread_labels (key, value, thread_id)
    select key, atom, new.thread_id from json_each(new.metadata)
    where type = 'text' and length(atom) <= 200 and key not in ('graph_id', 'assistant_id');
  end;

  create table runs (
    sequence integer primary key autoincrement, -- order of creation
    run_id text not null unique,
    thread_id text not null references threads on delete cascade,
    assistant_id text not null,
    assistant_version integer not null,
    created_at integer not null,
    updated_at integer not null,
    not_before integer not null,
    status text not null,
    metadata text not null,
    request text not null,
    strategy text not null,
    attempt integer not null,
    lost_attempts integer not null,
    error text,
    lease_owner text,
    lease_expires_at integer not null default 0
  ) strict;
  create index runs_by_thread on runs (thread_id, sequence);
  create index runs_in_flight on runs (thread_id, sequence) where status in ('pending', 'running');
  create unique index runs_one_running_per_thread on runs (thread_id) where status = 'running';
  create index runs_leased on runs (lease_expires_at) where status = 'running';
  create index runs_waiting on runs (sequence, not_before, thread_id) where status = 'pending';
  create index runs_due on runs (not_before) where status = 'pending';

  -- Where a thread's checkpoints are written to, see books.ts.
  create table checkpoint_threads (
    thread_id text primary key,
    book integer, -- null: all its books are closed
    generation integer not null
  ) strict, without rowid;

  create table checkpoint_books (
    thread_id text not null,
    book integer not null,
    primary key (thread_id, book)
  ) strict, without rowid;
  create index checkpoint_books_by_book on checkpoint_books (book, thread_id);

  create table checkpoint_numbers (last integer not null) strict;
  insert into checkpoint_numbers values (0);

  -- Ids are packed, see packed-id.ts.
  create table checkpoints (
    book integer not null,
    namespace text not null,
    checkpoint_id any not null,
    parent_id any,
    run_key integer, -- in whose name it was written
    origin integer, -- what its metadata shares with others
    metadata text not null,
    content text not null,
    spans text not null, -- [lineage, first, end, …]
    unique (book, namespace, checkpoint_id)
  ) strict;
  create index checkpoints_by_run on checkpoints (run_key) where run_key is not null;

  create table checkpoint_runs (
    run_key integer primary key,
    run_id text not null unique
  ) strict;

  create table checkpoint_origins (
    origin_id integer primary key,
    book integer not null,
    digest integer not null,
    base integer, -- the origin under whose keys this one's are merged
    metadata text not null
  ) strict;
  create index checkpoint_origins_by_digest on checkpoint_origins (book, digest);

  -- One ordered scan reads a span: the id is the lineage times 65536 plus the position.
  create table lineage_items (
    item_id integer primary key,
    type text not null,
    bytes blob not null
  ) strict;

  -- In which books checkpoints may hold items of the lineage.
  create table lineage_books (
    lineage integer not null,
    book integer not null,
    primary key (lineage, book)
  ) strict, without rowid;
  create index lineage_books_by_book on lineage_books (book);

  create table checkpoint_writes (
    position integer primary key autoincrement, -- the later row of a task and index counts
    book integer not null,
    namespace text not null,
    checkpoint_id any not null,
    task_id any not null,
    write_index integer not null,
    run_key integer not null, -- 0 when written in no run's name
    channel text not null,
    type text not null,
    bytes blob not null,
    unique (book, namespace, checkpoint_id, task_id, write_index, run_key)
  ) strict;
  create index checkpoint_writes_by_run on checkpoint_writes (run_key) where run_key <> 0;

  create table items (
    namespace text not null, -- every label followed by U+001F, see items.ts
    key text not null,
    value text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (namespace, key)
  ) strict;
  `,
  `
  create table crons (
    cron_id text primary key,
    assistant_id text not null references assistants on delete cascade,
    assistant_version integer,
    thread_id text references threads on delete cascade,
    schedule text not null,
    timezone text,
    end_time integer,
    enabled integer not null,
    on_run_completed text not null,
    strategy text not null,
    created_at integer not null,
    updated_at integer not null,
    user_id text,
    request text not null,
    metadata text not null,
    next_run_date integer, -- null: does not fire
    lease_expires_at integer not null default 0 -- somebody is firing it until then
  ) strict;
  create index crons_due on crons (next_run_date, cron_id) where next_run_date is not null;
  create index crons_by_assistant on crons (assistant_id);
  create index crons_by_thread on crons (thread_id) where thread_id is not null;

  -- No reference to runs: that of a stateless run is gone when this is delivered.
  create table deliveries (
    delivery_id text primary key,
    run_id text not null,
    url text not null,
    run text not null,
    temporary integer not null,
    last_state text,
    created_at integer not null,
    attempts integer not null,
    next_attempt_at integer, -- null: given up
    last_error text
  ) strict;
  create index deliveries_due on deliveries (next_attempt_at, delivery_id);
  create index deliveries_by_run on deliveries (run_id);

  create table run_keys (
    key text primary key,
    run_id text not null,
    fingerprint text not null,
    run text not null, -- as it was created
    created_at integer not null,
    expires_at integer not null
  ) strict, without rowid;
  create index run_keys_by_run on run_keys (run_id);
  create index run_keys_by_end on run_keys (expires_at);
  `,
  `
  alter table runs add column started_at integer; -- when it was first claimed
  create index runs_by_assistant on runs (assistant_id, sequence);
  `,
  `
  alter table threads add column last_ordinal integer not null default 0;
  alter table runs add column ordinal integer; -- null: delayed and not begun
  alter table runs add column cancel_reason text;
  `,
  `
  create table item_vectors (
    namespace text not null,
    key text not null,
    path text not null, -- where in the item the text stood
    model text not null,
    vector blob not null, -- 32-bit floats, little endian
    primary key (namespace, key, path),
    foreign key (namespace, key) references items on delete cascade
  ) strict;
  `,
  `
  alter table threads add column ttl_strategy text; -- null: it stays
  alter table threads add column ttl_minutes real;
  alter table threads add column expires_at integer; -- null: never, or it has been swept
  create index threads_by_end on threads (expires_at) where expires_at is not null;

  alter table items add column ttl_minutes real; -- null: it stays
  alter table items add column expires_at integer;
  create index items_by_end on items (expires_at) where expires_at is not null;

  -- What all servers on a database take turns at.
  create table sweeps (
    name text primary key,
    next_at integer not null
  ) strict, without rowid;
  `,
  `
  -- The newest of a graph's assistants without sorting all of them.
  create index assistants_by_graph_created on assistants (graph_id, created_at, assistant_id);
  create index assistants_by_graph_updated on assistants (graph_id, updated_at, assistant_id);
  drop index assistants_by_graph;
  `,
  `
  -- What the row has excerpts of, as a checkpoint's spans; null: it is as it was first stored.
  alter table checkpoints add column texts text;
  alter table checkpoint_writes add column texts text;
  `,
  `
  -- Names of channels and nodes: as many as the code of graphs has, so they stay.
  create table checkpoint_names (
    number integer primary key,
    name text not null unique
  ) strict;

  -- In \`run_key\` stands the run's sequence, below 0; this table is for rows that are older.
  delete from checkpoint_runs where run_id not in (select run_id from runs);
  create trigger runs_forget_key after delete on runs begin
    delete from checkpoint_runs where run_id = old.run_id;
  end;

  -- Each run's key is below the one before, so that this way round new rows come last, and pages are filled.
  drop index checkpoints_by_run;
  drop index checkpoint_writes_by_run;
  create index checkpoints_by_run on checkpoints (run_key desc) where run_key is not null;
  create index checkpoint_writes_by_run on checkpoint_writes (run_key desc) where run_key <> 0;
  `,
];

/** Brings a file to the newest schema; one transaction, so a crash leaves the old schema whole. */
export function migrate(connection: Connection): void {
  connection.transaction(() => {
    const { user_version: done } = connection.row<{ user_version: number }>("pragma user_version")!;
    if (done > migrations.length) {
      throw conflict(
        `The database has schema ${done}, this version of Adjutant knows ${migrations.length}. ` +
          "Use the newer version that wrote it, or another data directory.",
      );
    }
    for (const migration of migrations.slice(done)) connection.execute(migration);
    connection.execute(`pragma user_version = ${migrations.length}`);
  });
}
