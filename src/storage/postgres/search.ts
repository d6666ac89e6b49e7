import type { Found, Page, Sort } from "../../core/page.ts";
import type { Connection } from "./database.ts";
import type { Filter } from "./filter.ts";

/** Which page of the rows of `table` that `filter` lets through; `key` is the column that tells them apart. */
interface PageSearch<By extends string> {
  table: string;
  key: string;
  filter: Filter;
  sort: Sort<By>;
  page: Page;
}

/** The page's rows, and how many there are in all. */
export async function searchPage<Row extends object, By extends string>(
  connection: Connection,
  search: PageSearch<By>,
): Promise<Found<Row>> {
  const text = pageStatement(search);
  const rows = await connection.rows<Row & { found_total: number; found_key: string | null }>(
    text,
    search.filter.values,
  );
  // Where no row is left for the page, one tells the number.
  const items = rows.filter((row) => row.found_key !== null);
  return { items, total: rows[0]!.found_total };
}

/**
 * Rows that are sought by metadata are found by its index first, and sorted then: they are all visited
 * anyway, to be counted. Left to itself, a planner that has no statistics yet (a table filled a minute
 * ago, a server with `autovacuum` off) takes one row in a hundred to match, and walks the index of the
 * order until the page is full: through the whole table for a user who has two threads, 48 ms among
 * 100,000 instead of 1.
 */
export function pageStatement<By extends string>(search: PageSearch<By>): string {
  const { table, key, filter, sort, page } = search;
  const kept = filter.byMetadata ? "materialized" : "not materialized";
  const columns = [...new Set([key, sort.by])].join(", ");
  const order = `${sort.by} ${sort.order}, ${key} ${sort.order}`;
  return `
    with found as ${kept} (select ${columns} from ${table} ${filter.where})
    select found_total, page.* from (select count(*) as found_total from found) as counted
      left join (
        select ${key} as found_key, ${table}.*
        from (select ${key} from found order by ${order}
          limit ${filter.parameter(page.limit)} offset ${filter.parameter(page.offset)}) as picked
          join ${table} using (${key})) as page on true
    order by ${order}`;
}
