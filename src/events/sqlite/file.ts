import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Failure } from "../../core/error.ts";
import type { RunEnd, RunEvent } from "../../core/event.ts";
import type { RunId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunStatus } from "../../core/run.ts";

/** A file of another layout is begun anew: no log in it lives longer than its run by more than minutes. */
const layout = 2;

const schema = `
  create table events (
    run_id text not null,
    position integer not null,
    name text not null,
    data text not null,
    primary key (run_id, position)
  ) without rowid;
  create table logs (
    run_id text primary key,
    begun_at integer not null, -- ms since 1970, of the newest attempt
    ended_at integer,
    status text,
    error text, -- JSON
    state text, -- JSON
    thread_metadata text -- JSON
  ) without rowid;
  pragma user_version = ${layout};`;

export interface StoredLog {
  events: RunEvent[];
  end: RunEnd | null;
  endedAt: number;
}

interface LogRow {
  ended_at: number | null;
  status: RunStatus | null;
  error: string | null;
  state: string | null;
  thread_metadata: string | null;
}

/** The statements on a file of kept logs. Everything is synchronous; a batch is one transaction. */
export class LogFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, which is created when missing and begun anew when it cannot be read. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true });
    try {
      this.#database = opened(path);
    } catch {
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
      this.#database = opened(path);
    }
  }

  /** The runs of which the file has a log. */
  runs(): RunId[] {
    const rows = this.#prepared("select run_id from logs").all() as unknown as { run_id: RunId }[];
    return rows.map((row) => row.run_id);
  }

  /** All or nothing. */
  transaction(work: () => void): void {
    this.#database.exec("begin immediate");
    try {
      work();
      this.#database.exec("commit");
    } catch (error) {
      this.#database.exec("rollback");
      throw error;
    }
  }

  append(runId: RunId, event: RunEvent): void {
    this.#prepared(
      "insert or ignore into events (run_id, position, name, data) values (?, ?, ?, ?)",
    ).run(runId, event.position, event.name, event.data);
  }

  /** That an attempt at the run begins, or how the run ended. */
  note(runId: RunId, now: number, end: RunEnd | null): void {
    this.#prepared(
      `insert into logs (run_id, begun_at, ended_at, status, error, state, thread_metadata)
       values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
       on conflict (run_id) do update set begun_at = ?2, ended_at = ?3, status = ?4, error = ?5,
         state = ?6, thread_metadata = ?7 where logs.ended_at is null`,
    ).run(
      runId,
      now,
      end && now,
      end && end.status,
      end?.error ? JSON.stringify(end.error) : null,
      end && end.values,
      end?.threadMetadata ? JSON.stringify(end.threadMetadata) : null,
    );
  }

  /** Drops the run's events before a position. */
  trim(runId: RunId, firstKept: number): void {
    this.#prepared("delete from events where run_id = ? and position < ?").run(runId, firstKept);
  }

  remove(runId: RunId): void {
    this.#prepared("delete from events where run_id = ?").run(runId);
    this.#prepared("delete from logs where run_id = ?").run(runId);
  }

  /** The logs that ended before the one moment, and those whose last attempt began before the other. */
  stale(endedBefore: number, begunBefore: number): RunId[] {
    const rows = this.#prepared(
      "select run_id from logs where ended_at < ? or (ended_at is null and begun_at < ?)",
    ).all(endedBefore, begunBefore) as unknown as { run_id: RunId }[];
    return rows.map((row) => row.run_id);
  }

  read(runId: RunId): StoredLog {
    const events = this.#prepared(
      "select position, name, data from events where run_id = ? order by position",
    ).all(runId) as unknown as RunEvent[];
    const row = this.#prepared(
      "select ended_at, status, error, state, thread_metadata from logs where run_id = ?",
    ).get(runId) as unknown as LogRow | undefined;
    if (!row?.status) return { events, end: null, endedAt: 0 };
    const error = row.error === null ? null : (JSON.parse(row.error) as Failure);
    const end: RunEnd = { status: row.status, error, values: row.state };
    if (row.thread_metadata !== null) {
      end.threadMetadata = JSON.parse(row.thread_metadata) as JsonObject;
    }
    return { events, end, endedAt: row.ended_at ?? 0 };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #prepared(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) this.#statements.set(text, (statement = this.#database.prepare(text)));
    return statement;
  }
}

/** Without waiting for the disk at every commit: a log must outlive its server, not the machine's power. */
function opened(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("pragma journal_mode = wal; pragma synchronous = normal");
    const found = database.prepare("pragma user_version").get() as { user_version: number };
    if (found.user_version === 0) database.exec(schema);
    else if (found.user_version !== layout) throw new Error(`layout ${found.user_version}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
