import { flattenSpans } from "../../core/lineage.ts";
import type { Shortened } from "../../core/ports/checkpoints.ts";

/**
 * The row `fence` is there when the attempt $1, $2 holds its run (or $1 is null), and then the run's
 * row is locked until the statement is done: no other attempt takes it over in between. `place` is
 * the book of thread $3, which is opened when there is none, in generation $4. What is written is
 * selected from `place`, so that check and write are one round trip.
 */
const fence = `
  held as (
    select 1 from runs where run_id = $1 and attempt = $2 and status = 'running' for share),
  fence as (
    select $3 as thread_id where $1::text is null union all select $3 from held),
  place as materialized (
    select own_book as book, own_generation as generation
    from fence cross join lateral open_place(fence.thread_id)
    where $4::bigint is null or own_generation = $4)`;

const outcome = `
  select exists (select 1 from fence) as held, (select generation from place) as generation`;

const putCommon = `
  with ${fence},
  stored_items as (
    insert into lineage_items (lineage, position, type, bytes)
    select given.* from place,
      unnest($5::bigint[], $6::integer[], $7::text[], $8::bytea[]) as given),
  begun as (
    insert into lineage_books (lineage, book)
    select lineage, book from place,
      unnest($5::bigint[], $6::integer[]) as given (lineage, position)
    where position = 0 on conflict do nothing),
  shared as (
    insert into checkpoint_origins (book, digest, metadata)
    select book, $9, $10::jsonb from place where $9::text is not null on conflict do nothing),
  stored as (
    insert into checkpoints (book, namespace, checkpoint_id, parent_id, run_id, origin, metadata,
      content, spans, texts)
    select book, $11, $12, $13, $1, $9, $14::jsonb, $15, $16::json, $17::json from place
    on conflict (book, namespace, checkpoint_id) do update set
      parent_id = excluded.parent_id, run_id = excluded.run_id, origin = excluded.origin,
      metadata = excluded.metadata, content = excluded.content, spans = excluded.spans,
      texts = excluded.texts)`;

export const put = `${putCommon} ${outcome}`;

/** Shortens rows of the open book only: a copy of the thread holds no later items. */
export const putAndShorten = `${putCommon},
  shortened as (
    update checkpoints set content = $19, texts = $20::json from place
    where $19::text is not null and checkpoints.book = place.book and namespace = $11
      and checkpoint_id = $18),
  shortened_writes as (
    update checkpoint_writes as stored
    set type = given.type, bytes = given.bytes, texts = given.texts::json
    from place, unnest($21::text[], $22::integer[], $23::text[], $24::bytea[], $25::text[])
      as given (task_id, write_index, type, bytes, texts)
    where stored.book = place.book and stored.namespace = $11 and stored.checkpoint_id = $18
      and stored.task_id = given.task_id and stored.write_index = given.write_index
      and stored.run_id = coalesce($1, ''))
  ${outcome}`;

/**
 * A special write of another run is hidden rather than overwritten (the later position counts), so
 * that it comes back when this run is rolled back.
 */
export const putWrites = `
  with ${fence},
  stored as (
    insert into checkpoint_writes (book, namespace, checkpoint_id, run_id, task_id, write_index,
      channel, type, bytes, texts)
    select book, $5, $6, coalesce($1, ''), task_id, write_index, channel, type, bytes, texts::json
    from place,
      unnest($7::text[], $8::integer[], $9::text[], $10::text[], $11::bytea[], $12::text[])
        as given (task_id, write_index, channel, type, bytes, texts)
    where given.write_index < 0 or not exists (
      select 1 from checkpoint_books as own join checkpoint_writes as present using (book)
      where own.thread_id = $3 and present.namespace = $5 and present.checkpoint_id = $6
        and present.task_id = given.task_id and present.write_index = given.write_index)
    on conflict (book, namespace, checkpoint_id, task_id, write_index, run_id) do update set
      position = default, channel = excluded.channel, type = excluded.type, bytes = excluded.bytes,
      texts = excluded.texts
      where excluded.write_index < 0
    returning task_id, write_index)
  ${outcome}, (select json_agg(json_build_array(write_index, task_id)) from stored) as stored`;

/** For `putAndShorten`, from $18 on. */
export function shorteningValues({ checkpointId, content, writes }: Shortened): unknown[] {
  return [
    checkpointId,
    content?.content ?? null,
    content && JSON.stringify(flattenSpans(content.texts)),
    writes.map((write) => write.taskId),
    writes.map((write) => write.index),
    writes.map((write) => write.value.type),
    writes.map((write) => write.value.bytes),
    writes.map((write) => JSON.stringify(flattenSpans(write.texts))),
  ];
}
