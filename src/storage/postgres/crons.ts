import type { Cron, CronFilter, CronSortField } from "../../core/cron.ts";
import type { CronId } from "../../core/ids.ts";
import type { Found, Page, Sort } from "../../core/page.ts";
import type { CronStorage } from "../../core/ports/crons.ts";
import { type CronRow, cronOf } from "./codec.ts";
import { type Connection, type Database, json } from "./database.ts";
import { Filter } from "./filter.ts";

export class PostgresCrons implements CronStorage {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(cron: Cron): Promise<void> {
    await storeCron(this.#database, cron);
  }

  async get(cronId: CronId): Promise<Cron | null> {
    const [row] = await this.#database.rows<CronRow>("select * from crons where cron_id = $1", [
      cronId,
    ]);
    return row ? cronOf(row) : null;
  }

  async update(cronId: CronId, change: (current: Cron) => Cron): Promise<Cron | null> {
    return this.#database.transaction(async (connection) => {
      const [row] = await connection.rows<CronRow>(
        "select * from crons where cron_id = $1 for update",
        [cronId],
      );
      return row ? storeCron(connection, change(cronOf(row))) : null;
    });
  }

  async delete(cronId: CronId): Promise<boolean> {
    const removed = await this.#database.rows(
      "delete from crons where cron_id = $1 returning cron_id",
      [cronId],
    );
    return removed.length > 0;
  }

  async search(params: {
    filter: CronFilter;
    sort: Sort<CronSortField>;
    page: Page;
  }): Promise<Found<Cron>> {
    const { sort, page } = params;
    const filter = filterOf(params.filter);
    const total = this.count(params.filter);
    const rows = this.#database.rows<CronRow>(
      `select * from crons ${filter.where}
       order by ${sort.by} ${sort.order} nulls last, cron_id ${sort.order}
       limit ${filter.parameter(page.limit)} offset ${filter.parameter(page.offset)}`,
      filter.values,
    );
    const [all, found] = await Promise.all([total, rows]);
    return { items: found.map(cronOf), total: all };
  }

  async count(given: CronFilter): Promise<number> {
    const filter = filterOf(given);
    const [row] = await this.#database.rows<{ total: number }>(
      `select count(*) as total from crons ${filter.where}`,
      filter.values,
    );
    return row!.total;
  }

  /** A row that is skipped is being claimed, or being changed, which makes it due anew. */
  async claim(params: { now: number; leaseUntil: number }): Promise<Cron | null> {
    const [row] = await this.#database.rows<CronRow>(
      `update crons set lease_expires_at = $2 where cron_id = (
         select cron_id from crons where next_run_date <= $1 and lease_expires_at <= $1
         order by next_run_date, cron_id limit 1 for update skip locked)
       returning *`,
      [params.now, params.leaseUntil],
      "cron_claim",
    );
    return row ? cronOf(row) : null;
  }

  async advance(params: { cronId: CronId; from: number; to: number | null }): Promise<void> {
    await this.#database.rows(
      `update crons set next_run_date = $3, lease_expires_at = 0
       where cron_id = $1 and next_run_date = $2`,
      [params.cronId, params.from, params.to],
    );
  }

  async nextDue(): Promise<number | null> {
    const [row] = await this.#database.rows<{ due: number | null }>(
      `select min(greatest(next_run_date, lease_expires_at)) as due from crons
       where next_run_date is not null`,
      [],
      "cron_next_due",
    );
    return row!.due;
  }
}

async function storeCron(connection: Connection, cron: Cron): Promise<Cron> {
  const [row] = await connection.rows<CronRow>(
    `insert into crons (cron_id, assistant_id, assistant_version, thread_id, schedule, timezone,
       end_time, enabled, on_run_completed, strategy, created_at, updated_at, user_id, request,
       metadata, next_run_date)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     on conflict (cron_id) do update set assistant_id = excluded.assistant_id,
       assistant_version = excluded.assistant_version, thread_id = excluded.thread_id,
       schedule = excluded.schedule, timezone = excluded.timezone, end_time = excluded.end_time,
       enabled = excluded.enabled, on_run_completed = excluded.on_run_completed,
       strategy = excluded.strategy, updated_at = excluded.updated_at,
       user_id = excluded.user_id, request = excluded.request, metadata = excluded.metadata,
       next_run_date = excluded.next_run_date, lease_expires_at = 0
     returning *`,
    [
      cron.cronId,
      cron.assistantId,
      cron.assistantVersion,
      cron.threadId,
      cron.schedule,
      cron.timezone,
      cron.endTime,
      cron.enabled,
      cron.onRunCompleted,
      cron.strategy,
      cron.createdAt,
      cron.updatedAt,
      cron.userId,
      json(cron.request),
      json(cron.metadata),
      cron.nextRunDate,
    ],
  );
  return cronOf(row!);
}

function filterOf(given: CronFilter): Filter {
  const filter = new Filter();
  filter.add((n) => `assistant_id = ${n}`, given.assistantId);
  filter.add((n) => `thread_id = ${n}`, given.threadId);
  filter.add((n) => `enabled = ${n}`, given.enabled);
  filter.addContainment(given.metadata);
  filter.addCondition(given.visible);
  return filter;
}
