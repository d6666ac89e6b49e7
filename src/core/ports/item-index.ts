import type { ItemVector, Vector } from "../item.ts";
import type { JsonObject } from "../json.ts";

/** What is needed of an item to find its vectors. */
export interface Indexable {
  value: JsonObject;
  /** Which of its texts are indexed, as paths; false: none; absent or null: as the server is set up. */
  index?: false | string[] | null;
}

/** Turns texts into vectors, as `store.index` of langgraph.json says. */
export interface ItemIndex {
  /**
   * The vectors of each item, in their order; none at all where nothing is indexed.
   *
   * @throws unavailable when the texts cannot be turned into vectors; invalid for an item of too many texts
   */
  vectorsOf(items: Indexable[]): Promise<ItemVector[][]>;
  /** Null where nothing is indexed: then a query says nothing. @throws unavailable */
  vectorOf(query: string): Promise<Vector | null>;
}

/** Nothing is indexed. */
export const noItemIndex: ItemIndex = {
  vectorsOf: async (items) => items.map(() => []),
  vectorOf: async () => null,
};
