import { randomUUIDv7 } from "node:crypto";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import {
  callsOf,
  notesKey,
  notesOf,
  textOfContent,
  type MessageNotes,
  type StoredMessage,
} from "../../../core/message.ts";
import { encodeId } from "../ids.ts";
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

/** Those that a client of this API sees: what people and the assistant said, not what tools returned. */
export function isShown(message: StoredMessage): boolean {
  if (message.type === "human") return true;
  if (message.type !== "ai") return false;
  return textOfContent(message.content) !== "" || callsOf(message).length === 0;
}

export type OpenaiMessage = ReturnType<typeof presentMessage>;

export interface DatedMessage {
  message: StoredMessage;
  createdAt: number;
}

/** Those shown, oldest first. A message without notes, from another client, is as old as the one before it. */
export function datedMessages(
  messages: StoredMessage[],
  thread: { createdAt: number },
): DatedMessage[] {
  let createdAt = thread.createdAt;
  return messages.filter(isShown).map((message) => {
    createdAt = notesOf(message).created_at ?? createdAt;
    return { message, createdAt };
  });
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
