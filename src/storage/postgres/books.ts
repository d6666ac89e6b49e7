import { AdjutantError } from "../../core/error.ts";
import type { RunId, ThreadId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import {
  keepLatest,
  type LineageId,
  type Span,
  spansOf,
  subtractSpans,
} from "../../core/lineage.ts";
import type { TransactionConnection } from "./database.ts";
import { lockThread } from "./lock.ts";

/**
 * A thread's checkpoints and writes lie in books, which threads share: to copy a thread is to give its
 * books to the copy. From then on these books are closed, and each of the two goes on in a book of
 * its own. What a thread has is what all its books have; where two have the same, the later counts.
 *
 * All functions work within the caller's transaction. Whoever writes a checkpoint holds the thread's
 * row in `checkpoint_threads` for share, whoever frees items holds it for update: no checkpoint names
 * an item while it is being freed.
 */

/** The row of its place locked for update. */
function lockPlace(connection: TransactionConnection, threadId: ThreadId): void {
  connection.run(
    "select 1 from checkpoint_threads where thread_id = $1 for update",
    [threadId],
    "checkpoint_place_lock",
  );
}

async function booksOf(connection: TransactionConnection, threadId: ThreadId): Promise<number[]> {
  const rows = await connection.rows<{ book: number }>(
    "select book from checkpoint_books where thread_id = $1 order by book",
    [threadId],
  );
  return rows.map(({ book }) => book);
}

/** The copies belong to no run: the runs stay with the thread they ran on. */
export async function copyCheckpoints(
  connection: TransactionConnection,
  from: ThreadId,
  to: ThreadId,
): Promise<void> {
  const closed = await connection.rows(
    "update checkpoint_threads set book = null where thread_id = $1 returning 1",
    [from],
  );
  if (closed.length === 0) return;
  await connection.rows(
    `insert into checkpoint_threads (thread_id, book, generation)
     values ($1, null, nextval('checkpoint_numbers'))`,
    [to],
  );
  await connection.rows(
    `insert into checkpoint_books (thread_id, book)
     select $1, book from checkpoint_books where thread_id = $2`,
    [to, from],
  );
}

/** Everything of the thread. */
export async function removeCheckpoints(
  connection: TransactionConnection,
  threadId: ThreadId,
): Promise<void> {
  lockPlace(connection, threadId);
  const rows = await connection.rows<{
    shared: LineageId[];
    spans: number[];
    texts: Texts["texts"];
  }>(removal, [threadId], "checkpoints_remove");
  const shared = new Set(rows[0]?.shared);
  const spans = rows.flatMap((row) => [...spansOf(row.spans), ...textSpans([row])]);
  const freed = spans.filter(({ lineage }) => shared.has(lineage));
  if (freed.length > 0) await release(connection, freed);
}

/**
 * The books of thread $1, those that no other thread has with all they hold, and the items that only
 * they hold. Of lineages that others hold parts of: what the removed rows held, for `release`.
 */
const removal = `
  with place as (delete from checkpoint_threads where thread_id = $1),
  own as (delete from checkpoint_books where thread_id = $1 returning book),
  unused as (
    select book from own where not exists (
      select 1 from checkpoint_books as other
      where other.book = own.book and other.thread_id <> $1)),
  origins as (
    delete from checkpoint_origins where book = any(array(select book from unused))),
  lineages as (
    delete from lineage_books where book = any(array(select book from unused)) returning lineage),
  shared as (
    select distinct lineage from lineages where exists (
      select 1 from lineage_books as other where other.lineage = lineages.lineage
        and other.book <> all(array(select book from unused)))),
  items as (
    delete from lineage_items where lineage = any(array(
      select lineage from lineages except select lineage from shared))),
  steps as (
    delete from checkpoints where book = any(array(select book from unused)) returning spans, texts),
  writes as (
    delete from checkpoint_writes where book = any(array(select book from unused)) returning texts)
  select (select json_agg(lineage) from shared) as shared, spans, texts
  from (select spans, texts from steps union all select '[]', texts from writes) as held
  where exists (select 1 from shared)`;

/** What was written in the run's name, with the writes of others on its checkpoints. */
export async function removeCheckpointsOfRun(
  connection: TransactionConnection,
  threadId: ThreadId,
  runId: RunId,
): Promise<void> {
  const touched = await connection.rows(
    `select 1 from checkpoint_books join checkpoints using (book)
     where thread_id = $1 and run_id = $2
     union all
     select 1 from checkpoint_books join checkpoint_writes using (book)
     where thread_id = $1 and run_id = $2
     limit 1`,
    [threadId, runId],
  );
  if (touched.length === 0) return;
  lockPlace(connection, threadId);
  await ownBooks(connection, threadId);
  const books = await booksOf(connection, threadId);
  const writes = await connection.rows<Texts>(
    "delete from checkpoint_writes where run_id = $1 and book = any($2::bigint[]) returning texts",
    [runId, books],
  );
  const steps = await connection.rows<StepKey>(
    `select book, namespace, checkpoint_id from checkpoints
     where run_id = $1 and book = any($2::bigint[])`,
    [runId, books],
  );
  await removeSteps(connection, threadId, steps, textSpans(writes));
}

/** Returns how many checkpoints went. */
export async function pruneCheckpoints(
  connection: TransactionConnection,
  threadId: ThreadId,
): Promise<number> {
  lockPlace(connection, threadId);
  await ownBooks(connection, threadId);
  const rows = await connection.rows<StepKey & { parent_id: string | null; metadata: JsonObject }>(
    `select stored.book, namespace, checkpoint_id, parent_id,
       coalesce(origin.metadata, '{}') || stored.metadata as metadata
     from checkpoint_books as own join checkpoints as stored on stored.book = own.book
       left join checkpoint_origins as origin
         on origin.book = stored.book and origin.digest = stored.origin
     where thread_id = $1
     order by checkpoint_id desc, stored.book desc`,
    [threadId],
  );
  const steps = rows.map((row) => ({
    ...row,
    checkpointId: row.checkpoint_id,
    parentId: row.parent_id,
  }));
  const kept = keepLatest(steps);
  const gone = steps.filter((step) => !kept.has(step));
  await removeSteps(connection, threadId, gone, []);
  return gone.length;
}

interface StepKey {
  book: number;
  namespace: string;
  checkpoint_id: string;
}

/**
 * Checkpoints with all their writes, of books that only this thread has. `freed`: spans of what was
 * removed before.
 */
async function removeSteps(
  connection: TransactionConnection,
  threadId: ThreadId,
  steps: StepKey[],
  freed: Span[],
): Promise<void> {
  if (steps.length === 0 && freed.length === 0) return;
  const keys = [
    steps.map(({ book }) => book),
    steps.map(({ namespace }) => namespace),
    steps.map(({ checkpoint_id: id }) => id),
  ];
  const removed = await connection.rows<Texts & { spans: number[] }>(
    `delete from checkpoints as stored
     using unnest($1::bigint[], $2::text[], $3::text[]) as gone (book, namespace, checkpoint_id)
     where stored.book = gone.book and stored.namespace = gone.namespace
       and stored.checkpoint_id = gone.checkpoint_id
     returning spans, texts`,
    keys,
  );
  const writes = await connection.rows<Texts>(
    `delete from checkpoint_writes as stored
     using checkpoint_books as own, unnest($2::text[], $3::text[]) as gone (namespace, checkpoint_id)
     where own.thread_id = $1 and stored.book = own.book and stored.namespace = gone.namespace
       and stored.checkpoint_id = gone.checkpoint_id
       and not exists (
         select 1 from checkpoint_books join checkpoints using (book)
         where thread_id = $1 and checkpoints.namespace = gone.namespace
           and checkpoints.checkpoint_id = gone.checkpoint_id)
     returning texts`,
    [threadId, keys[1], keys[2]],
  );
  await connection.rows(
    `update checkpoint_threads set generation = nextval('checkpoint_numbers') where thread_id = $1`,
    [threadId],
  );
  const held = removed.flatMap(({ spans }) => spansOf(spans));
  await release(connection, [...freed, ...held, ...textSpans(removed), ...textSpans(writes)]);
}

/** Deletes what of `spans` no checkpoint and no write holds. */
async function release(connection: TransactionConnection, spans: Span[]): Promise<void> {
  const lineages = new Set(spans.map(({ lineage }) => lineage));
  const rows = await connection.rows<{ book: number }>(
    "select distinct book from lineage_books where lineage = any($1::bigint[])",
    [[...lineages]],
  );
  const books = rows.map(({ book }) => book);
  const held = await spansIn(connection, books, lineages);
  const freed = subtractSpans(spans, held);
  await connection.rows(
    `delete from lineage_items as item
     using unnest($1::bigint[], $2::integer[], $3::integer[]) as freed (lineage, first, behind)
     where item.lineage = freed.lineage and item.position >= freed.first
       and item.position < freed.behind`,
    [
      freed.map(({ lineage }) => lineage),
      freed.map(({ first }) => first),
      freed.map(({ end }) => end),
    ],
  );
}

/** Those of `books` that no thread has any more, with the items that only they hold. */
async function dropUnused(connection: TransactionConnection, books: number[]): Promise<void> {
  const rows = await connection.rows<{ book: number }>(
    `select given.book from unnest($1::bigint[]) as given (book)
     where not exists (select 1 from checkpoint_books where checkpoint_books.book = given.book)`,
    [books],
  );
  if (rows.length === 0) return;
  const unused = rows.map(({ book }) => book);
  const lineages = await connection.rows<{ lineage: LineageId; shared: boolean }>(
    `select distinct lineage, exists (
         select 1 from lineage_books as other where other.lineage = lineage_books.lineage
           and other.book <> all($1::bigint[])) as shared
     from lineage_books where book = any($1::bigint[])`,
    [unused],
  );
  const shared = new Set(lineages.filter((one) => one.shared).map(({ lineage }) => lineage));
  const freed = shared.size === 0 ? [] : await spansIn(connection, unused, shared);
  for (const table of ["checkpoints", "checkpoint_writes", "checkpoint_origins", "lineage_books"]) {
    await connection.rows(`delete from ${table} where book = any($1::bigint[])`, [unused]);
  }
  await connection.rows("delete from lineage_items where lineage = any($1::bigint[])", [
    lineages.filter((one) => !one.shared).map(({ lineage }) => lineage),
  ]);
  if (freed.length > 0) await release(connection, freed);
}

async function spansIn(
  connection: TransactionConnection,
  books: number[],
  lineages: Set<LineageId>,
): Promise<Span[]> {
  const rows = await connection.rows<{ spans: number[] }>(
    `select spans from checkpoints where book = any($1::bigint[])
     union all select texts from checkpoints where book = any($1::bigint[]) and texts is not null
     union all select texts from checkpoint_writes
     where book = any($1::bigint[]) and texts is not null`,
    [books],
  );
  return rows.flatMap((row) => spansOf(row.spans)).filter(({ lineage }) => lineages.has(lineage));
}

interface Texts {
  texts: number[] | null;
}

/** What rows have excerpts of. */
function textSpans(rows: Texts[]): Span[] {
  return rows.flatMap(({ texts }) => (texts === null ? [] : spansOf(texts)));
}

/** Makes sure that nobody else has a book of the thread: where one is shared, all become one new book. */
async function ownBooks(connection: TransactionConnection, threadId: ThreadId): Promise<void> {
  const shared = await connection.rows(
    `select 1 from checkpoint_books as own join checkpoint_books as other using (book)
     where own.thread_id = $1 and other.thread_id <> $1 limit 1`,
    [threadId],
  );
  if (shared.length === 0) return;
  const books = await booksOf(connection, threadId);
  connection.run("update checkpoint_threads set book = null where thread_id = $1", [threadId]);
  const [place] = await connection.rows<{ book: number }>(
    "select own_book as book from open_place($1)",
    [threadId],
  );
  const { book } = place!;
  for (const copy of copyRows) connection.run(copy, [book, books]);
  connection.run("delete from checkpoint_books where thread_id = $1 and book <> $2", [
    threadId,
    book,
  ]);
  await dropUnused(connection, books);
}

/** The rows of books $2 into book $1; of those that have the same key the later. */
const copyRows = [
  `insert into checkpoint_origins (book, digest, metadata)
   select distinct on (digest) $1::bigint, digest, metadata from checkpoint_origins
   where book = any($2::bigint[])`,
  `insert into checkpoints (book, namespace, checkpoint_id, parent_id, run_id, origin, metadata,
     content, spans, texts)
   select distinct on (namespace, checkpoint_id) $1::bigint, namespace, checkpoint_id, parent_id,
     run_id, origin, metadata, content, spans, texts
   from checkpoints where book = any($2::bigint[])
   order by namespace, checkpoint_id, book desc`,
  `insert into checkpoint_writes (position, book, namespace, checkpoint_id, task_id, write_index,
     run_id, channel, type, bytes, texts)
   select distinct on (namespace, checkpoint_id, task_id, write_index, run_id)
     position, $1::bigint, namespace, checkpoint_id, task_id, write_index, run_id, channel, type,
     bytes, texts
   from checkpoint_writes where book = any($2::bigint[])
   order by namespace, checkpoint_id, task_id, write_index, run_id, position desc`,
];

/** With the thread locked, so that none begins before the transaction ends. */
export async function assertNoRunInFlight(
  connection: TransactionConnection,
  threadId: ThreadId,
): Promise<void> {
  await lockThread(connection, threadId);
  const inFlight = await connection.rows(
    "select 1 from runs where thread_id = $1 and status in ('pending', 'running') limit 1",
    [threadId],
  );
  if (inFlight.length === 0) return;
  throw new AdjutantError(
    "thread_busy",
    `Thread ${threadId} has a run in flight. Wait for it to finish or cancel it, then edit the state.`,
  );
}
