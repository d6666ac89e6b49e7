import { DatabaseSync } from "node:sqlite";
import { Client as PostgresClient } from "pg";
import { readFileSync, readdirSync } from "node:fs";

/** Where a server keeps its data, if the benchmark started it and can look. */
export type Place =
  | { kind: "sqlite"; file: string }
  | { kind: "postgres"; uri: string }
  | { kind: "hidden" };

/** A server to measure. */
export interface Target {
  name: string;
  url: string;
  /** `floor`: runs and nothing else. `ours`: also what takes too long or too much on others. */
  kind: "ours" | "floor" | "other";
  /** The root of its process tree; null for a server that was started by somebody else. */
  pid: number | null;
  place: Place;
  /** Has it free the memory that it does not need; null when it cannot be asked. */
  collectGarbage: (() => void) | null;
  /** Starts another one of it, on empty data; null when the benchmark cannot. */
  launch: (() => Promise<Launched>) | null;
}

export interface Launched extends AsyncDisposable {
  target: Target;
  /** From the start of the process to the first answer to `GET /ok`, in ms. */
  startedInMs: number;
}

/** Bytes on disk, indexes included, without what the database keeps free. */
export interface StoredBytes {
  all: number;
  /** Of checkpoints, their writes, and what they hold. */
  checkpoints: number;
}

/** Null when nobody can see it. */
export async function storedBytes(place: Place): Promise<StoredBytes | null> {
  switch (place.kind) {
    case "sqlite":
      return sqliteBytes(place.file);
    case "postgres":
      return postgresBytes(place.uri);
    case "hidden":
      return null;
  }
}

/** Pages as a reader sees them: what lies in the write-ahead log counts once, not twice. */
function sqliteBytes(file: string): StoredBytes {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const row = database
      .prepare(
        `select sum(pgsize) as "all", sum(pgsize) filter
           (where name like '%checkpoint%' or name like '%lineage%') as checkpoints from dbstat`,
      )
      .get();
    return { all: Number(row!["all"]), checkpoints: Number(row!["checkpoints"]) };
  } finally {
    database.close();
  }
}

async function postgresBytes(uri: string): Promise<StoredBytes> {
  const client = new PostgresClient({ connectionString: uri });
  await client.connect();
  try {
    const { rows } = await client.query<{ all: string; checkpoints: string }>(
      `select sum(pg_total_relation_size(pg_class.oid)) as "all",
         sum(pg_total_relation_size(pg_class.oid)) filter
         (where relname like 'checkpoint%' or relname like 'lineage%') as checkpoints
       from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')`,
    );
    return { all: Number(rows[0]!.all), checkpoints: Number(rows[0]!.checkpoints) };
  } finally {
    await client.end();
  }
}

/** Memory in RAM of a process and all its descendants, in bytes. Null where there is no /proc. */
export function treeBytes(root: number): number | null {
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  for (const pid of processes()) {
    const status = readStatus(pid);
    if (!status) continue;
    resident.set(pid, status.residentBytes);
    children.set(status.parent, [...(children.get(status.parent) ?? []), pid]);
  }
  if (!resident.has(root)) return null;
  const sum = (pid: number): number =>
    (resident.get(pid) ?? 0) +
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(root);
}

/** Clock ticks in a second, which Linux fixes for what it tells of processes. */
const ticksPerSecond = 100;

/** CPU time that a process has used, in ms. Null where there is no /proc. */
export function cpuMs(pid: number): number | null {
  try {
    // The name before the last parenthesis may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  } catch {
    return null;
  }
}

function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readStatus(pid: number): { parent: number; residentBytes: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
    const resident = field("VmRSS");
    return { parent: field("PPid"), residentBytes: Number.isNaN(resident) ? 0 : resident * 1024 };
  } catch {
    return null;
  }
}
