import { hash } from "node:crypto";
import { HeadMoved, LeaseLost, LineageTaken, SpansFreed } from "../../core/error.ts";
import type { ThreadId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import { flattenSpans, type LineageId, type Span, subtractSpans } from "../../core/lineage.ts";
import {
  isEditor,
  type CheckpointAddress,
  type CheckpointQuery,
  type CheckpointStorage,
  type CheckpointTuple,
  type NewWrite,
  type NumberedName,
  type Editor,
  type Shortened,
  type StoredCheckpoint,
  type StoredItem,
  type StoredWrite,
  type Writer,
} from "../../core/ports/checkpoints.ts";
import type { Statement } from "./batch.ts";
import { assertNoRunInFlight, pruneCheckpoints, removeCheckpoints } from "./books.ts";
import { noFlush } from "./crashes.ts";
import { codeOf, type Connection, type Database, json } from "./database.ts";
import { Filter } from "./filter.ts";
import { Group, patience } from "./group.ts";
import { throughRestart } from "./patience.ts";
import { put, putAndShorten, putWrites, shorteningValues } from "./puts.ts";
import { type TupleRow, tupleStatements, tuplesOf } from "./tuples.ts";

/** How many checkpoints a list reads at once. */
const batchSize = 10;

/** The SQLSTATE of what happens to the second who stores an item at a position. */
const uniqueViolation = "23505";

const namesByName = "select number, name from checkpoint_names where name = any($1::text[])";

interface FencedStatement {
  name: string;
  text: string;
  generation: number | null;
  values: unknown[];
}

export class PostgresCheckpoints implements CheckpointStorage {
  readonly #database: Database;
  readonly #puts: Group;
  /** Of attempts that need not wait for the disk, see crashes.ts. */
  readonly #lagging: Group;

  constructor(database: Database) {
    this.#database = database;
    const send = (statements: Statement[]) => database.batch(statements);
    this.#puts = new Group(send, { first: patience });
    this.#lagging = new Group(send, { first: noFlush });
  }

  async put(params: {
    checkpoint: StoredCheckpoint;
    texts?: Span[];
    origin: JsonObject;
    items: StoredItem[];
    generation: number | null;
    shortened?: Shortened | null;
    writer: Writer;
  }): Promise<number> {
    const { checkpoint, items, generation, shortened, writer } = params;
    const origin = Object.keys(params.origin).length > 0 ? json(params.origin) : null;
    const values: unknown[] = [
      items.map((item) => item.lineage),
      items.map((item) => item.position),
      items.map((item) => item.value.type),
      items.map((item) => item.value.bytes),
      origin === null ? null : hash("sha1", origin),
      origin,
      checkpoint.namespace,
      checkpoint.checkpointId,
      checkpoint.parentId,
      json(checkpoint.metadata),
      checkpoint.content,
      JSON.stringify(flattenSpans(checkpoint.spans)),
      packTexts(params.texts),
    ];
    if (shortened) values.push(...shorteningValues(shortened));
    const statement = shortened
      ? { name: "checkpoint_put_and_shorten", text: putAndShorten, generation, values }
      : { name: "checkpoint_put", text: put, generation, values };
    try {
      const stored = await this.#fenced(checkpoint.threadId, writer, statement, checkpoint);
      return stored.generation;
    } catch (error) {
      throw codeOf(error) === uniqueViolation ? new LineageTaken() : error;
    }
  }

  async putWrites(params: {
    address: CheckpointAddress;
    writes: NewWrite[];
    generation?: number | null;
    writer: Writer;
  }): Promise<NewWrite[]> {
    const { address, writer } = params;
    const writes = once(params.writes);
    const { stored } = await this.#fenced(address.threadId, writer, {
      name: "checkpoint_put_writes",
      text: putWrites,
      generation: params.generation ?? null,
      values: [
        address.namespace,
        address.checkpointId,
        writes.map((write) => write.taskId),
        writes.map((write) => write.index),
        writes.map((write) => write.channel),
        writes.map((write) => write.value.type),
        writes.map((write) => write.value.bytes),
        writes.map((write) => packTexts(write.texts)),
      ],
    });
    const keys = new Set(stored?.map(([index, taskId]) => `${index} ${taskId}`));
    return writes.filter((write) => keys.has(keyOf(write)));
  }

  async get(params: {
    threadId: ThreadId;
    namespace: string;
    checkpointId?: string;
  }): Promise<CheckpointTuple | null> {
    const { threadId, namespace, checkpointId } = params;
    const rows =
      checkpointId === undefined
        ? await this.#tupleRows("latest", [threadId, namespace])
        : await this.#tupleRows("one", [threadId, namespace, checkpointId]);
    const [tuple] = await this.#tuples(rows);
    return tuple ?? null;
  }

  /** Picks first and reads a few at a time, when they are asked for: nothing stays open in between. */
  async *list(query: CheckpointQuery): AsyncGenerator<CheckpointTuple> {
    const picked = await this.#picked(query);
    for (let at = 0; at < picked.length; at += batchSize) {
      const batch = picked.slice(at, at + batchSize);
      const rows = await this.#tupleRows("many", [
        batch.map((row) => row.thread_id),
        batch.map((row) => row.book),
        batch.map((row) => row.namespace),
        batch.map((row) => row.checkpoint_id),
      ]);
      yield* await this.#tuples(rows);
    }
  }

  async #tuples(rows: TupleRow[]): Promise<CheckpointTuple[]> {
    const parts = tuplesOf(rows);
    const spans = subtractSpans(
      parts.flatMap(({ texts }) => texts),
      [],
    );
    if (spans.length === 0) return parts.map(({ tuple }) => tuple);
    const texts = await this.items(spans);
    return parts.map(({ tuple, texts: own }) => ({
      ...tuple,
      texts: texts.filter(({ lineage, position }) =>
        own.some(
          (span) => span.lineage === lineage && span.first <= position && position < span.end,
        ),
      ),
    }));
  }

  /** Newest first, of each address the one that counts. The newest of each book suffice unless metadata selects. */
  #picked(
    query: CheckpointQuery,
  ): Promise<{ thread_id: string; book: number; namespace: string; checkpoint_id: string }[]> {
    const inBook = new Filter();
    inBook.add((n) => `namespace = ${n}`, query.namespace);
    inBook.add((n) => `checkpoint_id = ${n}`, query.checkpointId);
    inBook.add((n) => `checkpoint_id < ${n}`, query.before);
    const limit = query.limit ?? null;
    const perBook = inBook.parameter(query.metadata ? null : limit);
    const thread = inBook.parameter(query.threadId ?? null);
    const metadata = inBook.parameter(query.metadata ? json(query.metadata) : null);
    const all = inBook.parameter(limit);
    return this.#database.rows(
      `with found as (
         select distinct on (checkpoint_id, thread_id, namespace) thread_id, newest.*
         from checkpoint_books as own cross join lateral (
           select * from (select * from checkpoints where book = own.book) as stored
           ${inBook.where} order by checkpoint_id desc limit ${perBook}) as newest
         where ${thread}::text is null or thread_id = ${thread}
         order by checkpoint_id desc, thread_id, namespace, newest.book desc)
       select thread_id, found.book, namespace, checkpoint_id
       from found left join checkpoint_origins as origin
         on origin.book = found.book and origin.digest = found.origin
       where ${metadata}::jsonb is null
         or coalesce(origin.metadata, '{}') || found.metadata @> ${metadata}::jsonb
       order by checkpoint_id desc, thread_id, namespace limit ${all}`,
      inBook.values,
    );
  }

  async items(spans: Span[]): Promise<StoredItem[]> {
    const rows = await this.#read<{
      lineage: LineageId;
      position: number;
      type: string;
      bytes: Uint8Array;
    }>(
      `select item.lineage, item.position, item.type, item.bytes
       from unnest($1::bigint[], $2::integer[], $3::integer[]) with ordinality
           as span (lineage, first, behind, place)
         join lineage_items as item on item.lineage = span.lineage
           and item.position >= span.first and item.position < span.behind
       order by span.place, item.position`,
      [
        spans.map(({ lineage }) => lineage),
        spans.map(({ first }) => first),
        spans.map(({ end }) => end),
      ],
      "lineage_items_read",
    );
    return rows.map(({ lineage, position, type, bytes }) => ({
      lineage,
      position,
      value: { type, bytes },
    }));
  }

  async numbersOf(names: string[]): Promise<NumberedName[]> {
    const known = await this.#read<NumberedName>(namesByName, [names]);
    if (known.length === names.length) return known;
    // A number that another server takes at this moment is not seen by the statement that met it.
    await this.#database.rows(
      // In order: two servers that meet new names at once wait for each other only one way.
      `insert into checkpoint_names (name) select name from unnest($1::text[]) as given (name)
       order by name collate "C" on conflict do nothing`,
      [names],
    );
    return this.#database.rows<NumberedName>(namesByName, [names]);
  }

  async namesOf(numbers: number[]): Promise<NumberedName[]> {
    return this.#read<NumberedName>(
      "select number, name from checkpoint_names where number = any($1::bigint[])",
      [numbers],
    );
  }

  async head(threadId: ThreadId): Promise<{ checkpointId: string; runId: string | null } | null> {
    const [row] = await this.#database.rows<{ checkpoint_id: string; run_id: string | null }>(
      `select checkpoint_id, runs.run_id
       from checkpoint_books as own cross join lateral (
         select * from checkpoints where book = own.book and namespace = ''
         order by checkpoint_id desc limit 1) as latest
         left join runs on runs.run_id = latest.run_id and runs.thread_id = $1
       where own.thread_id = $1 order by checkpoint_id desc, latest.book desc limit 1`,
      [threadId],
      "checkpoint_head",
    );
    return row ? { checkpointId: row.checkpoint_id, runId: row.run_id } : null;
  }

  async prune({ threadId }: { threadId: ThreadId; keep: "latest" }): Promise<number> {
    return this.#database.transaction(async (connection) => {
      await assertNoRunInFlight(connection, threadId);
      return pruneCheckpoints(connection, threadId);
    });
  }

  async deleteThread(threadId: ThreadId): Promise<void> {
    await this.#database.transaction((connection) => removeCheckpoints(connection, threadId));
  }

  #tupleRows(which: keyof typeof tupleStatements, values: unknown[]): Promise<TupleRow[]> {
    return this.#read<TupleRow>(tupleStatements[which], values, `checkpoint_tuples_${which}`);
  }

  #read<Row extends object>(text: string, values: unknown[], name?: string): Promise<Row[]> {
    return throughRestart(() => this.#database.rows<Row>(text, values, name));
  }

  /** Runs a statement that begins with `fence`. */
  #fenced(
    threadId: ThreadId,
    writer: Writer,
    statement: FencedStatement,
    checkpoint?: StoredCheckpoint,
  ): Promise<Outcome> {
    if (!isEditor(writer)) {
      const puts = writer?.mayLag ? this.#lagging : this.#puts;
      return this.#tried(puts, threadId, writer, statement);
    }
    return this.#database.transaction(async (connection) => {
      await assertNoRunInFlight(connection, threadId);
      if (writer === "extension" && checkpoint) await checkLatest(connection, checkpoint);
      return this.#tried(connection, threadId, null, statement);
    });
  }

  async #tried(
    connection: Connection | Group,
    threadId: ThreadId,
    writer: Exclude<Writer, Editor>,
    { name, text, generation, values }: FencedStatement,
  ): Promise<Outcome> {
    const fenced = [writer?.runId ?? null, writer?.attempt ?? null, threadId, generation];
    const store = () =>
      connection.rows<Omit<Outcome, "generation"> & { held: boolean; generation: number | null }>(
        text,
        [...fenced, ...values],
        name,
      );
    // Done twice, a checkpoint meets its own items (LineageTaken) and is stored upon new ones; writes stay.
    const [row] = await (writer ? throughRestart(store) : store());
    if (!row!.held) throw new LeaseLost(writer?.runId ?? "", writer?.attempt ?? 0);
    const { generation: own, stored } = row!;
    if (own === null) throw new SpansFreed(threadId);
    return { generation: own, ...(stored && { stored }) };
  }
}

