import { AdjutantError } from "../../core/error.ts";
import type { RunId, ThreadId } from "../../core/ids.ts";
import {
  keepLatest,
  lineageLengthMax,
  type LineageId,
  type Span,
  spansOf,
  subtractSpans,
} from "../../core/lineage.ts";
import { metadataOf, originIdOf } from "./origins.ts";
import type { Connection } from "./connection.ts";
import { type PackedId, unpackId } from "./packed-id.ts";

/**
 * A thread's checkpoints and writes lie in books, which threads share: to copy a thread is to give its
 * books to the copy. From then on these books are closed, and each of the two goes on in a book of
 * its own. What a thread has is what all its books have; where two have the same, the later counts.
 *
 * All functions work within the caller's transaction.
 */

interface Place {
  /** The one that is written to; null when all are closed. */
  book: number | null;
  generation: number;
}

export function placeOf(connection: Connection, threadId: ThreadId): Place | undefined {
  return connection.row<Place>(
    "select book, generation from checkpoint_threads where thread_id = ?",
    threadId,
  );
}

export function booksOf(connection: Connection, threadId: ThreadId): number[] {
  return connection
    .rows<{ book: number }>(
      "select book from checkpoint_books where thread_id = ? order by book",
      threadId,
    )
    .map(({ book }) => book);
}

/** The place to write to, opened when there is none. */
export function openPlace(
  connection: Connection,
  threadId: ThreadId,
): { book: number; generation: number } {
  const place = placeOf(connection, threadId);
  if (place && place.book !== null) return { ...place, book: place.book };
  const book = nextNumber(connection);
  const generation = place?.generation ?? book;
  connection.run(
    `insert into checkpoint_threads (thread_id, book, generation) values (?, ?, ?)
     on conflict (thread_id) do update set book = excluded.book`,
    threadId,
    book,
    generation,
  );
  // What the older books hold, later checkpoints in the new one will hold too.
  connection.run(
    `insert into lineage_books (lineage, book)
     select distinct lineage, ? from checkpoint_books join lineage_books using (book)
     where thread_id = ?`,
    book,
    threadId,
  );
  connection.run("insert into checkpoint_books (thread_id, book) values (?, ?)", threadId, book);
  return { book, generation };
}

/** For books and generations: never the same twice. */
function nextNumber(connection: Connection): number {
  return connection.row<{ last: number }>(
    "update checkpoint_numbers set last = last + 1 returning last",
  )!.last;
}

/** The copies belong to no run: the runs stay with the thread they ran on. */
export function copyCheckpoints(connection: Connection, from: ThreadId, to: ThreadId): void {
  if (!placeOf(connection, from)) return;
  connection.run("update checkpoint_threads set book = null where thread_id = ?", from);
  connection.run(
    "insert into checkpoint_threads (thread_id, book, generation) values (?, null, ?)",
    to,
    nextNumber(connection),
  );
  connection.run(
    `insert into checkpoint_books (thread_id, book)
     select ?, book from checkpoint_books where thread_id = ?`,
    to,
    from,
  );
}

/** Everything of the thread. */
export function removeCheckpoints(connection: Connection, threadId: ThreadId): void {
  const books = booksOf(connection, threadId);
  if (books.length === 0) return;
  connection.run("delete from checkpoint_books where thread_id = ?", threadId);
  connection.run("delete from checkpoint_threads where thread_id = ?", threadId);
  dropUnused(connection, books);
}

/** What was written in the run's name, with the writes of others on its checkpoints. */
export function removeCheckpointsOfRun(
  connection: Connection,
  threadId: ThreadId,
  runId: RunId,
): void {
  const runKeys = JSON.stringify(runKeysOf(connection, runId));
  const touched = connection.rows<{ book: number }>(
    `select book from checkpoints where run_key in (select value from json_each(?1))
     union select book from checkpoint_writes where run_key in (select value from json_each(?1))`,
    runKeys,
  );
  const own = new Set(booksOf(connection, threadId));
  if (!touched.some(({ book }) => own.has(book))) return;
  ownBooks(connection, threadId);
  const books = JSON.stringify(booksOf(connection, threadId));
  const writes = connection.rows<{ texts: string | null }>(
    `delete from checkpoint_writes
     where run_key in (select value from json_each(?)) and book in (select value from json_each(?))
     returning texts`,
    runKeys,
    books,
  );
  const steps = connection.rows<{ rowid: number }>(
    `select rowid from checkpoints
     where run_key in (select value from json_each(?)) and book in (select value from json_each(?))`,
    runKeys,
    books,
  );
  removeSteps(connection, threadId, steps, textSpans(writes));
}

