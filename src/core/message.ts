import type { AssistantId, RunId } from "./ids.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";

/** The graph every server has: a chat model with the tools of its assistant. */
export const builtinGraphId = "assistant";

/** A call of one of the client's functions; `arguments` is the JSON text as the model wrote it. */
export interface FunctionCall {
  id: string;
  name: string;
  arguments: string;
}

/** What the built-in graph interrupts with, once for all parallel calls. It is resumed with `FunctionOutputs`. */
export interface FunctionCallRequest {
  type: "function_calls";
  calls: FunctionCall[];
}

export interface FunctionOutputs {
  outputs: { tool_call_id: string; output: string }[];
}

/** Why a message, or the turn that wrote it, came to less than it was meant to. */
export type MessageGap =
  | "content_filter"
  | "max_tokens"
  | "run_cancelled"
  | "run_expired"
  | "run_failed";
export type TurnGap = "max_completion_tokens" | "max_prompt_tokens";

/**
 * What we remember about a message beside what every LangGraph client sees, under one key of its
 * `additional_kwargs`. All optional: other graphs and other clients write messages without.
 */
export interface MessageNotes {
  /** The turn that wrote it; see turn.ts. */
  turn_id?: RunId;
  assistant_id?: AssistantId;
  /** Milliseconds since 1970. */
  created_at?: number;
  completed_at?: number;
  /** When its text was complete, if calls follow it. */
  said_at?: number;
  /** What it said once more after its calls had begun, if it had said something before them. */
  later?: LaterText;
  /** The model's calls as it wrote them, also those whose arguments are no JSON. */
  calls?: FunctionCall[];
  /** The answer was broken off: its calls, or without any its text. */
  incomplete?: MessageGap;
  /** What the graph that made the calls needs to go on; until they are answered. */
  suspended?: Json;
  turn_incomplete?: TurnGap;
  /** The model failed here; the run then ends in error with the same words. */
  failure?: { error: string; message: string };
  metadata?: JsonObject;
  attachments?: Json[];
}

/**
 * The end of a message's text, from the character `from` on; `laterBreak` stands before it. To whoever was told that the text
 * before the calls is complete, it is a message of its own.
 */
export interface LaterText {
  from: number;
  created_at: number;
  metadata?: JsonObject;
}

export const laterBreak = "\n\n";

export const notesKey = "adjutant";

/** An element of the state's `messages`, in wire form. */
export interface StoredMessage {
  type: string;
  id: string;
  content: Json;
  additional_kwargs?: JsonObject;
  response_metadata?: JsonObject;
  tool_calls?: { id?: string; name: string; args: JsonObject }[];
  tool_call_id?: string;
  usage_metadata?: { input_tokens: number; output_tokens: number; total_tokens: number };
}

export function notesOf(message: { additional_kwargs?: unknown }): MessageNotes {
  const kwargs = message.additional_kwargs;
  const notes = isObject(kwargs) ? kwargs[notesKey] : undefined;
  return isObject(notes) ? (notes as MessageNotes) : {};
}

/** The text of a message's content, whichever way a provider cuts it into blocks. */
export function textOfContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((block: unknown) => {
      if (typeof block === "string") return block;
      const text = isObject(block) && block["type"] === "text" ? block["text"] : "";
      return typeof text === "string" ? text : "";
    })
    .join("");
}

/** The function calls of a message of the assistant's. */
export function callsOf(message: StoredMessage): FunctionCall[] {
  const { calls } = notesOf(message);
  if (calls) return calls;
  return (message.tool_calls ?? []).map(({ id, name, args }, at) => ({
    id: id ?? `call_${at}`,
    name,
    arguments: JSON.stringify(args),
  }));
}

/** The messages in a thread's values; empty when its graph keeps none. */
export function messagesIn(values: Json): StoredMessage[] {
  const messages = isObject(values) ? values["messages"] : undefined;
  if (!Array.isArray(messages)) return [];
  return messages.filter(
    (one) => isObject(one) && typeof one["type"] === "string",
  ) as unknown as StoredMessage[];
}
