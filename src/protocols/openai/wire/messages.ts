import { randomUUIDv7 } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import {
  callsOf,
  laterBreak,
  notesKey,
  notesOf,
  textOfContent,
  type MessageNotes,
  type StoredMessage,
} from "../../../core/message.ts";
import { encodeId, hashedUuid } from "../ids.ts";
import type { CreateMessageBody } from "../schemas.ts";
import { presentMetadata, seconds } from "./common.ts";

/** A message as the state stores it. */
export function readMessage(body: CreateMessageBody, now: number): StoredMessage {
  const notes: MessageNotes = {
    created_at: now,
    completed_at: now,
    ...(body.metadata && { metadata: body.metadata }),
    ...(body.attachments && { attachments: body.attachments as Json[] }),
  };
  return {
    type: body.role === "user" ? "human" : "ai",
    id: randomUUIDv7(),
    content: body.content as Json,
    additional_kwargs: { [notesKey]: notes as JsonObject },
  };
}

/**
 * What a client of this API sees of a message: nothing of what tools returned and of calls without a word, one message of what
 * was said, and two if the assistant went on to speak after its calls.
 */
export function shownMessages(message: StoredMessage): StoredMessage[] {
  if (notesOf(message).later) {
    return [earlierMessage(message), laterMessage(message)].filter(({ content }) => content !== "");
  }
  return isShown(message) ? [message] : [];
}

function isShown(message: StoredMessage): boolean {
  if (message.type === "human") return true;
  if (message.type !== "ai") return false;
  return textOfContent(message.content) !== "" || callsOf(message).length === 0;
}

export function laterId(messageId: string): string {
  return hashedUuid(`${messageId}:later`);
}

function earlierMessage(message: StoredMessage): StoredMessage {
  const { later, ...notes } = notesOf(message);
  const end = Math.max(0, later!.from - laterBreak.length);
  return withNotes({ ...message, content: textOfContent(message.content).slice(0, end) }, notes);
}

/** What was said after the calls, of a message that has some of it. */
export function laterMessage(message: StoredMessage): StoredMessage {
  const {
    later,
    said_at: _saidAt,
    metadata: _metadata,
    calls: _calls,
    ...notes
  } = notesOf(message);
  const { from, ...own } = later!;
  const content = textOfContent(message.content).slice(from);
  return withNotes({ type: message.type, id: laterId(message.id), content }, { ...notes, ...own });
}

/** The stored message with other metadata for the message that is shown as `shownId`. */
export function withMetadata(
  stored: StoredMessage,
  shownId: string,
  metadata: JsonObject,
): StoredMessage {
  const notes = notesOf(stored);
  const { later } = notes;
  return later && shownId !== stored.id
    ? withNotes(stored, { ...notes, later: { ...later, metadata } })
    : withNotes(stored, { ...notes, metadata });
}

/** The stored message without the message that is shown as `shownId`; null when nothing is left of it. */
export function withoutShown(stored: StoredMessage, shownId: string): StoredMessage | null {
  const { later, ...notes } = notesOf(stored);
  const left = shownMessages(stored).find(({ id }) => id !== shownId);
  if (!later || !left) return null;
  return left.id === stored.id
    ? withNotes({ ...stored, content: left.content }, notes)
    : withNotes({ ...stored, content: left.content }, { ...notes, later: { ...later, from: 0 } });
}

function withNotes(message: StoredMessage, notes: MessageNotes): StoredMessage {
  const kwargs = { ...message.additional_kwargs, [notesKey]: notes as JsonObject };
  return { ...message, additional_kwargs: kwargs };
}

export type OpenaiMessage = ReturnType<typeof presentMessage>;

export interface DatedMessage {
  message: StoredMessage;
  /** Of which it is shown: itself, for most. */
  stored: StoredMessage;
  createdAt: number;
}

/** Those shown, oldest first. A message without notes, from another client, is as old as the one before it. */
export function datedMessages(
  messages: StoredMessage[],
  thread: { createdAt: number },
): DatedMessage[] {
  let createdAt = thread.createdAt;
  return messages.flatMap((stored) =>
    shownMessages(stored).map((message) => {
      createdAt = notesOf(message).created_at ?? createdAt;
      return { message, stored, createdAt };
    }),
  );
}

/** Also of one that is being written (`core/draft.ts`), which has no time of its end yet. */
export function presentMessage(message: StoredMessage, threadId: string, createdAt: number) {
  const notes = notesOf(message);
  const { turn_id: turnId, assistant_id: assistantId, attachments, metadata, said_at } = notes;
  const isWriting = turnId !== undefined && said_at === undefined && !notes.completed_at;
  // What was broken off after the text were the calls.
  const gap = said_at === undefined ? notes.incomplete : undefined;
  const endedAt = isWriting ? null : seconds(said_at ?? notes.completed_at ?? createdAt);
  return {
    id: encodeId("msg", message.id),
    object: "thread.message" as const,
    created_at: seconds(createdAt),
    thread_id: encodeId("thread", threadId),
    status: isWriting
      ? ("in_progress" as const)
      : gap
        ? ("incomplete" as const)
        : ("completed" as const),
    incomplete_details: gap ? { reason: gap } : null,
    completed_at: gap ? null : endedAt,
    incomplete_at: gap ? endedAt : null,
    role: message.type === "human" ? ("user" as const) : ("assistant" as const),
    content: presentContent(message),
    assistant_id: assistantId ? encodeId("asst", assistantId) : null,
    run_id: turnId ? encodeId("run", turnId) : null,
    attachments: attachments ?? [],
    metadata: presentMetadata(metadata),
  };
}

function textPart(value: string) {
  return { type: "text", text: { value, annotations: [] as unknown[] } };
}

/** What the assistant wrote is one text; what people wrote keeps its parts. */
function presentContent(message: StoredMessage): unknown[] {
  const { content } = message;
  if (!Array.isArray(content) || (message.type === "ai" && notesOf(message).turn_id)) {
    const text = textOfContent(content);
    return text === "" && message.type === "ai" ? [] : [textPart(text)];
  }
  return content.flatMap((block): unknown[] => {
    if (typeof block === "string") return [textPart(block)];
    if (!isObject(block)) return [];
    switch (block["type"]) {
      case "text":
        return [textPart(String(block["text"] ?? ""))];
      case "image_url":
        return [{ type: "image_url", image_url: presentImage(block["image_url"]) }];
      case "image_file":
        return [{ type: "image_file", image_file: presentImage(block["image_file"]) }];
      default:
        return [];
    }
  });
}

function presentImage(image: Json | undefined): Json {
  if (typeof image === "string") return { url: image, detail: "auto" };
  return { detail: "auto", ...(isObject(image) ? image : {}) };
}
