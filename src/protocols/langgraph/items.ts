import { z } from "zod";
import {
  deleteItem,
  getItem,
  listNamespaces,
  putItem,
  searchItems,
} from "../../core/operations/items.ts";
import { optionalFlag, repeated, text } from "../query.ts";
import { empty, json, route, type Route } from "../route.ts";
import { itemEvents } from "./events.ts";
import { answer, failures } from "./schemas/common.ts";
import * as schemas from "./schemas/items.ts";
import { presentFoundItem, presentItem, readNamespaceQuery } from "./wire/items.ts";

const tag = "Store";

const put = route({
  method: "PUT",
  path: "/store/items",
  tag,
  summary: "Store an item",
  action: "store:put",
  events: itemEvents("store:put"),
  body: schemas.putBody,
  answers: { 204: answer(null, "Stored"), ...failures(400, 422, 503) },
  async handle({ ports, body }) {
    const { ttl: ttlMinutes, ...item } = body;
    await putItem(ports, { ...item, ttlMinutes });
    return empty(204);
  },
});

const get = route({
  method: "GET",
  path: "/store/items",
  tag,
  summary: "Get an item",
  action: "store:get",
  events: itemEvents("store:get"),
  query: {
    key: text(z.string()),
    namespace: repeated(z.array(z.string()).default([])),
    refresh_ttl: optionalFlag(),
  },
  answers: { 200: answer(schemas.item.nullable(), "The item, or null"), ...failures(422) },
  async handle({ ports, query }) {
    // SDKs join the labels with dots, which no label may contain; others repeat the parameter.
    const namespace = query.namespace.flatMap((labels) => labels.split("."));
    const { key, refresh_ttl: refresh } = query;
    const item = await getItem(ports, { namespace, key, refresh });
    return json(item && presentItem(item));
  },
});

const remove = route({
  method: "DELETE",
  path: "/store/items",
  tag,
  summary: "Delete an item",
  action: "store:delete",
  events: itemEvents("store:delete"),
  body: schemas.deleteBody,
  answers: { 204: answer(null, "It is not there any more"), ...failures(400, 422) },
  async handle({ ports, body }) {
    await deleteItem(ports, body.namespace ?? [], body.key);
    return empty(204);
  },
});

const search = route({
  method: "POST",
  path: "/store/items/search",
  tag,
  summary: "Search the items below a namespace",
  action: "store:search",
  events: itemEvents("store:search", "namespace_prefix"),
  body: schemas.searchBody,
  answers: {
    200: answer(schemas.foundItems, "With a query the nearest first, else the newest"),
    ...failures(400, 422, 503),
  },
  async handle({ ports, body }) {
    const items = await searchItems(ports, {
      prefix: body.namespace_prefix ?? [],
      filter: body.filter ?? undefined,
      query: body.query ?? undefined,
      page: { limit: body.limit, offset: body.offset },
      refresh: body.refresh_ttl ?? undefined,
    });
    return json({ items: items.map(presentFoundItem) });
  },
});

const namespaces = route({
  method: "POST",
  path: "/store/namespaces",
  tag,
  summary: "List namespaces",
  action: "store:list_namespaces",
  events: itemEvents("store:list_namespaces", "prefix"),
  body: schemas.namespacesBody,
  answers: { 200: answer(schemas.foundNamespaces, "Sorted"), ...failures(400, 422) },
  async handle({ ports, body }) {
    return json({ namespaces: await listNamespaces(ports, readNamespaceQuery(body)) });
  },
});

export const itemRoutes: Route[] = [put, get, remove, search, namespaces];
