import type { RunKey } from "../../core/idempotency.ts";
import type { RunId, ThreadId } from "../../core/ids.ts";
import type { Found, Page } from "../../core/page.ts";
import type { ClaimedRun, Claims, RunStorage } from "../../core/ports/storage.ts";
import { type Attempt, isFinal, type Run, type RunFilter, type RunStatus } from "../../core/run.ts";
import { removeCheckpointsOfRun } from "./books.ts";
import { encodeOptional, type RunRow, runOf } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { addCondition, type Conditions, whereClause } from "./filter.ts";
import { readKey, removeKeys } from "./run-keys.ts";

export class SqliteRuns implements RunStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get(runId: RunId): Promise<Run | null> {
    return this.#connection.seen(() => this.#read(runId));
  }

  async list(params: { threadId: ThreadId; status?: RunStatus; page: Page }): Promise<Run[]> {
    return this.#connection
      .rows<RunRow>(
        `select * from runs where thread_id = ?1 and (?2 is null or status = ?2)
         order by sequence desc limit ?3 offset ?4`,
        params.threadId,
        params.status ?? null,
        params.page.limit,
        params.page.offset,
      )
      .map(runOf);
  }

  async search({ filter, page }: Parameters<RunStorage["search"]>[0]): Promise<Found<Run>> {
    const where = conditionsOf(filter);
    const rows = this.#connection.rows<RunRow>(
      `select * from runs ${whereClause(where)} order by sequence desc limit ? offset ?`,
      ...where.values,
      page.limit,
      page.offset,
    );
    const { total } = this.#connection.row<{ total: number }>(
      `select count(*) as total from runs ${whereClause(where)}`,
      ...where.values,
    )!;
    return { items: rows.map(runOf), total };
  }

  async inFlight(status: "pending" | "running" | "all"): Promise<Run[]> {
    return this.#connection
      .rows<RunRow>(
        `select * from runs indexed by runs_in_flight
         where status in ('pending', 'running') and (?1 = 'all' or status = ?1)
         order by sequence`,
        status,
      )
      .map(runOf);
  }

  async claim(params: {
    owner: string;
    now: number;
    leaseUntil: number;
    count: number;
  }): Promise<Claims> {
    return this.#connection.grouped(() => {
      const runs: ClaimedRun[] = [];
      for (;;) {
        const next = this.#claimable(params.now);
        if (!next || runs.length === params.count) return { runs, more: next !== null };
        runs.push(this.#claimOne(next, params));
      }
    });
  }

  #claimable(now: number): { sequence: number; lost: 0 | 1 } | null {
    const expired = this.#expired(now);
    if (expired !== undefined) return { sequence: expired, lost: 1 };
    const sequence = this.#waiting(now);
    return sequence === undefined ? null : { sequence, lost: 0 };
  }

  #claimOne(
    { sequence, lost }: { sequence: number; lost: 0 | 1 },
    params: { owner: string; now: number; leaseUntil: number },
  ): ClaimedRun {
    const { owner, now, leaseUntil } = params;
    const row = this.#connection.row<RunRow>(
      `update runs set status = 'running', attempt = attempt + 1,
         lost_attempts = lost_attempts + ?, lease_owner = ?, lease_expires_at = ?, updated_at = ?,
         started_at = coalesce(started_at, ?)
       where sequence = ? returning *`,
      lost,
      owner,
      leaseUntil,
      now,
      now,
      sequence,
    )!;
    // A run that was handed back has an attempt behind it too, which was not lost to a crash.
    return { run: runOf(row), takenOver: row.attempt > 1 };
  }

  /** The oldest run whose worker has stopped beating. */
  #expired(now: number): number | undefined {
    return this.#connection.row<{ sequence: number }>(
      `select sequence from runs indexed by runs_leased
       where status = 'running' and lease_expires_at <= ? order by sequence limit 1`,
      now,
    )?.sequence;
  }

  /** The oldest run that may start. The index holds all it asks of runs that may not. */
  #waiting(now: number): number | undefined {
    return this.#connection.row<{ sequence: number }>(
      `select sequence from runs as candidate indexed by runs_waiting
       where status = 'pending' and not_before <= ? and not exists (
         select 1 from runs where status = 'running' and thread_id = candidate.thread_id)
       order by sequence limit 1`,
      now,
    )?.sequence;
  }

  async extendLeases(params: { attempts: Attempt[]; leaseUntil: number }): Promise<Attempt[]> {
    return this.#connection.transaction(() =>
      params.attempts.filter(
        ({ runId, attempt }) =>
          this.#connection.run(
            `update runs set lease_expires_at = ?
             where run_id = ? and attempt = ? and status = 'running'`,
            params.leaseUntil,
            runId,
            attempt,
          ) > 0,
      ),
    );
  }

  async nextDue(now: number): Promise<number | null> {
    const { due } = await this.#connection.seen(() =>
      this.#connection.row<{ due: number | null }>(
        `select min(due) as due from (
             select min(not_before) as due from runs where status = 'pending' and not_before > ?
             union all
             select min(lease_expires_at) from runs where status = 'running')`,
        now,
      )!,
    );
    return due;
  }

  async counts(): Promise<{ pending: number; running: number }> {
    return {
      ...this.#connection.row<{ pending: number; running: number }>(
        `select (select count(*) from runs where status = 'pending') as pending,
           (select count(*) from runs where status = 'running') as running`,
      )!,
    };
  }

  async lease(runId: RunId): Promise<{ owner: string; expiresAt: number } | null> {
    const row = this.#connection.row<{ lease_owner: string; lease_expires_at: number }>(
      "select lease_owner, lease_expires_at from runs where run_id = ? and status = 'running'",
      runId,
    );
    return row ? { owner: row.lease_owner, expiresAt: row.lease_expires_at } : null;
  }

  async countAhead(params: { runId: RunId; now: number }): Promise<number> {
    return this.#connection.row<{ ahead: number }>(
      `select count(*) as ahead from runs as candidate
       where status = 'pending' and not_before <= ?2
         and sequence < (select sequence from runs where run_id = ?1)
         and not exists (
           select 1 from runs where thread_id = candidate.thread_id and (status = 'running'
             or status = 'pending' and not_before <= ?2 and sequence < candidate.sequence))`,
      params.runId,
      params.now,
    )!.ahead;
  }

  async remembered(key: string, now: number): Promise<RunKey | null> {
    return readKey(this.#connection, key, now);
  }

  async forgetKeys(runIds: RunId[]): Promise<void> {
    removeKeys(this.#connection, runIds);
  }

  async delete(runId: RunId): Promise<boolean> {
    return this.#connection.transaction(() => {
      const run = this.#read(runId);
      if (!run || !isFinal(run.status)) return false;
      removeRun(this.#connection, run.threadId, runId);
      return true;
    });
  }

  #read(runId: RunId): Run | null {
    const row = this.#connection.row<RunRow>("select * from runs where run_id = ?", runId);
    return row ? runOf(row) : null;
  }
}

