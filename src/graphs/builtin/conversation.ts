import {
  AIMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
  type BaseMessage,
} from "@langchain/core/messages";
import { isObject, type JsonObject } from "../../core/json.ts";
import { notesOf, textOfContent, type FunctionCall } from "../../core/message.ts";
import { isStructured, type ModelPlace } from "./models.ts";
import type { Context } from "./context.ts";

/** What a conversation may take when nothing else is said, in tokens. */
const conversationTokensMax = 120_000;

/**
 * What the model is shown: instructions, then the thread's messages. What functions returned belongs
 * to its own turn and is not shown to later ones, as the Assistants API has it.
 */
export function buildConversation(params: {
  messages: BaseMessage[];
  context: Context;
  turnId: string;
  provider: ModelPlace["provider"];
  /** Tokens that `max_prompt_tokens` leaves. */
  promptTokensMax: number | null;
}): BaseMessage[] {
  const { messages, context, turnId } = params;
  const told = messages.filter((one) => one.getType() === "system").map(({ content }) => content);
  const instructions = [context.instructions, ...told.map(textOfContent), formatNote(params)];
  const text = instructions.filter(Boolean).join("\n\n");
  const system = text === "" ? [] : [new SystemMessage(text)];
  const isOwn = (one: BaseMessage) => notesOf(one).turn_id === turnId;
  const history = messages.filter((one) => !isOwn(one)).flatMap(asHistory);
  const own = messages.filter(isOwn).flatMap(asOwn);
  const strategy = context.truncation_strategy;
  const newest =
    strategy?.type === "last_messages" && strategy.last_messages
      ? history.slice(-strategy.last_messages)
      : history;
  const room = params.promptTokensMax ?? conversationTokensMax;
  const fixed = estimateTokens([...system, ...own]);
  return [...system, ...withoutMiddle(newest, room - fixed), ...own];
}

/** Anthropic has no setting for it. */
function formatNote(params: { context: Context; provider: string }): string | null {
  const format = params.context.response_format;
  if (params.provider !== "anthropic" || !isStructured(format)) return null;
  const wanted = (format as JsonObject)["json_schema"];
  const schema = isObject(wanted) && wanted["schema"];
  const sentence = "Answer with one JSON document and nothing around it";
  return schema ? `${sentence}, valid for this schema: ${JSON.stringify(schema)}` : `${sentence}.`;
}

function asHistory(message: BaseMessage): BaseMessage[] {
  if (message.getType() === "human") return [new HumanMessage({ content: askedContent(message) })];
  const text = message.getType() === "ai" ? textOfContent(message.content) : "";
  return text === "" ? [] : [new AIMessage(text)];
}

function asOwn(message: BaseMessage): BaseMessage[] {
  if (ToolMessage.isInstance(message)) {
    const { content, tool_call_id } = message;
    return [new ToolMessage({ content, tool_call_id })];
  }
  const calls = (notesOf(message).calls ?? []).map((call) => ({
    id: call.id,
    name: call.name,
    args: parsedArguments(call),
    type: "tool_call" as const,
  }));
  const content = textOfContent(message.content);
  return content === "" && calls.length === 0
    ? []
    : [new AIMessage({ content, tool_calls: calls })];
}

/** What is no JSON is answered by the client; the model is then shown a call without arguments. */
export function parsedArguments(call: FunctionCall): JsonObject {
  try {
    const parsed: unknown = JSON.parse(call.arguments);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function askedContent(message: BaseMessage): HumanMessage["content"] {
  if (typeof message.content === "string") return message.content;
  const files = message.content.filter((block) => block.type === "image_file");
  if (files.length > 0) {
    throw new ToolUnavailable(
      "A message shows an image by its file id. Give its address as image_url instead.",
    );
  }
  return message.content;
}

/** What the turn needs and this server does not have. */
export class ToolUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ToolUnavailable";
  }
}

/** Keeps the first message and as many of the newest as fit. */
function withoutMiddle(messages: BaseMessage[], tokensMax: number): BaseMessage[] {
  const kept = [...messages];
  let tokens = estimateTokens(kept);
  while (kept.length > 1 && tokens > tokensMax) {
    const [dropped] = kept.splice(kept.length > 2 ? 1 : 0, 1);
    tokens -= estimateTokens([dropped!]);
  }
  return kept;
}

const bytesPerToken = 3; // 4 for English, less for Korean and for code
const tokensPerMessage = 4;

export function estimateTokens(messages: BaseMessage[]): number {
  return messages.reduce((total, { content }) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    return total + tokensPerMessage + Math.ceil(Buffer.byteLength(text) / bytesPerToken);
  }, 0);
}
