import {
  type FoundItem,
  type Item,
  type ItemVector,
  matchesFilter,
  type Vector,
} from "../../core/item.ts";
import type { Page } from "../../core/page.ts";
import type { ItemSearch, ItemStorage, VectorSearch } from "../../core/ports/storage.ts";
import { foundItemOf, type ItemRow, itemOf } from "./codec.ts";
import { type Database, json } from "./database.ts";
import { insertVectors, readyVectors } from "./item-vectors.ts";

/** How many items a filtered search reads first; then twice as many each time. */
const firstBatchSize = 500;

export class PostgresItems implements ItemStorage {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The row of the item is locked first, so that of two at once one stores both item and vectors. */
  async put(item: Item, vectors: ItemVector[] = []): Promise<void> {
    await this.#database.transaction(async (connection) => {
      connection.run(
        `insert into items (namespace, key, value, created_at, updated_at, ttl_minutes, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (namespace, key) do update set value = excluded.value,
           created_at = case when items.expires_at <= excluded.updated_at
             then excluded.created_at else items.created_at end,
           updated_at = excluded.updated_at, ttl_minutes = excluded.ttl_minutes,
           expires_at = excluded.expires_at`,
        [
          item.namespace,
          item.key,
          json(item.value),
          item.createdAt,
          item.updatedAt,
          item.ttl?.minutes ?? null,
          item.ttl?.expiresAt ?? null,
        ],
        "item_put",
      );
      connection.run(
        "delete from item_vectors where namespace = $1 and key = $2",
        [item.namespace, item.key],
        "item_vectors_delete",
      );
      if (vectors.length > 0) insertVectors(connection, item, vectors);
    });
  }

  async get(namespace: string[], key: string, now: number): Promise<Item | null> {
    const [row] = await this.#database.rows<ItemRow>(
      `select * from items where namespace = $1 and key = $2
         and (expires_at is null or expires_at > $3)`,
      [namespace, key, now],
      "item_get",
    );
    return row ? itemOf(row) : null;
  }

  async delete(namespace: string[], key: string): Promise<boolean> {
    const removed = await this.#database.rows(
      "delete from items where namespace = $1 and key = $2 returning key",
      [namespace, key],
    );
    return removed.length > 0;
  }

  async search({ prefix, filter, near, page, now }: ItemSearch): Promise<FoundItem[]> {
    const read = (part: Page) =>
      near ? this.#nearest(prefix, near, part, now) : this.#newest(prefix, part, now);
    if (!filter || Object.keys(filter).length === 0) return read(page);
    const found: FoundItem[] = [];
    const wanted = page.offset + page.limit;
    for (let offset = 0, limit = firstBatchSize; ; offset += limit, limit = offset) {
      const batch = await read({ limit, offset });
      found.push(...batch.filter((item) => matchesFilter(item.value, filter)));
      if (batch.length < limit || found.length >= wanted) break;
    }
    return found.slice(page.offset, wanted);
  }

  async describeVectors(model: string): Promise<VectorSearch> {
    const { slowBecause } = await readyVectors(this.#database);
    const [row] = await this.#database.rows<{ strangers: number }>(
      `select count(*) as strangers from (
         select from item_vectors group by namespace, key having not bool_or(model = $1)) as items`,
      [model],
    );
    return { slowBecause, strangers: row!.strangers };
  }

  async #newest(prefix: string[], page: Page, now: number): Promise<Item[]> {
    const rows = await this.#database.rows<ItemRow>(
      `select * from items where namespace >= $1::text[]
         and ($2::text[] is null or namespace < $2::text[])
         and (expires_at is null or expires_at > $5)
       order by updated_at desc, namespace, key limit $3 offset $4`,
      [...rangeOf(prefix), page.limit, page.offset, now],
      "item_search",
    );
    return rows.map(itemOf);
  }

  /** Every vector below the prefix is looked at, so nothing that is near is missed. */
  async #nearest(prefix: string[], near: Vector, page: Page, now: number): Promise<FoundItem[]> {
    const { similarity } = await readyVectors(this.#database);
    const rows = await this.#database.rows<ItemRow & { score: number | null }>(
      `with near as (
         select namespace, key, max(${similarity("vector", "$6::real[]")}) as score
         from item_vectors where namespace >= $1::text[]
           and ($2::text[] is null or namespace < $2::text[]) and model = $5
         group by namespace, key)
       select items.*, near.score from items left join near using (namespace, key)
       where items.namespace >= $1::text[] and ($2::text[] is null or items.namespace < $2::text[])
         and (items.expires_at is null or items.expires_at > $7)
       order by near.score desc nulls last, items.updated_at desc, items.namespace, items.key
       limit $3 offset $4`,
      [...rangeOf(prefix), page.limit, page.offset, near.model, [...near.values], now],
    );
    return rows.map(foundItemOf);
  }

  /** Steps from one namespace to the next in the key, however many items each holds. */
  async namespaces(now: number): Promise<string[][]> {
    const rows = await this.#database.rows<{ namespace: string[] }>(
      `with recursive step (namespace) as (
         (select namespace from items order by namespace limit 1)
         union all
         select (select items.namespace from items where items.namespace > step.namespace
           order by items.namespace limit 1)
         from step where step.namespace is not null)
       select namespace from step where exists (
         select 1 from items where items.namespace = step.namespace
           and (expires_at is null or expires_at > $1))
       order by namespace`,
      [now],
    );
    return rows.map((row) => row.namespace);
  }

  /** In one order, so that two readers of the same items do not wait for each other. */
  async refresh(items: Pick<Item, "namespace" | "key">[], now: number): Promise<void> {
    const places = items.map(({ namespace, key }) => ({ namespace, key }));
    await this.#database.rows(
      `update items set expires_at = $2::bigint + round(ttl_minutes * 60000)::bigint
       from (
         select items.namespace, items.key from items
           join json_array_elements($1) as place on items.key = place ->> 'key' and items.namespace
             = array(select json_array_elements_text(place -> 'namespace')) collate "C"
         where expires_at > $2 order by items.namespace, items.key for update of items) as found
       where items.namespace = found.namespace and items.key = found.key`,
      [JSON.stringify(places), now],
    );
  }

  async removeExpired({ now, limit }: { now: number; limit: number }): Promise<number> {
    const removed = await this.#database.rows(
      `delete from items where (namespace, key) in (
         select namespace, key from items where expires_at <= $1 order by expires_at limit $2
         for update skip locked)
       returning key`,
      [now, limit],
    );
    return removed.length;
  }
}

/**
 * A prefix of whole labels is a range of the primary key: from the prefix itself to the prefix whose
 * last label is followed by the least character.
 */
function rangeOf(prefix: string[]): [string[], string[] | null] {
  return [prefix, prefix.length > 0 ? [...prefix.slice(0, -1), `${prefix.at(-1)}\u0001`] : null];
}