/** Pending and running runs of a thread, oldest first. */
export function inFlightOf(connection: Connection, threadId: ThreadId): Run[] {
  return connection
    .rows<RunRow>(
      `select * from runs indexed by runs_in_flight
       where thread_id = ? and status in ('pending', 'running') order by sequence`,
      threadId,
    )
    .map(runOf);
}

export function insertRun(connection: Connection, run: Run): void {
  connection.run(
    `insert into runs (run_id, thread_id, assistant_id, assistant_version, created_at, updated_at,
       not_before, status, metadata, request, strategy, attempt, lost_attempts, error, ordinal,
       cancel_reason)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    run.runId,
    run.threadId,
    run.assistantId,
    run.assistantVersion,
    run.createdAt,
    run.updatedAt,
    run.notBefore,
    run.status,
    JSON.stringify(run.metadata),
    JSON.stringify(run.request),
    run.strategy,
    run.attempt,
    run.lostAttempts,
    encodeOptional(run.error),
    run.ordinal,
    run.cancelReason,
  );
}

/** `sameRequest`: leave out the request, by far the largest column and hardly ever changed. */
export function updateRun(
  connection: Connection,
  run: Run,
  { sameRequest }: { sameRequest: boolean },
): void {
  connection.run(
    `update runs set assistant_id = ?2, assistant_version = ?3, created_at = ?4, updated_at = ?5,
       not_before = ?6, status = ?7, metadata = ?8, request = coalesce(?9, request), strategy = ?10,
       attempt = ?11, lost_attempts = ?12, error = ?13, ordinal = ?14, cancel_reason = ?15,
       lease_owner = iif(?7 = 'running', lease_owner, null),
       lease_expires_at = iif(?7 = 'running', lease_expires_at, 0)
     where run_id = ?1`,
    run.runId,
    run.assistantId,
    run.assistantVersion,
    run.createdAt,
    run.updatedAt,
    run.notBefore,
    run.status,
    JSON.stringify(run.metadata),
    sameRequest ? null : JSON.stringify(run.request),
    run.strategy,
    run.attempt,
    run.lostAttempts,
    encodeOptional(run.error),
    run.ordinal,
    run.cancelReason,
  );
}

function conditionsOf(filter: RunFilter): Conditions {
  const where: Conditions = { conditions: [], values: [] };
  const columns = {
    thread_id: filter.threadId,
    assistant_id: filter.assistantId,
    status: filter.status,
  };
  for (const [column, value] of Object.entries(columns)) {
    if (value === undefined) continue;
    where.conditions.push(`${column} = ?`);
    where.values.push(value);
  }
  if (filter.visible) {
    const ofThread: Conditions = { conditions: [], values: [] };
    addCondition(ofThread, filter.visible);
    where.conditions.push(`thread_id in (select thread_id from threads ${whereClause(ofThread)})`);
    where.values.push(...ofThread.values);
  }
  return where;
}

/** The run with everything written in its name. */
export function removeRun(connection: Connection, threadId: ThreadId, runId: RunId): void {
  removeCheckpointsOfRun(connection, threadId, runId);
  connection.run("delete from runs where run_id = ? and thread_id = ?", runId, threadId);
}
