import type { z } from "zod";
import type { FoundItem, Item, NamespaceQuery } from "../../../core/item.ts";
import type * as schemas from "../schemas/items.ts";
import { timestampOf } from "./common.ts";

export function presentItem(item: Item): z.infer<typeof schemas.item> {
  return {
    namespace: item.namespace,
    key: item.key,
    value: item.value,
    created_at: timestampOf(item.createdAt),
    updated_at: timestampOf(item.updatedAt),
  };
}

export function presentFoundItem(item: FoundItem): z.infer<typeof schemas.foundItems>["items"][0] {
  return { ...presentItem(item), ...(item.score !== undefined && { score: item.score }) };
}

export function readNamespaceQuery(body: z.infer<typeof schemas.namespacesBody>): NamespaceQuery {
  return {
    prefix: body.prefix ?? undefined,
    suffix: body.suffix ?? undefined,
    maxDepth: body.max_depth ?? undefined,
    limit: body.limit,
    offset: body.offset,
  };
}
