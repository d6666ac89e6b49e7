import { builtinGraphId } from "../../core/message.ts";
import { addMessages } from "../../core/operations/messages.ts";
import { requireThread } from "../../core/operations/find.ts";
import {
  changeThreadMetadata,
  createThread,
  deleteThread,
  searchThreads,
} from "../../core/operations/threads.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Thread } from "../../core/thread.ts";
import { json, route, type Route } from "../route.ts";
import { answers, anyBody, threadParams } from "./common.ts";
import { inOpenaiWords } from "./errors.ts";
import { threadIdOf } from "./ids.ts";
import { listPage, pagingQuery, readAll, readPaging } from "./lists.ts";
import { createThreadBody, updateThreadBody, type CreateThreadBody } from "./schemas.ts";
import { checked } from "./validate.ts";
import { upgradeThread } from "./version1.ts";
import { readMessage } from "./wire/messages.ts";
import { changedMetadata, presentThread, threadMetadata } from "./wire/threads.ts";

const tag = "Threads";

const create = route({
  method: "POST",
  path: "/threads",
  tag,
  summary: "Create a thread",
  action: "threads:create",
  body: anyBody,
  answers: answers("The thread"),
  async handle({ ports, body }) {
    const given = checked(createThreadBody, upgradeThread(body));
    const thread = await createEmptyThread(ports, given);
    const now = ports.clock.now();
    const messages = (given.messages ?? []).map((message) => readMessage(message, now));
    await addMessages(ports, thread.threadId, messages);
    return json(presentThread(thread));
  },
});

export function createEmptyThread(
  ports: Ports,
  body: Pick<CreateThreadBody, "metadata" | "tool_resources">,
): Promise<Thread> {
  return createThread(ports, {
    metadata: threadMetadata(builtinGraphId, body),
    ifExists: "raise",
  });
}

const list = route({
  method: "GET",
  path: "/threads",
  tag,
  summary: "List threads, which OpenAI never offered",
  action: "threads:search",
  query: pagingQuery,
  answers: answers("A page of them"),
  async handle({ ports, query }) {
    const paging = readPaging(query);
    const threads = await readAll((page) =>
      searchThreads(ports, {
        filter: {},
        sort: { by: "created_at", order: "desc" },
        page,
        withValues: false,
      }),
    );
    return json(listPage(threads.map(presentThread), paging));
  },
});

const retrieve = route({
  method: "GET",
  path: "/threads/{thread_id}",
  tag,
  summary: "Get a thread",
  action: "threads:read",
  params: threadParams,
  answers: answers("The thread"),
  async handle({ ports, params }) {
    return json(presentThread(await findThread(ports, params.thread_id)));
  },
});

const update = route({
  method: "POST",
  path: "/threads/{thread_id}",
  tag,
  summary: "Change a thread's metadata and tool resources",
  action: "threads:update",
  params: threadParams,
  body: anyBody,
  answers: answers("The thread"),
  async handle({ ports, params, body }) {
    const given = checked(updateThreadBody, body);
    const { threadId } = await findThread(ports, params.thread_id);
    const thread = await changeThreadMetadata(ports, threadId, (metadata) =>
      changedMetadata(metadata, given),
    );
    return json(presentThread(thread));
  },
});

const remove = route({
  method: "DELETE",
  path: "/threads/{thread_id}",
  tag,
  summary: "Delete a thread with its messages and runs",
  action: "threads:delete",
  params: threadParams,
  answers: answers("That it is gone"),
  async handle({ ports, params }) {
    const { threadId } = await findThread(ports, params.thread_id);
    await deleteThread(ports, threadId);
    return json({ id: params.thread_id, object: "thread.deleted", deleted: true });
  },
});

export function findThread(ports: Ports, id: string): Promise<Thread> {
  return inOpenaiWords(requireThread(ports, threadIdOf(id)), { noun: "thread", id });
}

export const threadRoutes: Route[] = [create, list, retrieve, update, remove];
