import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";
import { answer, textOf, type Answer } from "./offline-answers.ts";
import type { ToolDescription } from "./offline-tools.ts";

interface OfflineCallOptions extends BaseChatModelCallOptions {
  /** In OpenAI's form: `{type: "function", function: {name, description, parameters}}`. */
  tools?: { function: ToolDescription }[];
}

/**
 * A stand-in for a language model, for a first run without a key and for tests without a network. It
 * is not a language model and says so in every answer: it follows the rules in offline-answers.ts and
 * offline-tools.ts. The same messages and tools give the same answer, always.
 */
export class OfflineChatModel extends BaseChatModel<OfflineCallOptions> {
  /** Why there is no language model, as a clause: "llm_provider is …". */
  readonly reason: string;

  constructor({ reason, ...rest }: BaseChatModelParams & { reason: string }) {
    super(rest);
    this.reason = reason;
  }

  static override lc_name(): string {
    return "OfflineChatModel";
  }

  override _llmType(): string {
    return "offline";
  }

  override getLsParams(): LangSmithParams {
    return { ls_provider: "offline", ls_model_name: "offline", ls_model_type: "chat" };
  }

  override bindTools(tools: BindToolsInput[], options?: Partial<OfflineCallOptions>) {
    return this.withConfig({ tools: tools.map((one) => convertToOpenAITool(one)), ...options });
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): Promise<ChatResult> {
    const given = this.#answer(messages, options);
    const message = new AIMessage({
      content: given.text,
      tool_calls: given.calls.map((call) => ({ ...call, type: "tool_call" as const })),
      response_metadata: this.#label(given),
      usage_metadata: usage(messages, given),
    });
    return { generations: [{ text: given.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const given = this.#answer(messages, options);
    for (const message of [
      ...textChunks(given),
      ...toolCallChunks(given),
      new AIMessageChunk({
        content: "",
        response_metadata: this.#label(given),
        usage_metadata: usage(messages, given),
      }),
    ]) {
      // One turn of the event loop a token: readers see tokens, not one burst, and can cancel.
      await new Promise((resolve) => setImmediate(resolve));
      options.signal?.throwIfAborted();
      const text = textOf(message);
      const chunk = new ChatGenerationChunk({ message, text });
      yield chunk;
      await runManager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
  }

  #answer(messages: BaseMessage[], options: this["ParsedCallOptions"]): Answer {
    const tools = (options.tools ?? []).map((one) => one.function);
    return answer({ messages, tools, toolChoice: options.tool_choice, reason: this.reason });
  }

  #label(given: Answer): Record<string, unknown> {
    return {
      model_name: "offline",
      model_provider: "offline",
      offline_reason: this.reason,
      finish_reason: given.calls.length > 0 ? "tool_calls" : "stop",
    };
  }
}

/** A word with the space before it is this model's token. */
function tokens(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

function textChunks(given: Answer): AIMessageChunk[] {
  return tokens(given.text).map((content) => new AIMessageChunk({ content }));
}

function toolCallChunks(given: Answer): AIMessageChunk[] {
  return given.calls.flatMap(({ id, name, args }, index) => [
    new AIMessageChunk({
      content: "",
      tool_call_chunks: [{ type: "tool_call_chunk", index, id, name, args: "" }],
    }),
    ...tokens(JSON.stringify(args)).map(
      (part) =>
        new AIMessageChunk({
          content: "",
          tool_call_chunks: [{ type: "tool_call_chunk", index, args: part }],
        }),
    ),
  ]);
}

function usage(messages: BaseMessage[], given: Answer) {
  const input_tokens = messages.flatMap((message) => tokens(textOf(message))).length;
  const output_tokens = [
    given.text,
    ...given.calls.map((call) => JSON.stringify(call.args)),
  ].flatMap(tokens).length;
  return { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
}
