import { z } from "zod";
import { integer, text } from "../query.ts";
import { OpenaiError } from "./errors.ts";
import { checked } from "./validate.ts";

/** Query of every list. Judged by `readPaging`, which has OpenAI's words for what is wrong. */
export const pagingQuery = {
  limit: integer(z.union([z.number(), z.string()]).optional()),
  order: text(z.string().optional()),
  after: text(z.string().optional()),
  before: text(z.string().optional()),
};

const paging = z.object({
  limit: z.number().int().min(1).max(100).default(20),
  order: z.enum(["asc", "desc"]).default("desc"),
  after: z.string().optional(),
  before: z.string().optional(),
});

export type Paging = z.infer<typeof paging>;

export function readPaging(query: object): Paging {
  return checked(paging, query);
}

export interface List<Item> {
  object: "list";
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** @param newestFirst everything there is. @throws OpenaiError for a cursor that is not among it. */
export function listPage<Item extends { id: string }>(
  newestFirst: Item[],
  query: Paging,
): List<Item> {
  return presentPage(
    newestFirst,
    query,
    ({ id }) => id,
    (items) => items,
  );
}

/** The same of items that are presented only when they are on the page. */
export function presentPage<Item, Presented extends { id: string }>(
  newestFirst: Item[],
  query: Paging,
  idOf: (item: Item) => string,
  present: (items: Item[]) => Presented[],
): List<Presented> {
  const sorted = query.order === "desc" ? newestFirst : newestFirst.toReversed();
  const start =
    query.after === undefined ? 0 : positionOf(sorted.map(idOf), query.after, "after") + 1;
  const end =
    query.before === undefined
      ? sorted.length
      : positionOf(sorted.map(idOf), query.before, "before");
  const window = sorted.slice(start, Math.max(start, end));
  // What is asked for before a cursor is what stands next to it.
  const isBackwards = query.before !== undefined && query.after === undefined;
  const data = isBackwards ? window.slice(-query.limit) : window.slice(0, query.limit);
  return listOf(present(data), data.length < window.length);
}

function listOf<Item extends { id: string }>(data: Item[], hasMore: boolean): List<Item> {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

function positionOf(ids: string[], id: string, param: string): number {
  const position = ids.indexOf(id);
  if (position >= 0) return position;
  throw new OpenaiError(400, `Invalid '${param}': no item of this list has the id '${id}'.`, {
    param,
    code: "invalid_value",
  });
}

const itemsPerRead = 1000;

/** Pages of a store that counts, for `listPage`. */
export async function readAll<Item>(
  read: (page: { limit: number; offset: number }) => Promise<{ items: Item[]; total: number }>,
): Promise<Item[]> {
  const all: Item[] = [];
  for (;;) {
    const { items, total } = await read({ limit: itemsPerRead, offset: all.length });
    all.push(...items);
    if (items.length === 0 || all.length >= total) return all;
  }
}
