import { invalid } from "../../core/error.ts";
import type { FoundItem, Item, ItemVector } from "../../core/item.ts";
import type { ItemSearch, ItemStorage, VectorSearch } from "../../core/ports/storage.ts";
import { foundItemOf, type ItemRow, itemOf, labelsOf } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { bytesOf, readyVectors } from "./item-vectors.ts";

/**
 * A namespace is stored as its labels, each followed by U+001F. Then a prefix of whole labels is a
 * range of the primary key, and the key's order is the order of the labels.
 */
export class SqliteItems implements ItemStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async put(item: Item, vectors: ItemVector[] = []): Promise<void> {
    const namespace = encodeNamespace(item.namespace);
    await this.#connection.grouped(() => {
      this.#connection.run(
        `insert into items (namespace, key, value, created_at, updated_at, ttl_minutes, expires_at)
         values (?, ?, ?, ?, ?, ?, ?)
         on conflict (namespace, key) do update set value = excluded.value,
           created_at = iif(expires_at <= excluded.updated_at, excluded.created_at, created_at),
           updated_at = excluded.updated_at, ttl_minutes = excluded.ttl_minutes,
           expires_at = excluded.expires_at`,
        namespace,
        item.key,
        JSON.stringify(item.value),
        item.createdAt,
        item.updatedAt,
        item.ttl?.minutes ?? null,
        item.ttl?.expiresAt ?? null,
      );
      this.#connection.run(
        "delete from item_vectors where namespace = ? and key = ?",
        namespace,
        item.key,
      );
      for (const vector of vectors) {
        this.#connection.run(
          "insert into item_vectors (namespace, key, path, model, vector) values (?, ?, ?, ?, ?)",
          namespace,
          item.key,
          vector.path,
          vector.model,
          bytesOf(vector),
        );
      }
    });
  }

  async get(namespace: string[], key: string, now: number): Promise<Item | null> {
    const row = this.#connection.row<ItemRow>(
      "select * from items where namespace = ? and key = ? and ifnull(expires_at > ?, true)",
      encodeNamespace(namespace),
      key,
      now,
    );
    return row ? itemOf(row) : null;
  }

  async delete(namespace: string[], key: string): Promise<boolean> {
    const removed = this.#connection.run(
      "delete from items where namespace = ? and key = ?",
      encodeNamespace(namespace),
      key,
    );
    return removed > 0;
  }

  async search({ prefix, filter, near, page, now }: ItemSearch): Promise<FoundItem[]> {
    const start = encodeNamespace(prefix);
    const values = [
      start,
      // No text sorts behind the last code point.
      `${start}\u{10ffff}`,
      filter && Object.keys(filter).length > 0 ? JSON.stringify(filter) : null,
      page.limit,
      page.offset,
      now,
    ];
    if (!near) {
      return this.#connection
        .rows<ItemRow>(
          `select * from items where namespace >= ?1 and namespace < ?2
             and (?3 is null or json_matches(value, ?3)) and ifnull(expires_at > ?6, true)
           order by updated_at desc, namespace, key limit ?4 offset ?5`,
          ...values,
        )
        .map(itemOf);
    }
    await readyVectors(this.#connection);
    // The distance from a vector of zeros is null.
    return this.#connection
      .rows<ItemRow & { score: number | null }>(
        `with near as (
           select namespace, key, max(1 - coalesce(vec_distance_cosine(vector, ?7), 1)) as score
           from item_vectors where namespace >= ?1 and namespace < ?2 and model = ?8
           group by namespace, key)
         select items.*, near.score from items left join near using (namespace, key)
         where items.namespace >= ?1 and items.namespace < ?2
           and (?3 is null or json_matches(items.value, ?3))
           and ifnull(items.expires_at > ?6, true)
         order by near.score desc nulls last, items.updated_at desc, items.namespace, items.key
         limit ?4 offset ?5`,
        ...values,
        bytesOf(near),
        near.model,
      )
      .map(foundItemOf);
  }

  async describeVectors(model: string): Promise<VectorSearch> {
    const slowBecause = await readyVectors(this.#connection);
    const { strangers } = this.#connection.row<{ strangers: number }>(
      `select count(*) as strangers from (
         select 1 from item_vectors group by namespace, key having sum(model = ?) = 0)`,
      model,
    )!;
    return { slowBecause, strangers };
  }

  /** Steps from one namespace to the next in the key, however many items each holds. */
  async namespaces(now: number): Promise<string[][]> {
    return this.#connection
      .rows<{ namespace: string }>(
        `with recursive step (namespace) as (
           select min(namespace) from items
           union all
           select (select min(namespace) from items where namespace > step.namespace)
           from step where step.namespace is not null)
         select namespace from step where exists (
           select 1 from items
           where namespace = step.namespace and ifnull(expires_at > ?, true))
         order by namespace`,
        now,
      )
      .map((row) => labelsOf(row.namespace));
  }

  async refresh(items: Pick<Item, "namespace" | "key">[], now: number): Promise<void> {
    this.#connection.transaction(() => {
      for (const { namespace, key } of items) {
        this.#connection.run(
          `update items set expires_at = ?3 + cast(round(ttl_minutes * 60000) as integer)
           where namespace = ?1 and key = ?2 and expires_at > ?3`,
          encodeNamespace(namespace),
          key,
          now,
        );
      }
    });
  }

  async removeExpired({ now, limit }: { now: number; limit: number }): Promise<number> {
    return this.#connection.run(
      `delete from items where rowid in (
         select rowid from items where expires_at <= ? order by expires_at limit ?)`,
      now,
      limit,
    );
  }
}

function encodeNamespace(labels: string[]): string {
  return labels
    .map((label) => {
      if (!label.includes("\u001f")) return `${label}\u001f`;
      throw invalid("A namespace label cannot contain the control character U+001F. Remove it.");
    })
    .join("");
}
