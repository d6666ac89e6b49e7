import { z } from "zod";
import {
  addMessages,
  changeMessage,
  deleteMessage,
  listMessages,
} from "../../core/operations/messages.ts";
import { threadDraft } from "../../core/operations/drafts.ts";
import { notesOf, type StoredMessage } from "../../core/message.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Thread } from "../../core/thread.ts";
import { text } from "../query.ts";
import { json, route, type Route } from "../route.ts";
import { answers, anyBody, messageParams, threadParams } from "./common.ts";
import { inOpenaiWords, notFoundError } from "./errors.ts";
import { encodeId, runIdOf } from "./ids.ts";
import { pagingQuery, presentPage, readPaging } from "./lists.ts";
import { createMessageBody, metadataBody } from "./schemas.ts";
import { findThread } from "./threads.ts";
import { checked } from "./validate.ts";
import { upgradeMessage } from "./version1.ts";
import {
  datedMessages,
  presentMessage,
  readMessage,
  withMetadata,
  withoutShown,
  type DatedMessage,
  type OpenaiMessage,
} from "./wire/messages.ts";

const tag = "Messages";

const create = route({
  method: "POST",
  path: "/threads/{thread_id}/messages",
  tag,
  summary: "Add a message to a thread",
  action: "threads:update",
  params: threadParams,
  body: anyBody,
  answers: answers("The message"),
  async handle({ ports, params, body }) {
    const given = checked(createMessageBody, upgradeMessage(body));
    const { threadId } = await findThread(ports, params.thread_id);
    const now = ports.clock.now();
    const message = readMessage(given, now);
    await inOpenaiWords(addMessages(ports, threadId, [message]), {
      noun: "thread",
      id: params.thread_id,
      threadId: encodeId("thread", threadId),
      adds: true,
    });
    return json(presentMessage(message, threadId, now));
  },
});

const list = route({
  method: "GET",
  path: "/threads/{thread_id}/messages",
  tag,
  summary: "List a thread's messages",
  action: "threads:read",
  params: threadParams,
  query: { ...pagingQuery, run_id: text(z.string().optional()) },
  answers: answers("A page of them"),
  async handle({ ports, params, query }) {
    const paging = readPaging(query);
    const { thread, messages } = await readMessages(ports, params.thread_id);
    const turnId = query.run_id && runIdOf(query.run_id);
    const wanted = turnId
      ? messages.filter(({ message }) => notesOf(message).turn_id === turnId)
      : messages;
    const page = presentPage(
      wanted.toReversed(),
      paging,
      ({ message }) => encodeId("msg", message.id),
      (shown) => shown.map((one) => presentMessage(one.message, thread.threadId, one.createdAt)),
    );
    return json(page);
  },
});

const retrieve = route({
  method: "GET",
  path: "/threads/{thread_id}/messages/{message_id}",
  tag,
  summary: "Get a message",
  action: "threads:read",
  params: messageParams,
  answers: answers("The message"),
  async handle({ ports, params }) {
    const { presented } = await findMessage(ports, params);
    return json(presented);
  },
});

const update = route({
  method: "POST",
  path: "/threads/{thread_id}/messages/{message_id}",
  tag,
  summary: "Change a message's metadata",
  action: "threads:update",
  params: messageParams,
  body: anyBody,
  answers: answers("The message"),
  async handle({ ports, params, body }) {
    const { metadata } = checked(metadataBody, body);
    const { thread, message, stored, presented } = await findMessage(ports, params);
    if (metadata === undefined) return json(presented);
    const changing = changeMessage(ports, thread.threadId, stored.id, (current) =>
      withMetadata(current, message.id, metadata ?? {}),
    );
    await inOpenaiWords(changing, aboutMessage(params, thread));
    return json({ ...presented, metadata: metadata ?? {} });
  },
});

const remove = route({
  method: "DELETE",
  path: "/threads/{thread_id}/messages/{message_id}",
  tag,
  summary: "Delete a message",
  action: "threads:update",
  params: messageParams,
  answers: answers("That it is gone"),
  async handle({ ports, params }) {
    const { thread, message, stored } = await findMessage(ports, params);
    const { threadId } = thread;
    const left = (current: StoredMessage) => withoutShown(current, message.id);
    const deleting: Promise<unknown> = left(stored)
      ? changeMessage(ports, threadId, stored.id, (current) => left(current) ?? current)
      : deleteMessage(ports, threadId, stored.id);
    await inOpenaiWords(deleting, aboutMessage(params, thread));
    return json({ id: params.message_id, object: "thread.message.deleted", deleted: true });
  },
});

function aboutMessage(params: { message_id: string }, thread: Thread) {
  const threadId = encodeId("thread", thread.threadId);
  return { noun: "message" as const, id: params.message_id, threadId };
}

async function readMessages(
  ports: Ports,
  id: string,
): Promise<{ thread: Thread; messages: DatedMessage[] }> {
  const thread = await findThread(ports, id);
  // Before the rest: an answer that is stored meanwhile is then among it.
  const draft = await threadDraft(ports, thread);
  const stored = await inOpenaiWords(listMessages(ports, thread.threadId), { noun: "thread", id });
  const isNew = draft !== null && !stored.some((message) => message.id === draft.id);
  return { thread, messages: datedMessages(isNew ? [...stored, draft] : stored, thread) };
}

async function findMessage(
  ports: Ports,
  params: { thread_id: string; message_id: string },
): Promise<DatedMessage & { thread: Thread; presented: OpenaiMessage }> {
  const { thread, messages } = await readMessages(ports, params.thread_id);
  const wanted = encodeId("msg", params.message_id);
  const found = messages.find(({ message }) => encodeId("msg", message.id) === wanted);
  if (!found) throw notFoundError("message", params.message_id);
  const presented = presentMessage(found.message, thread.threadId, found.createdAt);
  return { ...found, thread, presented };
}

export const messageRoutes: Route[] = [create, list, retrieve, update, remove];
