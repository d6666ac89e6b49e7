import type { ThreadId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import { type Span, spansOf } from "../../core/lineage.ts";
import type { CheckpointTuple } from "../../core/ports/checkpoints.ts";

/** A checkpoint and its pending writes come as rows of one statement: one round trip, one snapshot. */
export type TupleRow = Address & (CheckpointPart | WritePart);

interface Address {
  thread_id: ThreadId;
  namespace: string;
  checkpoint_id: string;
  /** What the row has excerpts of, as spans. */
  texts: number[] | null;
}

interface CheckpointPart {
  part: "checkpoint";
  parent_id: string | null;
  metadata: JsonObject;
  content: string;
  spans: number[];
  generation: number;
}

interface WritePart {
  part: "write";
  channel: string;
  task_id: string;
  write_index: number;
  type: string;
  bytes: Uint8Array;
}

/**
 * `offset 0` keeps the writes of a checkpoint a query of its own, which its key answers: as a join, the planner
 * may look through all writes of the book for each (for ten checkpoints of a thread of 500 turns 3.9 ms instead of 0.4).
 */
function statement(picked: string): string {
  return `
    with picked as materialized (${picked})
    select 'checkpoint' as part, picked.thread_id, namespace, checkpoint_id, parent_id,
      coalesce(origin.metadata, '{}') || picked.metadata as metadata, content, spans,
      place.generation, null as channel, null as task_id, null::integer as write_index,
      null as type, null::bytea as bytes, texts
    from picked join checkpoint_threads as place using (thread_id)
      left join checkpoint_origins as origin
        on origin.book = picked.book and origin.digest = picked.origin
    union all
    (select distinct on (picked.thread_id, picked.namespace, picked.checkpoint_id,
         stored.task_id, stored.write_index)
       'write', picked.thread_id, picked.namespace, picked.checkpoint_id, null, null, null, null,
       null::bigint, stored.channel, stored.task_id, stored.write_index, stored.type, stored.bytes, stored.texts
     from picked join checkpoint_books as own on own.thread_id = picked.thread_id
       cross join lateral (
         select * from checkpoint_writes where book = own.book
           and namespace = picked.namespace and checkpoint_id = picked.checkpoint_id
         offset 0) as stored
     order by picked.thread_id, picked.namespace, picked.checkpoint_id, stored.task_id,
       stored.write_index, stored.position desc)
    order by part, checkpoint_id desc, thread_id, namespace, task_id, write_index`;
}

export const tupleStatements = {
  /** Of thread $1, namespace $2. */
  latest: statement(
    `select thread_id, latest.* from checkpoint_books as own cross join lateral (
       select * from checkpoints where book = own.book and namespace = $2
       order by checkpoint_id desc limit 1) as latest
     where thread_id = $1 order by checkpoint_id desc, latest.book desc limit 1`,
  ),
  /** Of thread $1, namespace $2, with id $3. */
  one: statement(
    `select thread_id, checkpoints.* from checkpoint_books join checkpoints using (book)
     where thread_id = $1 and namespace = $2 and checkpoint_id = $3
     order by checkpoints.book desc limit 1`,
  ),
  /** Of threads $1, books $2, namespaces $3, with ids $4. */
  many: statement(
    `select wanted.thread_id, checkpoints.*
     from unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
         as wanted (thread_id, book, namespace, checkpoint_id)
       join checkpoints using (book, namespace, checkpoint_id)`,
  ),
};

/**
 * In the order of their checkpoint rows, which come before all others. Without their texts: `texts` says
 * which they are.
 */
export function tuplesOf(rows: TupleRow[]): { tuple: CheckpointTuple; texts: Span[] }[] {
  const tuples = new Map<string, { tuple: CheckpointTuple; texts: Span[] }>();
  for (const row of rows) {
    const key = JSON.stringify([row.thread_id, row.namespace, row.checkpoint_id]);
    const texts = row.texts === null ? [] : spansOf(row.texts);
    if (row.part === "checkpoint") {
      const tuple = {
        threadId: row.thread_id,
        namespace: row.namespace,
        checkpointId: row.checkpoint_id,
        parentId: row.parent_id,
        content: row.content,
        spans: spansOf(row.spans),
        metadata: row.metadata,
        writes: [],
        texts: [],
        generation: row.generation,
      };
      tuples.set(key, { tuple, texts });
    } else {
      const { task_id: taskId, write_index: index, channel, type, bytes } = row;
      const known = tuples.get(key)!;
      known.tuple.writes.push({ taskId, index, channel, value: { type, bytes } });
      known.texts.push(...texts);
    }
  }
  return [...tuples.values()];
}
