import { invalid } from "../error.ts";
import { itemTtl } from "../expiry.ts";
import { selectNamespaces, type FoundItem, type Item, type NamespaceQuery } from "../item.ts";
import type { Indexable } from "../ports/item-index.ts";
import type { Ports } from "../ports/ports.ts";
import type { ItemSearch } from "../ports/storage.ts";

/** Its vectors are made first and stored with it: neither is there without the other. */
export async function putItem(
  ports: Ports,
  command: {
    namespace: string[];
    key: string;
    /** Null: the item stays; absent: as the server's policy has it. */
    ttlMinutes?: number | null | undefined;
  } & Indexable,
): Promise<void> {
  const { namespace, key, value, ttlMinutes } = command;
  checkNamespace(namespace);
  const [vectors] = await ports.itemIndex.vectorsOf([command]);
  const now = ports.clock.now();
  const ttl = itemTtl(ttlMinutes, ports.expiry, now);
  await ports.storage.items.put(
    { namespace, key, value, createdAt: now, updatedAt: now, ttl },
    vectors ?? [],
  );
}

/** Null when there is none. `refresh`: whether its time begins anew; undefined: as the policy has it. */
export async function getItem(
  ports: Ports,
  query: { namespace: string[]; key: string; refresh?: boolean },
): Promise<Item | null> {
  const now = ports.clock.now();
  const item = await ports.storage.items.get(query.namespace, query.key, now);
  if (item) await refreshItems(ports, [item], query.refresh, now);
  return item;
}

/** An item that is not there is no error: the wish is fulfilled. */
export async function deleteItem(ports: Ports, namespace: string[], key: string): Promise<void> {
  await ports.storage.items.delete(namespace, key);
}

interface SearchItems extends Omit<ItemSearch, "near" | "now"> {
  /** What the items should be about; says nothing when they are not indexed. */
  query?: string | undefined;
  /** As in `getItem`, for what is found. */
  refresh?: boolean | undefined;
}

export async function searchItems(
  ports: Ports,
  { query, refresh, ...search }: SearchItems,
): Promise<FoundItem[]> {
  const near = query ? await ports.itemIndex.vectorOf(query) : null;
  const now = ports.clock.now();
  const items = await ports.storage.items.search({ ...search, now, ...(near && { near }) });
  await refreshItems(ports, items, refresh, now);
  return items;
}

async function refreshItems(
  { storage, expiry }: Ports,
  items: Item[],
  refresh: boolean | undefined,
  now: number,
): Promise<void> {
  if (!(refresh ?? expiry.items.refreshOnRead)) return;
  const ending = items.filter(({ ttl }) => ttl !== null);
  if (ending.length > 0) await storage.items.refresh(ending, now);
}

export async function listNamespaces(ports: Ports, query: NamespaceQuery): Promise<string[][]> {
  return selectNamespaces(await ports.storage.items.namespaces(ports.clock.now()), query);
}

/** Rules of LangGraph's own store: labels joined with dots must stay readable back. */
function checkNamespace(namespace: string[]): void {
  if (namespace.length === 0) throw invalid("Namespace is required: give at least one label.");
  if (namespace.some((label) => label === "" || label.includes("."))) {
    throw invalid(
      `Namespace labels cannot be empty or contain periods. Received: ${JSON.stringify(namespace)}`,
    );
  }
  if (namespace[0] === "langgraph") {
    throw invalid('The first label of a namespace cannot be "langgraph": it is reserved.');
  }
}
