import { KeyTaken, type RunKey } from "../../core/idempotency.ts";
import type { RunId } from "../../core/ids.ts";
import type { Run } from "../../core/run.ts";
import { type Connection, json, type TransactionConnection } from "./database.ts";

interface RunKeyRow {
  key: string;
  fingerprint: string;
  run: Run;
  created_at: number;
  expires_at: number;
}

export async function readKey(
  connection: Connection,
  key: string,
  now: number,
): Promise<RunKey | null> {
  const [row] = await connection.rows<RunKeyRow>(
    "select * from run_keys where key = $1 and expires_at > $2",
    [key, now],
    "run_key_get",
  );
  if (!row) return null;
  return {
    key: row.key,
    fingerprint: row.fingerprint,
    run: row.run,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

/**
 * Waits for a transaction that stores the same key, and sees what came of it. Also removes what has
 * expired, unless another transaction does so. @throws KeyTaken
 */
export async function insertKey(connection: TransactionConnection, key: RunKey): Promise<void> {
  connection.run(
    `delete from run_keys where key in (
       select key from run_keys where expires_at <= $1 for update skip locked)`,
    [key.createdAt],
    "run_key_clean",
  );
  const inserted = await connection.rows(
    `insert into run_keys (key, run_id, fingerprint, run, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (key) do update set run_id = excluded.run_id, fingerprint = excluded.fingerprint,
       run = excluded.run, created_at = excluded.created_at, expires_at = excluded.expires_at
     where run_keys.expires_at <= excluded.created_at
     returning key`,
    [key.key, key.run.runId, key.fingerprint, json(key.run), key.createdAt, key.expiresAt],
    "run_key_insert",
  );
  if (inserted.length === 0) throw new KeyTaken(key.key);
}

export async function removeKeys(connection: Connection, runIds: RunId[]): Promise<void> {
  await connection.rows("delete from run_keys where run_id = any($1::text[])", [runIds]);
}
