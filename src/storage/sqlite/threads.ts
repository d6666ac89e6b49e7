import { certain, type Condition } from "../../core/condition.ts";
import { conflict } from "../../core/error.ts";
import type { ThreadId } from "../../core/ids.ts";
import type { Json } from "../../core/json.ts";
import type { Found, Page, Sort } from "../../core/page.ts";
import type { ThreadChange, ThreadSnapshot, ThreadStorage } from "../../core/ports/storage.ts";
import type { Thread, ThreadFilter, ThreadSortField } from "../../core/thread.ts";
import { copyCheckpoints, pruneCheckpoints, removeCheckpoints } from "./books.ts";
import { encodeOptional, type ThreadRow, threadOf } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { insertDelivery } from "./deliveries.ts";
import { addCondition, addContainment, type Conditions, isLabel, whereClause } from "./filter.ts";
import { insertKey } from "./run-keys.ts";
import { inFlightOf, insertRun, removeRun, updateRun } from "./runs.ts";

export class SqliteThreads implements ThreadStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async create(thread: Thread): Promise<{ thread: Thread; created: boolean }> {
    return this.#connection.grouped(() => {
      const existing = this.#read(thread.threadId);
      if (existing) return { thread: existing, created: false };
      this.#store(thread);
      return { thread, created: true };
    });
  }

  async get(threadId: ThreadId): Promise<Thread | null> {
    return this.#connection.seen(() => this.#read(threadId));
  }

  async transact<Change extends ThreadChange>(
    threadId: ThreadId,
    decide: (snapshot: ThreadSnapshot) => Change,
  ): Promise<Change> {
    return this.#connection.grouped(() => {
      const thread = this.#read(threadId);
      const inFlight = inFlightOf(this.#connection, threadId);
      const requests = new Map(inFlight.map(({ runId, request }) => [runId, request]));
      const change = decide({ thread, inFlight });
      this.#remove(threadId, change);
      if (change.thread) this.#store(change.thread);
      for (const run of change.update ?? []) {
        const sameRequest = requests.get(run.runId) === run.request;
        updateRun(this.#connection, run, { sameRequest });
      }
      for (const run of change.insert ?? []) insertRun(this.#connection, run);
      for (const key of change.remember ?? []) insertKey(this.#connection, key);
      for (const delivery of change.deliver ?? []) insertDelivery(this.#connection, delivery);
      return change;
    });
  }

  async search(params: {
    filter: ThreadFilter;
    sort: Sort<ThreadSortField>;
    page: Page;
  }): Promise<Found<Thread>> {
    const { filter, sort, page } = params;
    const where = conditionsOf(filter);
    const rows = this.#connection.rows<ThreadRow>(
      `select * from threads ${whereClause(where)}
       order by ${orderBy(sort)} limit ? offset ?`,
      ...where.values,
      page.limit,
      page.offset,
    );
    return { items: rows.map(threadOf), total: this.#count(where) };
  }

  async count(filter: ThreadFilter): Promise<number> {
    return this.#count(conditionsOf(filter));
  }

  async expired({ now, limit }: { now: number; limit: number }): Promise<Thread[]> {
    const rows = this.#connection.rows<ThreadRow>(
      `select * from threads where expires_at <= ? and not exists (
         select 1 from runs indexed by runs_in_flight
         where runs.thread_id = threads.thread_id and status in ('pending', 'running'))
       order by expires_at limit ?`,
      now,
      limit,
    );
    return rows.map(threadOf);
  }

  async copy(params: { from: ThreadId; thread: Thread }): Promise<void> {
    const { from, thread } = params;
    this.#connection.transaction(() => {
      if (this.#read(thread.threadId)) {
        throw conflict(`Thread ${thread.threadId} exists already. Copy to a new id.`);
      }
      this.#store(thread);
      copyCheckpoints(this.#connection, from, thread.threadId);
    });
  }

  #remove(threadId: ThreadId, change: ThreadChange): void {
    for (const runId of change.rollback ?? []) removeRun(this.#connection, threadId, runId);
    if (change.prune) pruneCheckpoints(this.#connection, threadId);
    if (!change.deleteThread) return;
    removeCheckpoints(this.#connection, threadId);
    // Its runs go with it, by their foreign key.
    this.#connection.run("delete from threads where thread_id = ?", threadId);
  }

  #read(threadId: ThreadId): Thread | null {
    const row = this.#connection.row<ThreadRow>(
      "select * from threads where thread_id = ?",
      threadId,
    );
    return row ? threadOf(row) : null;
  }

  #store(thread: Thread): void {
    this.#connection.run(
      `insert into threads (thread_id, created_at, updated_at, state_updated_at, metadata, config,
         status, interrupts, error, temporary, last_ordinal, ttl_strategy, ttl_minutes, expires_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (thread_id) do update set created_at = excluded.created_at,
         updated_at = excluded.updated_at, state_updated_at = excluded.state_updated_at,
         metadata = excluded.metadata, config = excluded.config, status = excluded.status,
         interrupts = excluded.interrupts, error = excluded.error, temporary = excluded.temporary,
         last_ordinal = excluded.last_ordinal, ttl_strategy = excluded.ttl_strategy,
         ttl_minutes = excluded.ttl_minutes, expires_at = excluded.expires_at`,
      thread.threadId,
      thread.createdAt,
      thread.updatedAt,
      thread.stateUpdatedAt,
      JSON.stringify(thread.metadata),
      JSON.stringify(thread.config),
      thread.status,
      JSON.stringify(thread.interrupts),
      encodeOptional(thread.error),
      Number(thread.temporary),
      thread.lastOrdinal,
      thread.ttl?.strategy ?? null,
      thread.ttl?.minutes ?? null,
      thread.ttl?.expiresAt ?? null,
    );
  }

  #count(where: Conditions): number {
    return this.#connection.row<{ total: number }>(
      `select count(*) as total from threads ${whereClause(where)}`,
      ...where.values,
    )!.total;
  }
}

/** The id comes last, so that pages neither repeat nor miss any. */
function orderBy({ by, order }: Sort<ThreadSortField>): string {
  const columns = by === "status" ? ["status", "updated_at", "thread_id"] : [by, "thread_id"];
  return columns.map((column) => `${column} ${order}`).join(", ");
}

function conditionsOf(filter: ThreadFilter): Conditions {
  const where: Conditions = { conditions: [], values: [] };
  if (filter.ids) {
    where.conditions.push("thread_id in (select value from json_each(?))");
    where.values.push(JSON.stringify(filter.ids));
  }
  if (filter.status !== undefined) {
    where.conditions.push("status = ?");
    where.values.push(filter.status);
  }
  const rest: [string, Json][] = [];
  for (const [key, wanted] of Object.entries(filter.metadata ?? {})) {
    if (isLabel(key, wanted)) addLabel(where, key, wanted);
    else rest.push([key, wanted]);
  }
  for (const [key, wanted] of filter.visible ? certainEntries(filter.visible) : []) {
    if (isLabel(key, wanted)) addLabel(where, key, wanted);
  }
  // Users and customers have fewer threads than graphs and assistants have.
  const labelled = Object.keys(filter.metadata ?? {}).length > rest.length;
  addContainment(where, Object.fromEntries(rest), { indexed: !labelled });
  addCondition(where, filter.visible);
  return where;
}

function certainEntries(condition: Condition): [string, Json][] {
  return certain(condition).flatMap((contained) => Object.entries(contained));
}

function addLabel(where: Conditions, key: string, value: string): void {
  where.conditions.push(
    "thread_id in (select thread_id from thread_labels where key = ? and value = ?)",
  );
  where.values.push(key, value);
}
