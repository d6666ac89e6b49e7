import { conflict } from "../../core/error.ts";
import type { ThreadId } from "../../core/ids.ts";
import type { Found, Page, Sort } from "../../core/page.ts";
import type { ThreadChange, ThreadSnapshot, ThreadStorage } from "../../core/ports/storage.ts";
import type { Thread, ThreadFilter, ThreadSortField } from "../../core/thread.ts";
import { copyCheckpoints, pruneCheckpoints, removeCheckpoints } from "./books.ts";
import { type ThreadRow, threadOf } from "./codec.ts";
import { type Database, json, optionalJson, type TransactionConnection } from "./database.ts";
import { insertDelivery } from "./deliveries.ts";
import { Filter } from "./filter.ts";
import { Group, patience } from "./group.ts";
import { lockThread } from "./lock.ts";
import { insertKey } from "./run-keys.ts";
import { insertRun, lockInFlight, removeRun, updateRun } from "./runs.ts";
import { searchPage } from "./search.ts";

export class PostgresThreads implements ThreadStorage {
  readonly #database: Database;
  readonly #creations: Group;

  constructor(database: Database) {
    this.#database = database;
    this.#creations = new Group((statements) => database.batch(statements), {
      first: patience,
    });
  }

  async create(thread: Thread): Promise<{ thread: Thread; created: boolean }> {
    for (;;) {
      const [row] = await this.#creations.rows<ThreadRow>(
        `${insertThread} on conflict do nothing returning *`,
        valuesOf(thread),
        "thread_create",
      );
      if (row) return { thread: threadOf(row), created: true };
      const existing = await this.get(thread.threadId);
      if (existing) return { thread: existing, created: false };
      // It was deleted in between.
    }
  }

  async get(threadId: ThreadId): Promise<Thread | null> {
    const [row] = await this.#database.glances.rows<ThreadRow>(
      "select * from threads where thread_id = $1",
      [threadId],
      "thread_get",
    );
    return row ? threadOf(row) : null;
  }

  async transact<Change extends ThreadChange>(
    threadId: ThreadId,
    decide: (snapshot: ThreadSnapshot) => Change,
  ): Promise<Change> {
    return this.#database.transaction(async (connection) => {
      const [thread, inFlight] = await Promise.all([
        lockThread(connection, threadId),
        lockInFlight(connection, threadId),
      ]);
      const snapshot = { thread, inFlight };
      const change = decide(snapshot);
      await apply(connection, { threadId, snapshot, change });
      return change;
    });
  }

  async search(params: {
    filter: ThreadFilter;
    sort: Sort<ThreadSortField>;
    page: Page;
  }): Promise<Found<Thread>> {
    const { sort, page } = params;
    const filter = filterOf(params.filter);
    const found = await searchPage<ThreadRow, typeof sort.by>(this.#database, {
      table: "threads",
      key: "thread_id",
      filter,
      sort,
      page,
    });
    return { items: found.items.map(threadOf), total: found.total };
  }

  async count(given: ThreadFilter): Promise<number> {
    const filter = filterOf(given);
    const [row] = await this.#database.rows<{ total: number }>(
      `select count(*) as total from threads ${filter.where}`,
      filter.values,
    );
    return row!.total;
  }

  async expired({ now, limit }: { now: number; limit: number }): Promise<Thread[]> {
    const rows = await this.#database.rows<ThreadRow>(
      `select * from threads where expires_at <= $1 and not exists (
         select 1 from runs
         where runs.thread_id = threads.thread_id and status in ('pending', 'running'))
       order by expires_at limit $2`,
      [now, limit],
    );
    return rows.map(threadOf);
  }

  async copy(params: { from: ThreadId; thread: Thread }): Promise<void> {
    const { from, thread } = params;
    await this.#database.transaction(async (connection) => {
      if (await lockThread(connection, thread.threadId)) {
        throw conflict(`Thread ${thread.threadId} exists already. Copy to a new id.`);
      }
      storeThread(connection, thread);
      await copyCheckpoints(connection, from, thread.threadId);
    });
  }
}

async function apply(
  connection: TransactionConnection,
  params: { threadId: ThreadId; snapshot: ThreadSnapshot; change: ThreadChange },
): Promise<void> {
  const { threadId, snapshot, change } = params;
  // First, since it may wait for somebody else's transaction and then end this one.
  for (const key of change.remember ?? []) await insertKey(connection, key);
  for (const runId of change.rollback ?? []) await removeRun(connection, threadId, runId);
  if (change.prune) await pruneCheckpoints(connection, threadId);
  if (change.deleteThread) {
    await removeCheckpoints(connection, threadId);
    // Its runs go with it, by their foreign key.
    connection.run("delete from threads where thread_id = $1", [threadId], "thread_delete");
  }
  if (change.thread) storeThread(connection, change.thread);
  for (const run of change.update ?? []) {
    const known = snapshot.inFlight.find((one) => one.runId === run.runId);
    updateRun(connection, run, { sameRequest: known?.request === run.request });
  }
  for (const run of change.insert ?? []) insertRun(connection, run);
  for (const delivery of change.deliver ?? []) insertDelivery(connection, delivery);
}

/** Of `valuesOf`. Its id is locked first: of two who would create it one sees what the other has made. */
const insertThread = `
  with locked as materialized (select pg_advisory_xact_lock(hashtextextended($1::text, 0)))
  insert into threads (thread_id, created_at, updated_at, state_updated_at, metadata, config, status,
    interrupts, error, temporary, last_ordinal, ttl_strategy, ttl_minutes, expires_at)
  values ((select $1::text from locked), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`;

function storeThread(connection: TransactionConnection, thread: Thread): void {
  connection.run(
    `${insertThread}
     on conflict (thread_id) do update set created_at = excluded.created_at,
       updated_at = excluded.updated_at, state_updated_at = excluded.state_updated_at,
       metadata = excluded.metadata, config = excluded.config, status = excluded.status,
       interrupts = excluded.interrupts, error = excluded.error, temporary = excluded.temporary,
       last_ordinal = excluded.last_ordinal, ttl_strategy = excluded.ttl_strategy,
       ttl_minutes = excluded.ttl_minutes, expires_at = excluded.expires_at`,
    valuesOf(thread),
    "thread_store",
  );
}

function valuesOf(thread: Thread): unknown[] {
  return [
    thread.threadId,
    thread.createdAt,
    thread.updatedAt,
    thread.stateUpdatedAt,
    json(thread.metadata),
    json(thread.config),
    thread.status,
    json(thread.interrupts),
    optionalJson(thread.error),
    thread.temporary,
    thread.lastOrdinal,
    thread.ttl?.strategy ?? null,
    thread.ttl?.minutes ?? null,
    thread.ttl?.expiresAt ?? null,
  ];
}

function filterOf(given: ThreadFilter): Filter {
  const filter = new Filter();
  filter.add((n) => `thread_id = any(${n}::text[])`, given.ids);
  filter.add((n) => `status = ${n}`, given.status);
  filter.addContainment(given.metadata);
  filter.addCondition(given.visible);
  return filter;
}
