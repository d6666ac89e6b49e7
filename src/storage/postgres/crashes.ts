import type { ClientBase } from "pg";
import type { Statement } from "./batch.ts";
import { lockPatience } from "./group.ts";

/**
 * A commit waits for the disk (`synchronous_commit`), and what it acknowledges outlives a crash of
 * Postgres. Checkpoints of runs with `durability` `async` or `exit` need not: until the run's end is
 * stored, which is flushed and all before it with it, their loss is as if the worker had died a moment
 * earlier. Claims are flushed, so no attempt's number is given twice.
 *
 * But a worker that outlives the crash would go on upon what was lost: it knows which items it has
 * stored, and it may show its checkpoints to others from memory. So a crash takes all runs from
 * whoever executes them. `crash_marker` tells of it: an unlogged table of one row, which Postgres
 * empties when it recovers. A crash ends all connections, and each new one looks for the row before
 * its first statement; who finds none hands back what was running, and makes another.
 */
export const noFlush: Statement = {
  text: `select set_config('synchronous_commit', 'off', true), ${lockPatience}`,
  values: [],
  name: "no_flush",
};

export async function recoverFromCrash(client: ClientBase): Promise<void> {
  const { rows } = await client.query("select 1 from crash_marker");
  if (rows.length === 0) await client.query(recovery);
}

/**
 * Whoever comes second finds the row and does nothing. The item put behind each lineage of those
 * threads closes it: what was lost there is still in the memory of servers, under positions that must
 * not get another value.
 */
const recovery = `
  begin;
  lock table crash_marker in share row exclusive mode;
  insert into lineage_items (lineage, position, type, bytes)
  select lineage, max(position) + 1, 'closed', '' from lineage_items
  where not exists (select 1 from crash_marker) and lineage in (
    select lineage from runs join checkpoint_books using (thread_id) join lineage_books using (book)
    where status = 'running')
  group by lineage;
  update runs set status = 'pending', lease_owner = null, lease_expires_at = 0
  where status = 'running' and not exists (select 1 from crash_marker);
  insert into crash_marker select true where not exists (select 1 from crash_marker);
  commit`;
