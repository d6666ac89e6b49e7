import type { Limits } from "../core/limits.ts";
import type { Ports } from "../core/ports/ports.ts";
import { loadIndexSettings } from "../graphs/embedder.ts";
import { StoreIndex } from "../graphs/item-index.ts";
import type { Manifest } from "../graphs/manifest.ts";

/** As `store.index` of langgraph.json says. @throws invalid naming the key */
export async function openItemIndex(
  manifest: Manifest,
  generation: number,
  limits: Limits,
): Promise<StoreIndex> {
  return new StoreIndex(await loadIndexSettings(manifest, generation, process.env), limits);
}

/** What is wrong with the new files is thrown, and the index before stays. */
export async function replaceItemIndex(
  index: StoreIndex,
  manifest: Manifest,
  generation: number,
  ports: Pick<Ports, "storage" | "log">,
): Promise<void> {
  const before = index.model;
  index.replace(await loadIndexSettings(manifest, generation, process.env));
  if (index.model !== before) await tellOfVectors(index, ports);
}

/** What somebody who has just set up `store.index`, or changed it, should know. */
export async function tellOfVectors(
  { model }: StoreIndex,
  { storage, log }: Pick<Ports, "storage" | "log">,
): Promise<void> {
  if (model === null) return;
  const { slowBecause, strangers } = await storage.items.describeVectors(model);
  if (slowBecause) log.warn({}, slowBecause);
  if (strangers === 0) return;
  log.warn(
    { items: strangers },
    `store.index is now ${model}, and ${strangers} items of the store have vectors of another model only: searches with a query show them last, without a score, until they are put again`,
  );
}
