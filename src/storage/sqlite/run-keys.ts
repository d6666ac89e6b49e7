import { KeyTaken, type RunKey } from "../../core/idempotency.ts";
import type { RunId } from "../../core/ids.ts";
import type { Connection } from "./connection.ts";

interface RunKeyRow {
  key: string;
  fingerprint: string;
  run: string;
  created_at: number;
  expires_at: number;
}

export function readKey(connection: Connection, key: string, now: number): RunKey | null {
  const row = connection.row<RunKeyRow>(
    "select * from run_keys where key = ? and expires_at > ?",
    key,
    now,
  );
  if (!row) return null;
  return {
    key: row.key,
    fingerprint: row.fingerprint,
    run: JSON.parse(row.run),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/** Also removes what has expired. @throws KeyTaken */
export function insertKey(connection: Connection, key: RunKey): void {
  connection.run("delete from run_keys where expires_at <= ?", key.createdAt);
  const inserted = connection.run(
    `insert into run_keys (key, run_id, fingerprint, run, created_at, expires_at)
     values (?, ?, ?, ?, ?, ?) on conflict (key) do nothing`,
    key.key,
    key.run.runId,
    key.fingerprint,
    JSON.stringify(key.run),
    key.createdAt,
    key.expiresAt,
  );
  if (inserted === 0) throw new KeyTaken(key.key);
}

export function removeKeys(connection: Connection, runIds: RunId[]): void {
  connection.run(
    "delete from run_keys where run_id in (select value from json_each(?))",
    JSON.stringify(runIds),
  );
}
