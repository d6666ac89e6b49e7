import type { RunKey } from "../../core/idempotency.ts";
import type { RunId, ThreadId } from "../../core/ids.ts";
import type { Found, Page } from "../../core/page.ts";
import type { Claims, RunStorage } from "../../core/ports/storage.ts";
import { type Attempt, isFinal, type Run, type RunFilter, type RunStatus } from "../../core/run.ts";
import { removeCheckpointsOfRun } from "./books.ts";
import { type RunRow, runOf } from "./codec.ts";
import {
  codeOf,
  type Connection,
  type Database,
  json,
  optionalJson,
  type TransactionConnection,
} from "./database.ts";
import { Filter } from "./filter.ts";
import { readKey, removeKeys } from "./run-keys.ts";

const uniqueViolation = "23505";

/** Runs whose worker has stopped beating. */
const expired = `
  select run_id, seq, 1 as lost from runs
  where status = 'running' and lease_expires_at <= $1`;

/**
 * Runs that may start. Not one behind another of its thread: that one may be skipped only because
 * somebody is about to take it.
 */
const waiting = `
  select run_id, seq, 0 as lost from runs as candidate
  where status = 'pending' and not_before <= $1 and not exists (
    select 1 from runs where status = 'running' and thread_id = candidate.thread_id)
  and not exists (
    select 1 from runs where status = 'pending' and thread_id = candidate.thread_id
      and seq < candidate.seq and not_before <= $1)`;

/** Those that were lost before those that wait, each the oldest first; not what others hold. */
const claim = `
  with lost as (${expired} order by seq limit $4 for update skip locked),
  begun as (
    ${waiting} order by seq limit $4::bigint - (select count(*) from lost) for update skip locked),
  candidate as (select * from lost union all select * from begun)
  update runs set status = 'running', attempt = attempt + 1,
    lost_attempts = lost_attempts + candidate.lost, lease_owner = $2, lease_expires_at = $3,
    updated_at = $1, started_at = coalesce(started_at, $1)
  from candidate where runs.run_id = candidate.run_id returning runs.*`;

/** What is left for a claim. */
const others = `(${expired} limit 1) union all (${waiting} limit 1)`;

