import {
  BaseStore,
  type GetOperation,
  type Item as LibraryItem,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from "@langchain/langgraph-checkpoint";
import { itemTtl, type ExpiryPolicy } from "../core/expiry.ts";
import {
  selectNamespaces,
  type FoundItem,
  type Item,
  type ItemVector,
  type Vector,
} from "../core/item.ts";
import type { JsonObject } from "../core/json.ts";
import type { ItemIndex } from "../core/ports/item-index.ts";
import type { ItemStorage } from "../core/ports/storage.ts";
import type { Clock } from "../core/ports/ports.ts";
import { toWire } from "./wire.ts";

/** The long-term memory that nodes reach as `runtime.store`: the same items the store API shows. */
export class GraphStore extends BaseStore {
  readonly #items: ItemStorage;
  readonly #index: ItemIndex;
  readonly #clock: Clock;
  readonly #expiry: ExpiryPolicy;

  constructor(params: {
    items: ItemStorage;
    itemIndex: ItemIndex;
    expiry: ExpiryPolicy;
    clock: Clock;
  }) {
    super();
    this.#items = params.items;
    this.#index = params.itemIndex;
    this.#clock = params.clock;
    this.#expiry = params.expiry;
  }

  override async batch<Op extends readonly Operation[]>(
    operations: Op,
  ): Promise<OperationResults<Op>> {
    const meaning = await this.#meaningOf(operations);
    const results: unknown[] = [];
    for (const operation of operations) results.push(await this.#perform(operation, meaning));
    return results as OperationResults<Op>;
  }

  /** All that the batch needs from the index, asked for once, before anything is stored. */
  async #meaningOf(operations: readonly Operation[]): Promise<Meaning> {
    const puts = operations.filter(isStored);
    const values = puts.map(({ value }) => toWire(value) as JsonObject);
    const indexables = puts.map(({ index }, at) => ({ value: values[at]!, index: index ?? null }));
    const queries = operations.flatMap((one) =>
      "namespacePrefix" in one && one.query ? [one.query] : [],
    );
    const [vectors, found] = await Promise.all([
      this.#index.vectorsOf(indexables),
      Promise.all(
        [...new Set(queries)].map(
          async (query) => [query, await this.#index.vectorOf(query)] as const,
        ),
      ),
    ]);
    return {
      puts: new Map(puts.map((put, at) => [put, { value: values[at]!, vectors: vectors[at]! }])),
      queries: new Map(found),
    };
  }

  #perform(operation: Operation, meaning: Meaning): Promise<unknown> {
    if ("namespacePrefix" in operation) {
      return this.#search(operation, meaning.queries.get(operation.query ?? "") ?? null);
    }
    if ("value" in operation) return this.#put(operation, meaning.puts.get(operation));
    if ("key" in operation) return this.#get(operation);
    return this.#listNamespaces(operation as ListNamespacesOperation);
  }

  async #get({ namespace, key }: GetOperation): Promise<LibraryItem | null> {
    const now = this.#clock.now();
    const item = await this.#items.get(namespace, key, now);
    if (item) await this.#refresh([item], now);
    return item && present(item);
  }

  async #put({ namespace, key }: PutOperation, stored: Stored | undefined): Promise<void> {
    if (!stored) {
      await this.#items.delete(namespace, key);
      return;
    }
    const { value, vectors } = stored;
    const now = this.#clock.now();
    const ttl = itemTtl(undefined, this.#expiry, now);
    const item = { namespace, key, value, createdAt: now, updatedAt: now, ttl };
    await this.#items.put(item, vectors);
  }

  async #search(operation: SearchOperation, near: Vector | null): Promise<SearchItem[]> {
    const now = this.#clock.now();
    const items = await this.#items.search({
      now,
      prefix: operation.namespacePrefix,
      ...(operation.filter ? { filter: operation.filter as JsonObject } : {}),
      ...(near && { near }),
      page: { limit: operation.limit ?? 10, offset: operation.offset ?? 0 },
    });
    await this.#refresh(items, now);
    return items.map(present);
  }

  async #refresh(items: Item[], now: number): Promise<void> {
    if (!this.#expiry.items.refreshOnRead) return;
    const ending = items.filter(({ ttl }) => ttl !== null);
    if (ending.length > 0) await this.#items.refresh(ending, now);
  }

  async #listNamespaces(operation: ListNamespacesOperation): Promise<string[][]> {
    const condition = (type: "prefix" | "suffix") =>
      operation.matchConditions?.find(({ matchType }) => matchType === type)?.path;
    const prefix = condition("prefix");
    const suffix = condition("suffix");
    return selectNamespaces(await this.#items.namespaces(this.#clock.now()), {
      ...(prefix ? { prefix } : {}),
      ...(suffix ? { suffix } : {}),
      ...(operation.maxDepth === undefined ? {} : { maxDepth: operation.maxDepth }),
      limit: operation.limit,
      offset: operation.offset,
    });
  }
}

interface Stored {
  value: JsonObject;
  vectors: ItemVector[];
}

interface Meaning {
  puts: Map<PutOperation, Stored>;
  queries: Map<string, Vector | null>;
}

/** Without a value it deletes. */
function isStored(operation: Operation): operation is PutOperation {
  return "value" in operation && operation.value !== null;
}

function present(stored: FoundItem): SearchItem {
  const { ttl: _, ...item } = stored;
  return {
    ...item,
    createdAt: new Date(item.createdAt),
    updatedAt: new Date(item.updatedAt),
  };
}
