import {
  BaseChatModel,
  type BaseChatModelParams,
} from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type BaseMessage, type ToolMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { textOfContent } from "../../core/message.ts";

interface OfflineTool {
  function: { name: string; parameters?: { properties?: Record<string, { type?: string }> } };
}
type OfflineOptions = BaseChatModel["ParsedCallOptions"] & { tools?: OfflineTool[] };

const label = "(Offline model: this is not a language model. Set OPENAI_API_KEY for a real one.)";

/**
 * Answers where no model can be reached, so that a first program runs: it repeats what was said, and
 * calls a function that the message names. The same messages give the same answer, always.
 */
export class OfflineModel extends BaseChatModel {
  readonly #tools: OfflineTool[];

  constructor({ tools, ...rest }: BaseChatModelParams & { tools: OfflineTool[] }) {
    super(rest);
    this.#tools = tools;
  }

  override _llmType(): string {
    return "offline";
  }

  override async _generate(messages: BaseMessage[], options: OfflineOptions): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options)) {
      whole = whole?.concat(chunk) ?? chunk;
    }
    return { generations: [whole!] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: OfflineOptions,
  ): AsyncGenerator<ChatGenerationChunk> {
    const last = messages.at(-1);
    const asked = messages.findLast((message) => message.getType() === "human");
    const said = textOfContent(asked?.content ?? "");
    const tool = last?.getType() === "tool" ? undefined : this.#named(said);
    const text = last?.getType() === "tool" ? results(messages) : `${label} You said: ${said}`;
    const call = tool && { index: 0, id: callId(messages), name: tool.function.name };
    const chunks = call
      ? [
          new AIMessageChunk({ content: "", tool_call_chunks: [{ ...call, args: "" }] }),
          new AIMessageChunk({
            content: "",
            tool_call_chunks: [{ index: 0, args: JSON.stringify(argumentsFor(tool, said)) }],
          }),
        ]
      : (text.match(/\s*\S+|\s+$/g) ?? []).map((content) => new AIMessageChunk({ content }));
    const output = chunks.length;
    const input = messages.length;
    const usage_metadata = {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
    };
    for (const message of [...chunks, new AIMessageChunk({ content: "", usage_metadata })]) {
      // One turn of the event loop a token: readers see tokens, not one burst, and can cancel.
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      yield new ChatGenerationChunk({ message, text: textOfContent(message.content) });
    }
  }

  #named(text: string): OfflineTool | undefined {
    const words = text.toLowerCase();
    return this.#tools.find(({ function: { name } }) => {
      const spoken = name.toLowerCase().replaceAll(/[_-]+/g, " ");
      return words.includes(name.toLowerCase()) || words.includes(spoken);
    });
  }
}

/** Unique in a conversation, which is all that is asked of it. */
function callId(messages: BaseMessage[]): string {
  return `call_offline${String(messages.length).padStart(17, "0")}`;
}

function results(messages: BaseMessage[]): string {
  const start = messages.findLastIndex((message) => message.getType() !== "tool") + 1;
  const outputs = (messages.slice(start) as ToolMessage[]).map(({ content }) =>
    textOfContent(content),
  );
  return `${label} The function returned: ${outputs.join(", ")}`;
}

/** Numbers for numbers, in order; everything else gets the text, or its number where it has one. */
function argumentsFor(tool: OfflineTool, text: string): Record<string, unknown> {
  const numbers = text.replaceAll(",", "").match(/-?\d+(\.\d+)?/g) ?? [];
  const properties = Object.entries(tool.function.parameters?.properties ?? {});
  return Object.fromEntries(
    properties.map(([name, { type }], at) => {
      const number = numbers[at];
      if (type === "number" || type === "integer") return [name, Number(number ?? 0)];
      if (type === "boolean") return [name, true];
      if (type === "array") return [name, []];
      if (type === "object") return [name, {}];
      return [name, number ?? text];
    }),
  );
}
