import { hash } from "node:crypto";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Connection } from "./connection.ts";

/**
 * The part of the metadata that all checkpoints of an attempt share (600 bytes of ids and versions) is
 * stored once in a book, and after the first only as what differs from it. Null when there is none.
 */
export function originIdOf(
  connection: Connection,
  book: number,
  metadata: JsonObject,
): number | null {
  if (Object.keys(metadata).length === 0) return null;
  const text = JSON.stringify(metadata);
  const digest = Number.parseInt(hash("sha1", text).slice(0, 12), 16);
  const known = connection.row<{ origin_id: number }>(
    "select origin_id from checkpoint_origins where book = ? and digest = ?",
    book,
    digest,
  );
  if (known) return known.origin_id;
  const base = connection.row<{ origin_id: number; metadata: string }>(
    `select origin_id, metadata from checkpoint_origins where book = ? and base is null
     order by origin_id limit 1`,
    book,
  );
  const rest = base && differenceTo(JSON.parse(base.metadata), metadata);
  return connection.row<{ origin_id: number }>(
    `insert into checkpoint_origins (book, digest, base, metadata) values (?, ?, ?, ?)
     returning origin_id`,
    book,
    digest,
    rest ? base.origin_id : null,
    rest ? JSON.stringify(rest) : text,
  )!.origin_id;
}

/** What merged over `base` gives `metadata`; null when nothing does, since `base` has other keys. */
function differenceTo(base: JsonObject, metadata: JsonObject): JsonObject | null {
  if (!Object.keys(base).every((key) => Object.hasOwn(metadata, key))) return null;
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(base[key]),
    ),
  );
}

/** What a checkpoint says itself: of nearly all these three keys, the last of them empty. */
export function packMetadata(metadata: JsonObject): string {
  const { source, step, parents } = metadata;
  const text = JSON.stringify(metadata);
  const usual = JSON.stringify({ source, step, parents: {} });
  return parents && text === usual ? JSON.stringify([source, step]) : text;
}

function unpackMetadata(text: string): JsonObject {
  const packed = JSON.parse(text) as JsonObject | [source: Json, step: Json];
  return Array.isArray(packed) ? { source: packed[0], step: packed[1], parents: {} } : packed;
}

/** The whole metadata of a checkpoint's row. */
export function metadataOf(
  connection: Connection,
  row: { origin: number | null; metadata: string },
): JsonObject {
  const own = unpackMetadata(row.metadata);
  if (row.origin === null) return own;
  const origin = connection.row<{ metadata: string; base: string | null }>(
    `select origin.metadata, base.metadata as base from checkpoint_origins as origin
       left join checkpoint_origins as base on base.origin_id = origin.base
     where origin.origin_id = ?`,
    row.origin,
  )!;
  return {
    ...(origin.base === null ? {} : (JSON.parse(origin.base) as JsonObject)),
    ...(JSON.parse(origin.metadata) as JsonObject),
    ...own,
  };
}
