import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type BaseMessage, type ToolCallChunk } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import {
  laterBreak,
  notesKey,
  textOfContent,
  type LaterText,
  type MessageNotes,
} from "../../core/message.ts";
import type { ChatModel } from "./models.ts";

/**
 * A model whose answer has the id we gave it and our notes on its first chunk. Providers' ids are not
 * unique enough to be ids in a thread, and readers of a stream want both before the first token.
 */
export class AnswerModel extends BaseChatModel {
  readonly #model: ChatModel;
  readonly #id: string;
  readonly #notes: MessageNotes;
  readonly #called = new Set<number>();
  /** Characters of text. */
  #said = 0;
  /** When the text was complete, if calls follow it. */
  #saidAt: number | undefined;
  #later: LaterText | undefined;

  constructor(params: { model: ChatModel; id: string; notes: MessageNotes }) {
    super({});
    this.#model = params.model;
    this.#id = params.id;
    this.#notes = params.notes;
  }

  /** What is known of the text when the answer is whole. */
  get textNotes(): Pick<MessageNotes, "said_at" | "later"> {
    return {
      ...(this.#saidAt !== undefined && { said_at: this.#saidAt }),
      ...(this.#later && { later: this.#later }),
    };
  }

  override _llmType(): string {
    return "assistant";
  }

  /** Some compatible servers give calls no id; whoever answers needs one, from the first chunk on. */
  #withId(chunk: ToolCallChunk): ToolCallChunk {
    const index = chunk.index ?? 0;
    if (this.#called.has(index)) return chunk;
    this.#called.add(index);
    const own = `${this.#id.replaceAll("-", "").slice(-21)}${String(index).padStart(3, "0")}`;
    return { ...chunk, id: chunk.id || `call_${own}` };
  }

  /** Most models speak before they call. When one speaks again afterwards, it begins a paragraph. */
  #textOf(given: AIMessageChunk): {
    content: AIMessageChunk["content"];
    later?: Pick<MessageNotes, "later">;
  } {
    if (this.#called.size === 0) return { content: given.content };
    const text = textOfContent(given.content);
    if (text === "" || this.#saidAt === undefined || this.#later) return { content: text };
    this.#later = { from: this.#said + laterBreak.length, created_at: Date.now() };
    return { content: laterBreak + text, later: { later: this.#later } };
  }

  #callsOf(given: AIMessageChunk): {
    chunks: ToolCallChunk[];
    notes?: Pick<MessageNotes, "said_at">;
  } {
    const isFirst = this.#called.size === 0;
    const chunks = (given.tool_call_chunks ?? []).map((one) => this.#withId(one));
    if (chunks.length === 0 || !isFirst || this.#said === 0) return { chunks };
    this.#saidAt = Date.now();
    return { chunks, notes: { said_at: this.#saidAt } };
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, runManager)) {
      whole = whole?.concat(chunk) ?? chunk;
    }
    return { generations: [whole!] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    // Cut off from our callbacks: its tokens would appear twice.
    const quiet = { signal: options.signal, tags: ["nostream"], callbacks: [] as [] };
    let isFirst = true;
    for await (const given of await this.#model.stream(messages, quiet)) {
      const { content, later } = this.#textOf(given);
      const text = textOfContent(content);
      this.#said += text.length;
      const calls = this.#callsOf(given);
      const notes = { ...(isFirst && this.#notes), ...later, ...calls.notes };
      const message = new AIMessageChunk({
        id: this.#id,
        content,
        tool_call_chunks: calls.chunks,
        response_metadata: given.response_metadata,
        ...(given.usage_metadata && { usage_metadata: given.usage_metadata }),
        additional_kwargs: Object.keys(notes).length > 0 ? { [notesKey]: notes } : {},
      });
      isFirst = false;
      const chunk = new ChatGenerationChunk({ message, text });
      yield chunk;
      await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
  }
}