/** The numbers that stand for it in rows: its place in the order of creation below 0, and an older one. */
function runKeysOf(connection: Connection, runId: RunId): number[] {
  return connection
    .rows<{ run_key: number }>(
      `select -sequence as run_key from runs where run_id = ?1
       union all select run_key from checkpoint_runs where run_id = ?1`,
      runId,
    )
    .map((row) => row.run_key);
}

/** Returns how many checkpoints went. */
export function pruneCheckpoints(connection: Connection, threadId: ThreadId): number {
  ownBooks(connection, threadId);
  const rows = connection.rows<{
    rowid: number;
    namespace: string;
    checkpoint_id: PackedId;
    parent_id: PackedId | null;
    origin: number | null;
    metadata: string;
  }>(
    `select rowid, namespace, checkpoint_id, parent_id, origin, metadata from checkpoints
     where book in (select book from checkpoint_books where thread_id = ?)
     order by checkpoint_id desc, book desc`,
    threadId,
  );
  const steps = rows.map((row) => ({
    rowid: row.rowid,
    namespace: row.namespace,
    checkpointId: unpackId(row.checkpoint_id),
    parentId: row.parent_id === null ? null : unpackId(row.parent_id),
    metadata: metadataOf(connection, row),
  }));
  const kept = keepLatest(steps);
  const gone = steps.filter((step) => !kept.has(step));
  removeSteps(connection, threadId, gone, []);
  return gone.length;
}

interface RemovedStep {
  namespace: string;
  checkpoint_id: PackedId;
  spans: string;
  texts: string | null;
}

/**
 * Checkpoints with all their writes, of books that only this thread has. `freed`: spans of what was
 * removed before.
 */
function removeSteps(
  connection: Connection,
  threadId: ThreadId,
  steps: { rowid: number }[],
  freed: Span[],
): void {
  if (steps.length === 0 && freed.length === 0) return;
  const books = JSON.stringify(booksOf(connection, threadId));
  const removed = steps.flatMap(
    ({ rowid }) =>
      connection.row<RemovedStep>(
        "delete from checkpoints where rowid = ? returning namespace, checkpoint_id, spans, texts",
        rowid,
      ) ?? [],
  );
  const released = [...freed, ...removed.flatMap(({ spans }) => spansOf(JSON.parse(spans)))];
  released.push(...textSpans(removed));
  for (const { namespace, checkpoint_id: id } of removed) {
    const writes = connection.rows<{ texts: string | null }>(
      `delete from checkpoint_writes
       where book in (select value from json_each(?1)) and namespace = ?2 and checkpoint_id = ?3
         and not exists (select 1 from checkpoints
           where book in (select value from json_each(?1)) and namespace = ?2
             and checkpoint_id = ?3)
       returning texts`,
      books,
      namespace,
      id,
    );
    released.push(...textSpans(writes));
  }
  connection.run(
    "update checkpoint_threads set generation = ? where thread_id = ?",
    nextNumber(connection),
    threadId,
  );
  release(connection, released);
}

/** Deletes what of `spans` no checkpoint and no write holds. */
function release(connection: Connection, spans: Span[]): void {
  const lineages = new Set(spans.map(({ lineage }) => lineage));
  const books = connection.rows<{ book: number }>(
    `select distinct book from lineage_books where lineage in (select value from json_each(?))`,
    JSON.stringify([...lineages]),
  );
  const held = spansIn(connection, JSON.stringify(books.map(({ book }) => book)), lineages);
  for (const { lineage, first, end } of subtractSpans(spans, held)) {
    removeItems(connection, lineage, first, end);
  }
}

function removeItems(connection: Connection, lineage: LineageId, first: number, end: number): void {
  connection.run(
    `delete from lineage_items
     where item_id >= (?1 << 16) + cast(?2 as integer) and item_id < (?1 << 16) + cast(?3 as integer)`,
    lineage,
    first,
    end,
  );
}

