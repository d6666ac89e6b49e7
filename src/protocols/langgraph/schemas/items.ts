import { z } from "zod";
import { jsonObject, limit, offset, timestamp, ttlMinutes } from "./common.ts";

const namespace = z.array(z.string());

export const item = z
  .object({
    namespace,
    key: z.string(),
    value: jsonObject,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: "Item", description: "An entry of long-term memory" });

export const putBody = z
  .object({
    namespace,
    key: z.string().min(1),
    value: jsonObject,
    index: z
      .union([z.literal(false), z.array(z.string())])
      .nullish()
      .meta({
        description:
          "Paths of the texts to index; false: none; absent: those of store.index.fields",
      }),
    ttl: ttlMinutes
      .nullish()
      .meta({ description: "Minutes; null: for ever; absent: store.ttl.default_ttl" }),
  })
  .meta({ id: "ItemPut" });

export const deleteBody = z
  .object({ namespace: namespace.nullish(), key: z.string().min(1) })
  .meta({ id: "ItemDelete" });

export const searchBody = z
  .object({
    namespace_prefix: namespace.nullish(),
    filter: jsonObject.nullish(),
    limit,
    offset,
    query: z.string().nullish(),
    refresh_ttl: z.boolean().nullish(),
  })
  .meta({ id: "ItemSearch" });

const foundItem = item
  .extend({ score: z.number().optional() })
  .meta({ id: "SearchItem", description: "With a query: how near it is, at most 1" });

export const foundItems = z.object({ items: z.array(foundItem) }).meta({ id: "Items" });

export const namespacesBody = z
  .object({
    prefix: namespace.nullish(),
    suffix: namespace.nullish(),
    max_depth: z.int().min(1).max(100).nullish(),
    limit: limit.default(100),
    offset,
  })
  .meta({ id: "NamespacesSearch" });

export const foundNamespaces = z
  .object({ namespaces: z.array(namespace) })
  .meta({ id: "Namespaces" });