interface Outcome {
  /** Of the thread. */
  generation: number;
  /** Of writes: which were stored. */
  stored?: [index: number, taskId: string][];
}

/** The thread's row is locked: nobody else edits meanwhile. */
async function checkLatest(
  connection: Connection,
  { threadId, namespace, parentId }: StoredCheckpoint,
): Promise<void> {
  const [latest] = await connection.rows<{ checkpoint_id: string }>(
    `select checkpoint_id
     from checkpoint_books as own cross join lateral (
       select checkpoint_id from checkpoints where book = own.book and namespace = $2
       order by checkpoint_id desc limit 1) as latest
     where own.thread_id = $1 order by checkpoint_id desc limit 1`,
    [threadId, namespace],
    "checkpoint_latest",
  );
  if ((latest?.checkpoint_id ?? null) !== parentId) throw new HeadMoved(threadId);
}

/** One write per task and index, since one statement cannot touch a row twice: special ones the last. */
function once(writes: NewWrite[]): NewWrite[] {
  const kept = new Map<string, NewWrite>();
  for (const write of writes) {
    const key = keyOf(write);
    if (write.index < 0 || !kept.has(key)) kept.set(key, write);
  }
  return [...kept.values()];
}

function packTexts(texts: Span[] | undefined): string | null {
  return texts && texts.length > 0 ? JSON.stringify(flattenSpans(texts)) : null;
}

function keyOf({ index, taskId }: StoredWrite): string {
  return `${index} ${taskId}`;
}