/** Those of `books` that no thread has any more, with the items that only they hold. */
function dropUnused(connection: Connection, books: number[]): void {
  const unused = books.filter(
    (book) => !connection.row("select 1 from checkpoint_books where book = ? limit 1", book),
  );
  if (unused.length === 0) return;
  const list = JSON.stringify(unused);
  const lineages = connection.rows<{ lineage: LineageId; shared: number }>(
    `select distinct lineage, exists (
         select 1 from lineage_books as other where other.lineage = lineage_books.lineage
           and other.book not in (select value from json_each(?1))) as shared
     from lineage_books where book in (select value from json_each(?1))`,
    list,
  );
  const shared = new Set(lineages.filter((one) => one.shared).map(({ lineage }) => lineage));
  const freed = shared.size === 0 ? [] : spansIn(connection, list, shared);
  for (const table of ["checkpoints", "checkpoint_writes", "checkpoint_origins", "lineage_books"]) {
    connection.run(`delete from ${table} where book in (select value from json_each(?))`, list);
  }
  for (const { lineage } of lineages) {
    if (!shared.has(lineage)) removeItems(connection, lineage, 0, lineageLengthMax);
  }
  if (freed.length > 0) release(connection, freed);
}

function spansIn(connection: Connection, books: string, lineages: Set<LineageId>): Span[] {
  return connection
    .rows<{ spans: string }>(
      `select spans from checkpoints where book in (select value from json_each(?1))
       union all select texts from checkpoints
       where book in (select value from json_each(?1)) and texts is not null
       union all select texts from checkpoint_writes
       where book in (select value from json_each(?1)) and texts is not null`,
      books,
    )
    .flatMap((row) => spansOf(JSON.parse(row.spans)))
    .filter(({ lineage }) => lineages.has(lineage));
}

/** What rows have excerpts of. */
export function textSpans(rows: { texts: string | null }[]): Span[] {
  return rows.flatMap(({ texts }) => (texts === null ? [] : spansOf(JSON.parse(texts))));
}

/** Makes sure that nobody else has a book of the thread: where one is shared, all become one new book. */
function ownBooks(connection: Connection, threadId: ThreadId): void {
  const books = booksOf(connection, threadId);
  const shared = books.some((book) =>
    connection.row(
      "select 1 from checkpoint_books where book = ? and thread_id <> ? limit 1",
      book,
      threadId,
    ),
  );
  if (!shared) return;
  connection.run("update checkpoint_threads set book = null where thread_id = ?", threadId);
  const { book } = openPlace(connection, threadId);
  copyRows(connection, books, book);
  connection.run("delete from checkpoint_books where thread_id = ? and book <> ?", threadId, book);
  dropUnused(connection, books);
}

function copyRows(connection: Connection, books: number[], into: number): void {
  connection.run(
    "create temp table if not exists moved_origins (origin integer primary key, moved integer)",
  );
  const from = JSON.stringify(books);
  const origins = connection.rows<{ origin: number }>(
    `select distinct origin from checkpoints
     where book in (select value from json_each(?)) and origin is not null`,
    from,
  );
  for (const { origin } of origins) {
    const metadata = metadataOf(connection, { origin, metadata: "{}" });
    connection.run(
      "insert into temp.moved_origins (origin, moved) values (?, ?)",
      origin,
      originIdOf(connection, into, metadata),
    );
  }
  connection.run(
    `insert or replace into checkpoints (book, namespace, checkpoint_id, parent_id, run_key, origin,
       metadata, content, spans, texts)
     select ?, namespace, checkpoint_id, parent_id, run_key, moved, metadata, content, spans, texts
     from checkpoints left join temp.moved_origins using (origin)
     where book in (select value from json_each(?)) order by book`,
    into,
    from,
  );
  connection.run("delete from temp.moved_origins");
  connection.run(
    `insert or replace into checkpoint_writes (book, namespace, checkpoint_id, task_id, write_index,
       run_key, channel, type, bytes, texts)
     select ?, namespace, checkpoint_id, task_id, write_index, run_key, channel, type, bytes, texts
     from checkpoint_writes where book in (select value from json_each(?)) order by position`,
    into,
    from,
  );
}

export function assertNoRunInFlight(connection: Connection, threadId: ThreadId): void {
  const holder = connection.row(
    `select 1 from runs indexed by runs_in_flight
     where thread_id = ? and status in ('pending', 'running') limit 1`,
    threadId,
  );
  if (holder === undefined) return;
  throw new AdjutantError(
    "thread_busy",
    `Thread ${threadId} has a run in flight. Wait for it to finish or cancel it, then edit the state.`,
  );
}
