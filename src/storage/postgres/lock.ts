import type { ThreadId } from "../../core/ids.ts";
import type { Thread } from "../../core/thread.ts";
import { type ThreadRow, threadOf } from "./codec.ts";
import type { TransactionConnection } from "./database.ts";

/**
 * The thread's row, locked. A thread that does not exist has no row to lock: so its id is locked first,
 * and of two who would create it one sees what the other has made.
 */
export async function lockThread(
  connection: TransactionConnection,
  threadId: ThreadId,
): Promise<Thread | null> {
  connection.run(
    "select pg_advisory_xact_lock(hashtextextended($1, 0))",
    [threadId],
    "thread_lock_id",
  );
  const [row] = await connection.rows<ThreadRow>(
    "select * from threads where thread_id = $1 for update",
    [threadId],
    "thread_lock",
  );
  return row ? threadOf(row) : null;
}
