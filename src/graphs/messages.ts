import type { EventContent } from "../core/event.ts";
import { isMessage, isMessageChunk, toWire, type MessageChunk } from "./wire.ts";

/**
 * The events of stream mode `messages`: for each message that is being written its metadata once and
 * the whole of what has been written so far at every token; each finished message that appears in the
 * state once (specification 2.3).
 */
export class MessageEvents {
  readonly #written = new Map<string, MessageChunk>();
  readonly #complete = new Set<string>();

  /** A token, or a message written in one piece. */
  *onMessage(message: unknown, metadata: unknown): Generator<EventContent> {
    if (!isMessage(message) || message.id === undefined) return;
    if (!isMessageChunk(message)) {
      yield* this.#completed([message]);
      return;
    }
    const before = this.#written.get(message.id);
    const written = before ? before.concat(message) : message;
    this.#written.set(message.id, written);
    if (!before) {
      yield event("messages/metadata", { [message.id]: { metadata } });
    }
    yield event("messages/partial", [written]);
  }

  /** A state of the root graph. */
  *onValues(values: unknown): Generator<EventContent> {
    if (typeof values !== "object" || values === null) return;
    const messages = (values as { messages?: unknown }).messages;
    if (Array.isArray(messages)) yield* this.#completed(messages);
  }

  *#completed(messages: unknown[]): Generator<EventContent> {
    const fresh = messages
      .filter(isMessage)
      .filter(({ id }) => id !== undefined && !this.#complete.has(id));
    if (fresh.length === 0) return;
    for (const { id } of fresh) this.#complete.add(id!);
    yield event("messages/complete", fresh);
  }
}

function event(name: string, payload: unknown): EventContent {
  return { name, data: JSON.stringify(toWire(payload)) };
}
