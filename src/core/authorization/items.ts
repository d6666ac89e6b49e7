import { meets, type Condition } from "../condition.ts";
import { AdjutantError, invalid, notFound } from "../error.ts";
import type { FoundItem, Item, ItemVector } from "../item.ts";
import type { JsonObject } from "../json.ts";
import type { ItemSearch, ItemStorage, Storage } from "../ports/storage.ts";
import type { Access } from "./access.ts";

/** How many items a filtered search looks through; more is refused, as the official server does. */
const scannedItemsMax = 10_000;
const batchSize = 500;

/**
 * Items have no metadata: a filter is held against `{...value, namespace, key}` (specification 3.9).
 * What is over is the sweeper's.
 */
export class GuardedItems implements Omit<ItemStorage, "describeVectors" | "removeExpired"> {
  readonly #storage: ItemStorage;
  readonly #access: Access;

  constructor({ items }: Storage, access: Access) {
    this.#storage = items;
    this.#access = access;
  }

  /** Both the item and the one it replaces must match, or callers could write into what is not theirs. */
  async put(item: Item, vectors: ItemVector[]): Promise<void> {
    const condition = await this.#condition("create", item);
    const current =
      condition && (await this.#storage.get(item.namespace, item.key, item.updatedAt));
    if (!matches(item, condition) || (current && !matches(current, condition))) {
      throw new AdjutantError(
        "forbidden",
        "You may not store this item: it does not match the filter of the server's authorization handler for store:put.",
      );
    }
    await this.#storage.put(item, vectors);
  }

  async get(namespace: string[], key: string, now: number): Promise<Item | null> {
    const condition = await this.#condition("read", { namespace, key });
    const item = await this.#storage.get(namespace, key, now);
    return item && matches(item, condition) ? item : null;
  }

  async delete(namespace: string[], key: string): Promise<boolean> {
    const condition = await this.#condition("change", { namespace, key });
    // Also one that is over: it stays hidden, and others may not say when it goes.
    const item = condition && (await this.#storage.get(namespace, key, 0));
    if (item && !matches(item, condition)) throw notFound("There is no such item.");
    return this.#storage.delete(namespace, key);
  }

  async search(params: ItemSearch): Promise<FoundItem[]> {
    const condition = await this.#condition("search", {});
    if (condition === null) return this.#storage.search(params);
    const { offset, limit } = params.page;
    const found = await this.#scan(params, condition, offset + limit);
    return found.slice(offset, offset + limit);
  }

  async namespaces(now: number): Promise<string[][]> {
    const condition = await this.#condition("search", {});
    const all = await this.#storage.namespaces(now);
    if (condition === null) return all;
    const found = await this.#scan({ prefix: [], now }, condition, Infinity);
    const visible = new Set(found.map(({ namespace }) => JSON.stringify(namespace)));
    return all.filter((namespace) => visible.has(JSON.stringify(namespace)));
  }

  /** Of items that the caller was shown. */
  refresh(items: Pick<Item, "namespace" | "key">[], now: number): Promise<void> {
    return this.#storage.refresh(items, now);
  }

  async #scan(
    params: Omit<ItemSearch, "page">,
    condition: Condition,
    wanted: number,
  ): Promise<FoundItem[]> {
    const found: FoundItem[] = [];
    for (let offset = 0; ; offset += batchSize) {
      if (offset >= scannedItemsMax) {
        throw invalid(
          `With this authorization filter a search can look through ${scannedItemsMax} items, and there are more. Narrow it with a namespace prefix.`,
        );
      }
      const page = { limit: batchSize, offset };
      const batch = await this.#storage.search({ ...params, page });
      found.push(...batch.filter((item) => matches(item, condition)));
      if (batch.length < batchSize || found.length >= wanted) return found;
    }
  }

  #condition(intent: Parameters<Access["condition"]>[1], value: object) {
    return this.#access.condition("store", intent, value as JsonObject);
  }
}

function matches({ namespace, key, value }: Item, condition: Condition | null): boolean {
  return meets({ ...value, namespace, key }, condition);
}
