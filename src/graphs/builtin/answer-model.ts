import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type BaseMessage, type ToolCallChunk } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { notesKey, textOfContent, type MessageNotes } from "../../core/message.ts";
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
  #hasSaid = false;
  /** When the text was complete, if calls follow it. */
  #saidAt: number | undefined;

  constructor(params: { model: ChatModel; id: string; notes: MessageNotes }) {
    super({});
    this.#model = params.model;
    this.#id = params.id;
    this.#notes = params.notes;
  }

  get saidAt(): number | undefined {
    return this.#saidAt;
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
      // Text comes before calls: its message is complete when they begin.
      const content = this.#called.size > 0 ? "" : given.content;
      const text = textOfContent(content);
      this.#hasSaid ||= text !== "";
      const calls = (given.tool_call_chunks ?? []).map((one) => this.#withId(one));
      const begins = calls.length > 0 && this.#hasSaid && this.#saidAt === undefined;
      if (begins) this.#saidAt = Date.now();
      const notes = { ...(isFirst && this.#notes), ...(begins && { said_at: this.#saidAt }) };
      const message = new AIMessageChunk({
        id: this.#id,
        content,
        tool_call_chunks: calls,
        response_metadata: given.response_metadata,
        ...(given.usage_metadata && { usage_metadata: given.usage_metadata }),
        additional_kwargs: isFirst || begins ? { [notesKey]: notes } : {},
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
