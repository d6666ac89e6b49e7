import type { ThreadId } from "../../core/ids.ts";
import { type Span, spansOf, subtractSpans } from "../../core/lineage.ts";
import type {
  CheckpointQuery,
  CheckpointTuple,
  StoredItem,
  StoredWrite,
} from "../../core/ports/checkpoints.ts";
import { booksOf, placeOf, textSpans } from "./books.ts";
import type { Connection } from "./connection.ts";
import { metadataOf } from "./origins.ts";
import { type PackedId, packId, unpackId } from "./packed-id.ts";

export interface CheckpointRow {
  namespace: string;
  checkpoint_id: PackedId;
  parent_id: PackedId | null;
  origin: number | null;
  metadata: string;
  content: string;
  spans: string;
  texts: string | null;
}

interface WriteRow {
  task_id: PackedId;
  write_index: number;
  channel: string;
  type: string;
  bytes: Uint8Array;
  texts: string | null;
}

export interface Picked {
  threadId: ThreadId;
  book: number;
  namespace: string;
  checkpointId: string;
}

export function tupleOf(
  connection: Connection,
  threadId: ThreadId,
  row: CheckpointRow,
): CheckpointTuple {
  const { writes, texts } = writesOf(connection, threadId, row);
  return {
    threadId,
    namespace: row.namespace,
    checkpointId: unpackId(row.checkpoint_id),
    parentId: row.parent_id === null ? null : unpackId(row.parent_id),
    content: row.content,
    spans: spansOf(JSON.parse(row.spans)),
    metadata: metadataOf(connection, row),
    writes,
    texts: subtractSpans(textSpans([row, ...texts]), []).flatMap((span) =>
      itemsOf(connection, span),
    ),
    generation: placeOf(connection, threadId)?.generation ?? 0,
  };
}

function writesOf(
  connection: Connection,
  threadId: ThreadId,
  row: CheckpointRow,
): { writes: StoredWrite[]; texts: WriteRow[] } {
  const rows = connection.rows<WriteRow>(
    `select task_id, write_index, channel, type, bytes, texts
     from checkpoint_books cross join checkpoint_writes as stored
     where thread_id = ? and stored.book = checkpoint_books.book and namespace = ?
       and checkpoint_id = ?
     order by task_id, write_index, position`,
    threadId,
    row.namespace,
    row.checkpoint_id,
  );
  const writes = rows.map((write) => ({
    taskId: unpackId(write.task_id),
    index: write.write_index,
    channel: write.channel,
    value: { type: write.type, bytes: write.bytes },
  }));
  const counting = writes.filter(({ taskId, index }, at) => {
    const next = writes[at + 1];
    return next?.taskId !== taskId || next.index !== index;
  });
  return { writes: counting, texts: rows };
}

export function itemsOf(connection: Connection, { lineage, first, end }: Span): StoredItem[] {
  return connection
    .rows<{ position: number; type: string; bytes: Uint8Array }>(
      `select item_id & 65535 as position, type, bytes from lineage_items
         where item_id >= (?1 << 16) + cast(?2 as integer)
           and item_id < (?1 << 16) + cast(?3 as integer)
         order by item_id`,
      lineage,
      first,
      end,
    )
    .map(({ position, type, bytes }) => ({ lineage, position, value: { type, bytes } }));
}

/** Newest first, of each address the one that counts. */
export function pick(connection: Connection, query: CheckpointQuery): Picked[] {
  const threads =
    query.threadId === undefined
      ? connection
          .rows<{ thread_id: ThreadId }>("select thread_id from checkpoint_threads")
          .map((row) => row.thread_id)
      : [query.threadId];
  const picked = threads.flatMap((threadId) =>
    booksOf(connection, threadId).flatMap((book) =>
      pickIn(connection, book, query).map((row) => ({
        threadId,
        book,
        namespace: row.namespace,
        checkpointId: unpackId(row.checkpoint_id),
      })),
    ),
  );
  picked.sort(newestFirst);
  return picked.filter((one, at) => at === 0 || !sameAddress(picked[at - 1]!, one));
}

function pickIn(
  connection: Connection,
  book: number,
  query: CheckpointQuery,
): { namespace: string; checkpoint_id: PackedId }[] {
  const conditions = [
    ["namespace = ?", query.namespace],
    ["checkpoint_id = ?", query.checkpointId && packId(query.checkpointId)],
    ["checkpoint_id < ?", query.before && packId(query.before)],
  ] as const;
  const given = conditions.filter(([, value]) => value !== undefined);
  return connection.rows(
    `select namespace, checkpoint_id from checkpoints
     where ${["book = ?", ...given.map(([condition]) => condition)].join(" and ")}
     order by checkpoint_id desc limit ?`,
    book,
    ...given.map(([, value]) => value!),
    query.metadata ? -1 : (query.limit ?? -1),
  );
}

function newestFirst(one: Picked, other: Picked): number {
  return (
    compare(other.checkpointId, one.checkpointId) ||
    compare(one.threadId, other.threadId) ||
    compare(one.namespace, other.namespace) ||
    other.book - one.book
  );
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function sameAddress(one: Picked, other: Picked): boolean {
  return (
    one.checkpointId === other.checkpointId &&
    one.threadId === other.threadId &&
    one.namespace === other.namespace
  );
}
