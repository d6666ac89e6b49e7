import { z } from "zod";
import type { ThreadId } from "../../core/ids.ts";
import {
  copyThread,
  countThreads,
  createThread,
  deleteThread,
  getThread,
  measureThread,
  patchThread,
  pruneThreads,
  searchThreads,
  withValues,
} from "../../core/operations/threads.ts";
import { list } from "../query.ts";
import { empty, json, route, type Headers, type Route } from "../route.ts";
import { copyThreadEvents } from "./events.ts";
import { answer, failures, pageAnswer, threadParams } from "./schemas/common.ts";
import * as schemas from "./schemas/threads.ts";
import { paginationHeaders, select } from "./wire/common.ts";
import { extract, readsValues } from "./wire/extract.ts";
import {
  presentStorage,
  presentThread,
  readCreateThread,
  readThreadFilter,
  readThreadPatch,
} from "./wire/threads.ts";

const tag = "Threads";

const create = route({
  method: "POST",
  path: "/threads",
  tag,
  summary: "Create a thread, perhaps with a state to begin with",
  action: "threads:create",
  body: schemas.createBody,
  answers: { 200: answer(schemas.thread, "The thread"), ...failures(400, 404, 409, 422) },
  async handle({ ports, body }) {
    return json(presentThread(await createThread(ports, readCreateThread(body))));
  },
});

const search = route({
  method: "POST",
  path: "/threads/search",
  tag,
  summary: "Search threads",
  action: "threads:search",
  body: schemas.searchBody,
  answers: {
    200: pageAnswer(schemas.thread),
    ...failures(400, 422),
  },
  async handle({ ports, body }) {
    const page = { limit: body.limit, offset: body.offset };
    const include = body.include ?? [];
    const fields = body.select ?? [];
    const paths = body.extract ?? {};
    const found = await searchThreads(ports, {
      filter: readThreadFilter(body),
      values: body.values ?? undefined,
      sort: { by: body.sort_by, order: body.sort_order },
      page,
      withValues: fields.length === 0 || fields.includes("values") || readsValues(paths),
    });
    const wire = found.items.map((one) => {
      const thread = presentThread(one, [...fields, ...include]);
      // What is included is told whatever is selected.
      const told = fields.length > 0 ? select(thread, [...fields, ...include]) : thread;
      return { ...told, ...(body.extract && { extracted: extract(thread, paths) }) };
    });
    return json(wire, paginationHeaders(found, page));
  },
});

const count = route({
  method: "POST",
  path: "/threads/count",
  tag,
  summary: "Count threads",
  action: "threads:search",
  body: schemas.countBody,
  answers: { 200: answer(z.int(), "How many match"), ...failures(400, 422) },
  async handle({ ports, body }) {
    return json(await countThreads(ports, readThreadFilter(body), body.values ?? undefined));
  },
});

const get = route({
  method: "GET",
  path: "/threads/{thread_id}",
  tag,
  summary: "Get a thread",
  action: "threads:read",
  params: threadParams,
  query: { include: list(z.array(z.string()).optional()) },
  answers: { 200: answer(schemas.thread, "The thread"), ...failures(404, 422) },
  async handle({ ports, params, query }) {
    const thread = await getThread(ports, params.thread_id as ThreadId);
    return json(presentThread(thread, query.include));
  },
});

const patch = route({
  method: "PATCH",
  path: "/threads/{thread_id}",
  tag,
  summary: "Merge metadata into a thread's, and change its time to live",
  action: "threads:update",
  params: threadParams,
  headers: { Prefer: "`return=minimal`: no body comes back" },
  body: schemas.patchBody,
  answers: {
    200: answer(schemas.thread, "The thread"),
    204: answer(null, "Done; with `Prefer: return=minimal`"),
    ...failures(400, 404, 422),
  },
  async handle({ ports, params, body, headers }) {
    const thread = await patchThread(ports, params.thread_id as ThreadId, readThreadPatch(body));
    if (wantsMinimal(headers)) return empty(204, { "preference-applied": "return=minimal" });
    return json(presentThread(await withValues(ports, thread)));
  },
});

function wantsMinimal({ prefer }: Headers): boolean {
  const wishes = [prefer ?? []].flat().join(",").split(/[,;]/);
  return wishes.some((one) => /^\s*return\s*=\s*"?minimal"?\s*$/i.test(one));
}

const remove = route({
  method: "DELETE",
  path: "/threads/{thread_id}",
  tag,
  summary: "Delete a thread with its runs and checkpoints",
  action: "threads:delete",
  params: threadParams,
  answers: { 204: answer(null, "It is gone"), ...failures(404, 422) },
  async handle({ ports, params }) {
    await deleteThread(ports, params.thread_id as ThreadId);
    return empty(204);
  },
});

const prune = route({
  method: "POST",
  path: "/threads/prune",
  tag,
  summary: "Delete threads, or what their latest states do not need",
  action: "threads:delete",
  body: schemas.pruneBody,
  answers: {
    200: answer(
      schemas.pruned,
      "How many; threads that are not there do not count, nor, with `keep_latest`, those with a run in flight",
    ),
    ...failures(400, 422),
  },
  async handle({ ports, body }) {
    const pruned = await pruneThreads(ports, body.thread_ids as ThreadId[], body.strategy);
    return json({ pruned_count: pruned });
  },
});

const storage = route({
  method: "GET",
  path: "/threads/{thread_id}/storage",
  tag,
  summary: "Tell what a thread's checkpoints take up",
  action: "threads:read",
  params: threadParams,
  answers: { 200: answer(schemas.storage, "Counts and bytes"), ...failures(404, 422) },
  async handle({ ports, params }) {
    const size = await measureThread(ports, params.thread_id as ThreadId);
    return json(presentStorage(params.thread_id, size));
  },
});

const copy = route({
  method: "POST",
  path: "/threads/{thread_id}/copy",
  tag,
  summary: "Copy a thread with its state and history",
  action: "threads:create",
  params: threadParams,
  events: copyThreadEvents,
  answers: { 200: answer(schemas.thread, "The copy"), ...failures(404, 422) },
  async handle({ ports, params }) {
    return json(presentThread(await copyThread(ports, params.thread_id as ThreadId)));
  },
});

export const threadRoutes: Route[] = [
  create,
  search,
  count,
  prune,
  storage,
  get,
  patch,
  remove,
  copy,
];
