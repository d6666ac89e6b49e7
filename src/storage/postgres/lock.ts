import type { ThreadId } from "../../core/ids.ts";
import type { Thread } from "../../core/thread.ts";
import { type ThreadRow, threadOf } from "./codec.ts";
import type { Connection } from "./database.ts";

/**
 * The thread's row, locked. A thread that does not exist has no row to lock: its id is locked instead,
 * so that of two who would create it one sees what the other has made.
 */
export async function lockThread(
  connection: Connection,
  threadId: ThreadId,
): Promise<Thread | null> {
  const thread = await lockRow(connection, threadId);
  if (thread) return thread;
  await connection.rows(
    "select pg_advisory_xact_lock(hashtextextended($1, 0))",
    [threadId],
    "thread_lock_id",
  );
  return lockRow(connection, threadId);
}

async function lockRow(connection: Connection, threadId: ThreadId): Promise<Thread | null> {
  const [row] = await connection.rows<ThreadRow>(
    "select * from threads where thread_id = $1 for update",
    [threadId],
    "thread_lock",
  );
  return row ? threadOf(row) : null;
}
