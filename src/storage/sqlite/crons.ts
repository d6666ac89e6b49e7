import type { Cron, CronFilter, CronSortField } from "../../core/cron.ts";
import type { CronId } from "../../core/ids.ts";
import type { Found, Page, Sort } from "../../core/page.ts";
import type { CronStorage } from "../../core/ports/crons.ts";
import { type CronRow, cronOf } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { addCondition, addContainment, type Conditions, whereClause } from "./filter.ts";

export class SqliteCrons implements CronStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async create(cron: Cron): Promise<void> {
    this.#store(cron);
  }

  async get(cronId: CronId): Promise<Cron | null> {
    return this.#read(cronId);
  }

  async update(cronId: CronId, change: (current: Cron) => Cron): Promise<Cron | null> {
    return this.#connection.transaction(() => {
      const current = this.#read(cronId);
      if (!current) return null;
      const next = change(current);
      this.#store(next);
      return next;
    });
  }

  async delete(cronId: CronId): Promise<boolean> {
    return this.#connection.run("delete from crons where cron_id = ?", cronId) > 0;
  }

  async search(params: {
    filter: CronFilter;
    sort: Sort<CronSortField>;
    page: Page;
  }): Promise<Found<Cron>> {
    const { sort, page } = params;
    const where = conditionsOf(params.filter);
    const rows = this.#connection.rows<CronRow>(
      `select * from crons ${whereClause(where)}
       order by ${sort.by} ${sort.order} nulls last, cron_id ${sort.order} limit ? offset ?`,
      ...where.values,
      page.limit,
      page.offset,
    );
    return { items: rows.map(cronOf), total: this.#count(where) };
  }

  async count(filter: CronFilter): Promise<number> {
    return this.#count(conditionsOf(filter));
  }

  async claim(params: { now: number; leaseUntil: number }): Promise<Cron | null> {
    const row = this.#connection.row<CronRow>(
      `update crons set lease_expires_at = ?2 where cron_id = (
         select cron_id from crons where next_run_date <= ?1 and lease_expires_at <= ?1
         order by next_run_date, cron_id limit 1)
       returning *`,
      params.now,
      params.leaseUntil,
    );
    return row ? cronOf(row) : null;
  }

  async advance(params: { cronId: CronId; from: number; to: number | null }): Promise<void> {
    this.#connection.run(
      `update crons set next_run_date = ?, lease_expires_at = 0
       where cron_id = ? and next_run_date = ?`,
      params.to,
      params.cronId,
      params.from,
    );
  }

  async nextDue(): Promise<number | null> {
    return this.#connection.row<{ due: number | null }>(
      `select min(max(next_run_date, lease_expires_at)) as due from crons
       where next_run_date is not null`,
    )!.due;
  }

  #count(where: Conditions): number {
    return this.#connection.row<{ total: number }>(
      `select count(*) as total from crons ${whereClause(where)}`,
      ...where.values,
    )!.total;
  }

  #read(cronId: CronId): Cron | null {
    const row = this.#connection.row<CronRow>("select * from crons where cron_id = ?", cronId);
    return row ? cronOf(row) : null;
  }

  #store(cron: Cron): void {
    this.#connection.run(
      `insert into crons (cron_id, assistant_id, assistant_version, thread_id, schedule, timezone,
         end_time, enabled, on_run_completed, strategy, created_at, updated_at, user_id, request,
         metadata, next_run_date)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       on conflict (cron_id) do update set assistant_id = excluded.assistant_id,
         assistant_version = excluded.assistant_version, thread_id = excluded.thread_id,
         schedule = excluded.schedule, timezone = excluded.timezone, end_time = excluded.end_time,
         enabled = excluded.enabled, on_run_completed = excluded.on_run_completed,
         strategy = excluded.strategy, updated_at = excluded.updated_at,
         user_id = excluded.user_id, request = excluded.request, metadata = excluded.metadata,
         next_run_date = excluded.next_run_date, lease_expires_at = 0`,
      cron.cronId,
      cron.assistantId,
      cron.assistantVersion,
      cron.threadId,
      cron.schedule,
      cron.timezone,
      cron.endTime,
      Number(cron.enabled),
      cron.onRunCompleted,
      cron.strategy,
      cron.createdAt,
      cron.updatedAt,
      cron.userId,
      JSON.stringify(cron.request),
      JSON.stringify(cron.metadata),
      cron.nextRunDate,
    );
  }
}

function conditionsOf(filter: CronFilter): Conditions {
  const where: Conditions = { conditions: [], values: [] };
  if (filter.assistantId !== undefined) {
    where.conditions.push("assistant_id = ?");
    where.values.push(filter.assistantId);
  }
  if (filter.threadId !== undefined) {
    where.conditions.push("thread_id = ?");
    where.values.push(filter.threadId);
  }
  if (filter.enabled !== undefined) {
    where.conditions.push("enabled = ?");
    where.values.push(Number(filter.enabled));
  }
  addContainment(where, filter.metadata);
  addCondition(where, filter.visible);
  return where;
}
