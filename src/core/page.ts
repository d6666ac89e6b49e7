/** A window on a sorted list. `limit` in items, 1 to `pageSizeMax`; `offset` in items from the start. */
export interface Page {
  limit: number;
  offset: number;
}

export interface Sort<Field extends string> {
  by: Field;
  order: "asc" | "desc";
}

export interface Found<Item> {
  items: Item[];
  /** All matches, not only those of this page. */
  total: number;
}

export const pageSizeMax = 1000;
