import { HeadMoved, LeaseLost, LineageTaken, SpansFreed } from "../../core/error.ts";
import type { ThreadId } from "../../core/ids.ts";
import { contains, type JsonObject } from "../../core/json.ts";
import { flattenSpans, type Span } from "../../core/lineage.ts";
import {
  isEditor,
  type CheckpointAddress,
  type CheckpointQuery,
  type CheckpointStorage,
  type CheckpointTuple,
  type NewWrite,
  type NumberedName,
  type Shortened,
  type StoredCheckpoint,
  type StoredItem,
  type StoredWrite,
  type Writer,
} from "../../core/ports/checkpoints.ts";
import { assertNoRunInFlight, openPlace, pruneCheckpoints, removeCheckpoints } from "./books.ts";
import type { Connection } from "./connection.ts";
import { originIdOf, packMetadata } from "./origins.ts";
import { type PackedId, packId, unpackId } from "./packed-id.ts";
import { type CheckpointRow, itemsOf, pick, type Picked, tupleOf } from "./tuples.ts";

export class SqliteCheckpoints implements CheckpointStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
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
    const { checkpoint, origin, items, shortened, writer } = params;
    const metadata = packMetadata(checkpoint.metadata);
    return this.#connection.transaction(() => {
      const runKey = this.#checkWriter(checkpoint.threadId, writer);
      if (writer === "extension") this.#checkLatest(checkpoint);
      const { book, generation } = openPlace(this.#connection, checkpoint.threadId);
      if (params.generation !== null && params.generation !== generation) {
        throw new SpansFreed(checkpoint.threadId);
      }
      for (const item of items) this.#putItem(item, book);
      this.#connection.run(
        `insert into checkpoints (book, namespace, checkpoint_id, parent_id, run_key, origin,
           metadata, content, spans, texts)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (book, namespace, checkpoint_id) do update set
           parent_id = excluded.parent_id, run_key = excluded.run_key, origin = excluded.origin,
           metadata = excluded.metadata, content = excluded.content, spans = excluded.spans,
           texts = excluded.texts`,
        book,
        checkpoint.namespace,
        packId(checkpoint.checkpointId),
        checkpoint.parentId === null ? null : packId(checkpoint.parentId),
        runKey,
        originIdOf(this.#connection, book, origin),
        metadata,
        checkpoint.content,
        JSON.stringify(flattenSpans(checkpoint.spans)),
        packTexts(params.texts),
      );
      if (shortened) this.#shorten(checkpoint, shortened, { book, runKey: runKey ?? 0 });
      return generation;
    });
  }

  /** Rows of the open book only: a copy of the thread holds no later items. */
  #shorten(
    { namespace }: StoredCheckpoint,
    { checkpointId, content, writes }: Shortened,
    { book, runKey }: { book: number; runKey: number },
  ): void {
    const id = packId(checkpointId);
    if (content) {
      this.#connection.run(
        `update checkpoints set content = ?, texts = ?
         where book = ? and namespace = ? and checkpoint_id = ?`,
        content.content,
        JSON.stringify(flattenSpans(content.texts)),
        book,
        namespace,
        id,
      );
    }
    for (const { taskId, index, value, texts } of writes) {
      this.#connection.run(
        `update checkpoint_writes set type = ?, bytes = ?, texts = ?
         where book = ? and namespace = ? and checkpoint_id = ? and task_id = ? and write_index = ?
           and run_key = ?`,
        value.type,
        value.bytes,
        JSON.stringify(flattenSpans(texts)),
        book,
        namespace,
        id,
        packId(taskId),
        index,
        runKey,
      );
    }
  }

  #putItem({ lineage, position, value }: StoredItem, book: number): void {
    const added = this.#connection.run(
      `insert into lineage_items (item_id, type, bytes)
       values ((?1 << 16) + cast(?2 as integer), ?3, ?4) on conflict do nothing`,
      lineage,
      position,
      value.type,
      value.bytes,
    );
    if (added === 0) throw new LineageTaken();
    if (position > 0) return;
    this.#connection.run(
      "insert or ignore into lineage_books (lineage, book) values (?, ?)",
      lineage,
      book,
    );
  }

  async putWrites(params: {
    address: CheckpointAddress;
    writes: NewWrite[];
    generation?: number | null;
    writer: Writer;
  }): Promise<NewWrite[]> {
    const { address, writes, writer } = params;
    return this.#connection.transaction(() => {
      const runKey = this.#checkWriter(address.threadId, writer) ?? 0;
      const { book, generation } = openPlace(this.#connection, address.threadId);
      if ((params.generation ?? generation) !== generation) throw new SpansFreed(address.threadId);
      return writes.filter((write) => this.#putWrite(address, write, { book, runKey }));
    });
  }

  /**
   * A special write of another run is hidden rather than overwritten, so that it comes back when this
   * run is rolled back. False when an ordinary one is there already.
   */
  #putWrite(
    address: CheckpointAddress,
    write: NewWrite,
    { book, runKey }: { book: number; runKey: number },
  ): boolean {
    if (write.index >= 0 && this.#hasWrite(address, write)) return false;
    this.#connection.run(
      `insert or replace into checkpoint_writes (book, namespace, checkpoint_id, task_id,
         write_index, run_key, channel, type, bytes, texts)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      book,
      address.namespace,
      packId(address.checkpointId),
      packId(write.taskId),
      write.index,
      runKey,
      write.channel,
      write.value.type,
      write.value.bytes,
      packTexts(write.texts),
    );
    return true;
  }

  #hasWrite(address: CheckpointAddress, write: StoredWrite): boolean {
    const row = this.#connection.row(
      `select 1 from checkpoint_books cross join checkpoint_writes as stored
       where thread_id = ? and stored.book = checkpoint_books.book and namespace = ?
         and checkpoint_id = ? and task_id = ? and write_index = ? limit 1`,
      address.threadId,
      address.namespace,
      packId(address.checkpointId),
      packId(write.taskId),
      write.index,
    );
    return row !== undefined;
  }

  async get(params: {
    threadId: ThreadId;
    namespace: string;
    checkpointId?: string;
  }): Promise<CheckpointTuple | null> {
    return this.#connection.seen(() => this.#read(params));
  }

  #read(params: {
    threadId: ThreadId;
    namespace: string;
    checkpointId?: string;
  }): CheckpointTuple | null {
    const { threadId, namespace, checkpointId } = params;
    const row =
      checkpointId === undefined
        ? this.#connection.row<CheckpointRow>(
            `select checkpoints.* from checkpoint_books cross join checkpoints
             where thread_id = ?1 and checkpoints.rowid = (
               select rowid from checkpoints as latest
               where latest.book = checkpoint_books.book and namespace = ?2
               order by checkpoint_id desc limit 1)
             order by checkpoint_id desc, checkpoints.book desc limit 1`,
            threadId,
            namespace,
          )
        : this.#connection.row<CheckpointRow>(
            `select checkpoints.* from checkpoint_books cross join checkpoints
             where thread_id = ? and checkpoints.book = checkpoint_books.book and namespace = ?
               and checkpoint_id = ?
             order by checkpoints.book desc limit 1`,
            threadId,
            namespace,
            packId(checkpointId),
          );
    return row ? tupleOf(this.#connection, threadId, row) : null;
  }

  /** Picks first and reads each when it is asked for: no statement stays open across an await. */
  async *list(query: CheckpointQuery): AsyncGenerator<CheckpointTuple> {
    const wanted = query.metadata;
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    for (const one of await this.#connection.seen(() => pick(this.#connection, query))) {
      if (left <= 0) return;
      const tuple = await this.#connection.seen(() => this.#readPicked(one));
      if (!tuple || (wanted && !contains(tuple.metadata, wanted))) continue;
      left -= 1;
      yield tuple;
    }
  }

  /** By its address: the number of a row that went may be that of another by now. */
  #readPicked(one: Picked): CheckpointTuple | null {
    const row = this.#connection.row<CheckpointRow>(
      "select * from checkpoints where book = ? and namespace = ? and checkpoint_id = ?",
      one.book,
      one.namespace,
      packId(one.checkpointId),
    );
    return row ? tupleOf(this.#connection, one.threadId, row) : this.#read(one);
  }

  async items(spans: Span[]): Promise<StoredItem[]> {
    return this.#connection.seen(() => spans.flatMap((span) => itemsOf(this.#connection, span)));
  }

  async numbersOf(names: string[]): Promise<NumberedName[]> {
    const given = JSON.stringify(names);
    return this.#connection.transaction(() => {
      this.#connection.run(
        "insert or ignore into checkpoint_names (name) select value from json_each(?)",
        given,
      );
      return this.#connection.rows<NumberedName>(
        "select number, name from checkpoint_names where name in (select value from json_each(?))",
        given,
      );
    });
  }

  async namesOf(numbers: number[]): Promise<NumberedName[]> {
    return this.#connection.seen(() =>
      this.#connection.rows<NumberedName>(
        "select number, name from checkpoint_names where number in (select value from json_each(?))",
        JSON.stringify(numbers),
      ),
    );
  }

  async head(threadId: ThreadId): Promise<{ checkpointId: string; runId: string | null } | null> {
    const row = await this.#connection.seen(() => this.#head(threadId));
    return row ? { checkpointId: unpackId(row.checkpoint_id), runId: row.run_id } : null;
  }

  #head(threadId: ThreadId): { checkpoint_id: PackedId; run_id: string | null } | undefined {
    return this.#connection.row(
      `select checkpoint_id, runs.run_id
       from checkpoint_books cross join checkpoints
         left join checkpoint_runs using (run_key)
         left join runs as older on older.run_id = checkpoint_runs.run_id
         left join runs on runs.sequence = coalesce(older.sequence, -run_key)
           and runs.thread_id = ?1
       where checkpoint_books.thread_id = ?1 and checkpoints.rowid = (
         select rowid from checkpoints as latest
         where latest.book = checkpoint_books.book and namespace = ''
         order by checkpoint_id desc limit 1)
       order by checkpoint_id desc, checkpoints.book desc limit 1`,
      threadId,
    );
  }

  async prune({ threadId }: { threadId: ThreadId; keep: "latest" }): Promise<number> {
    return this.#connection.transaction(() => {
      assertNoRunInFlight(this.#connection, threadId);
      return pruneCheckpoints(this.#connection, threadId);
    });
  }

  async deleteThread(threadId: ThreadId): Promise<void> {
    this.#connection.transaction(() => removeCheckpoints(this.#connection, threadId));
  }

  /** Returns the number that stands for the writer's run. */
  #checkWriter(threadId: ThreadId, writer: Writer): number | null {
    if (writer === null) return null;
    if (isEditor(writer)) {
      assertNoRunInFlight(this.#connection, threadId);
      return null;
    }
    const held = this.#connection.row<{ sequence: number }>(
      "select sequence from runs where run_id = ? and attempt = ? and status = 'running'",
      writer.runId,
      writer.attempt,
    );
    if (held === undefined) throw new LeaseLost(writer.runId, writer.attempt);
    return -held.sequence;
  }

  #checkLatest({ threadId, namespace, parentId }: StoredCheckpoint): void {
    const latest = this.#connection.row<{ checkpoint_id: PackedId }>(
      `select checkpoint_id from checkpoint_books cross join checkpoints
       where thread_id = ?1 and checkpoints.rowid = (
         select rowid from checkpoints as latest
         where latest.book = checkpoint_books.book and namespace = ?2
         order by checkpoint_id desc limit 1)
       order by checkpoint_id desc limit 1`,
      threadId,
      namespace,
    );
    if ((latest ? unpackId(latest.checkpoint_id) : null) !== parentId)
      throw new HeadMoved(threadId);
  }
}

function packTexts(texts: Span[] | undefined): string | null {
  return texts && texts.length > 0 ? JSON.stringify(flattenSpans(texts)) : null;
}