export class PostgresRuns implements RunStorage {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(runId: RunId): Promise<Run | null> {
    const [row] = await this.#database.glances.rows<RunRow>(
      "select * from runs where run_id = $1",
      [runId],
      "run_get",
    );
    return row ? runOf(row) : null;
  }

  async list(params: { threadId: ThreadId; status?: RunStatus; page: Page }): Promise<Run[]> {
    const rows = await this.#database.rows<RunRow>(
      `select * from runs where thread_id = $1 and ($2::text is null or status = $2)
       order by seq desc limit $3 offset $4`,
      [params.threadId, params.status ?? null, params.page.limit, params.page.offset],
    );
    return rows.map(runOf);
  }

  async search({ filter, page }: Parameters<RunStorage["search"]>[0]): Promise<Found<Run>> {
    const where = filterOf(filter);
    const counted = this.#database.rows<{ total: number }>(
      `select count(*) as total from runs ${where.where}`,
      [...where.values],
    );
    const rows = this.#database.rows<RunRow>(
      `select * from runs ${where.where} order by seq desc
       limit ${where.parameter(page.limit)} offset ${where.parameter(page.offset)}`,
      where.values,
    );
    const [[counts], found] = await Promise.all([counted, rows]);
    return { items: found.map(runOf), total: counts!.total };
  }

  async inFlight(status: "pending" | "running" | "all"): Promise<Run[]> {
    const statuses = status === "all" ? ["pending", "running"] : [status];
    const rows = await this.#database.rows<RunRow>(
      `select * from runs where status in ('pending', 'running') and status = any($1::text[])
       order by seq`,
      [statuses],
    );
    return rows.map(runOf);
  }

  /**
   * Skips rows that others hold. Others hold them to claim them too, or for a decision about their
   * thread, which may leave them as they are: what was only skipped is waited for and tried again.
   */
  async claim(params: {
    owner: string;
    now: number;
    leaseUntil: number;
    count: number;
  }): Promise<Claims> {
    for (;;) {
      const { rows, left } = await this.#take(params);
      // A run that was handed back has an attempt behind it too, which was not lost to a crash.
      const runs = rows.map((row) => ({ run: runOf(row), takenOver: row.attempt > 1 }));
      if (runs.length > 0 || !left) return { runs, more: left !== null };
      await this.#database.rows(
        "select 1 from runs where run_id = $1 for no key update",
        [left],
        "run_await",
      );
    }
  }

  /** `left`: one that was not taken, since they were enough or others hold it. */
  async #take(params: {
    owner: string;
    now: number;
    leaseUntil: number;
    count: number;
  }): Promise<{ rows: RunRow[]; left: RunId | null }> {
    const { owner, now, leaseUntil, count } = params;
    try {
      const [rows, rest] = await this.#database.batch([
        { text: claim, values: [now, owner, leaseUntil, count], name: "run_claim" },
        { text: others, values: [now], name: "run_left" },
      ]);
      return {
        rows: (rows as (RunRow & { seq: number })[]).toSorted((one, other) => one.seq - other.seq),
        left: (rest as { run_id: RunId }[])[0]?.run_id ?? null,
      };
    } catch (error) {
      // A lost race: another run of one of the threads has just started.
      if (codeOf(error) !== uniqueViolation) throw error;
      return this.#take(params);
    }
  }

  async extendLeases(params: { attempts: Attempt[]; leaseUntil: number }): Promise<Attempt[]> {
    const { attempts, leaseUntil } = params;
    if (attempts.length === 0) return [];
    const rows = await this.#database.rows<{ run_id: RunId; attempt: number }>(
      // Locked in the order in which a group of checkpoints locks them.
      `with held as materialized (
         select run_id from runs join unnest($1::text[], $2::integer[]) as given (run_id, attempt)
           using (run_id, attempt)
         where status = 'running' order by run_id collate "C" for no key update of runs)
       update runs set lease_expires_at = $3 from held where runs.run_id = held.run_id
       returning runs.run_id, runs.attempt`,
      [attempts.map((one) => one.runId), attempts.map((one) => one.attempt), leaseUntil],
      "run_extend_leases",
    );
    const held = new Set(rows.map((row) => row.run_id));
    return attempts.filter(
      ({ runId, attempt }) =>
        held.has(runId) && rows.some((row) => row.run_id === runId && row.attempt === attempt),
    );
  }

  async nextDue(now: number): Promise<number | null> {
    const [row] = await this.#database.rows<{ due: number | null }>(
      `select least(
         (select min(not_before) from runs where status = 'pending' and not_before > $1),
         (select min(lease_expires_at) from runs where status = 'running')) as due`,
      [now],
      "run_next_due",
    );
    return row!.due;
  }

  async counts(): Promise<{ pending: number; running: number }> {
    const [row] = await this.#database.rows<{ pending: number; running: number }>(
      `select (select count(*) from runs where status = 'pending') as pending,
         (select count(*) from runs where status = 'running') as running`,
    );
    return row!;
  }

  async lease(runId: RunId): Promise<{ owner: string; expiresAt: number } | null> {
    const [row] = await this.#database.rows<{ lease_owner: string; lease_expires_at: number }>(
      "select lease_owner, lease_expires_at from runs where run_id = $1 and status = 'running'",
      [runId],
    );
    return row ? { owner: row.lease_owner, expiresAt: row.lease_expires_at } : null;
  }

  async countAhead(params: { runId: RunId; now: number }): Promise<number> {
    const [row] = await this.#database.rows<{ ahead: number }>(
      `select count(*) as ahead from runs as candidate
       where status = 'pending' and not_before <= $2
         and seq < (select seq from runs where run_id = $1)
         and not exists (
           select 1 from runs where thread_id = candidate.thread_id and (status = 'running'
             or status = 'pending' and not_before <= $2 and seq < candidate.seq))`,
      [params.runId, params.now],
    );
    return row!.ahead;
  }

  async remembered(key: string, now: number): Promise<RunKey | null> {
    return readKey(this.#database, key, now);
  }

  async forgetKeys(runIds: RunId[]): Promise<void> {
    await removeKeys(this.#database, runIds);
  }

  async delete(runId: RunId): Promise<boolean> {
    return this.#database.transaction(async (connection) => {
      const [row] = await connection.rows<RunRow>(
        "select * from runs where run_id = $1 for update",
        [runId],
      );
      if (!row || !isFinal(row.status)) return false;
      await removeRun(connection, row.thread_id, runId);
      return true;
    });
  }
}

/** Pending and running runs of a thread, locked, oldest first. */
export async function lockInFlight(connection: Connection, threadId: ThreadId): Promise<Run[]> {
  const rows = await connection.rows<RunRow>(
    `select * from runs where thread_id = $1 and status in ('pending', 'running')
     order by seq for update`,
    [threadId],
    "run_lock_in_flight",
  );
  return rows.map(runOf);
}

export function insertRun(connection: TransactionConnection, run: Run): void {
  connection.run(
    `insert into runs (run_id, thread_id, assistant_id, assistant_version, created_at, updated_at,
       not_before, status, metadata, request, strategy, attempt, lost_attempts, error, ordinal,
       cancel_reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      run.runId,
      run.threadId,
      run.assistantId,
      run.assistantVersion,
      run.createdAt,
      run.updatedAt,
      run.notBefore,
      run.status,
      json(run.metadata),
      json(run.request),
      run.strategy,
      run.attempt,
      run.lostAttempts,
      optionalJson(run.error),
      run.ordinal,
      run.cancelReason,
    ],
    "run_insert",
  );
}

/** `sameRequest`: leave out the request, by far the largest column and hardly ever changed. */
export function updateRun(
  connection: TransactionConnection,
  run: Run,
  { sameRequest }: { sameRequest: boolean },
): void {
  connection.run(
    `update runs set assistant_id = $2, assistant_version = $3, created_at = $4, updated_at = $5,
       not_before = $6, status = $7, metadata = $8, request = coalesce($9::json, request),
       strategy = $10, attempt = $11, lost_attempts = $12, error = $13, ordinal = $14,
       cancel_reason = $15,
       lease_owner = case when $7 = 'running' then lease_owner end,
       lease_expires_at = case when $7 = 'running' then lease_expires_at else 0 end
     where run_id = $1`,
    [
      run.runId,
      run.assistantId,
      run.assistantVersion,
      run.createdAt,
      run.updatedAt,
      run.notBefore,
      run.status,
      json(run.metadata),
      sameRequest ? null : json(run.request),
      run.strategy,
      run.attempt,
      run.lostAttempts,
      optionalJson(run.error),
      run.ordinal,
      run.cancelReason,
    ],
    "run_update",
  );
}

/** The run with everything written in its name. */
export async function removeRun(
  connection: TransactionConnection,
  threadId: ThreadId,
  runId: RunId,
): Promise<void> {
  await removeCheckpointsOfRun(connection, threadId, runId);
  connection.run("delete from runs where run_id = $1 and thread_id = $2", [runId, threadId]);
}

function filterOf(given: RunFilter): Filter {
  const filter = new Filter();
  filter.add((n) => `thread_id = ${n}`, given.threadId);
  filter.add((n) => `assistant_id = ${n}`, given.assistantId);
  filter.add((n) => `status = ${n}`, given.status);
  filter.addConditionOfThread(given.visible);
  return filter;
}
