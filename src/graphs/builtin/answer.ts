import { randomUUIDv7 } from "node:crypto";
import { AIMessage, type AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import { failureOf } from "../../core/error.ts";
import {
  notesKey,
  textOfContent,
  type FunctionCall,
  type MessageNotes,
} from "../../core/message.ts";
import { AnswerModel } from "./answer-model.ts";
import { isServerTool } from "./context.ts";
import { parsedArguments, ToolUnavailable } from "./conversation.ts";
import type { ChatModel } from "./models.ts";

/** One answer of the model, also when it breaks off in the middle. */
export class Answer {
  readonly #id = randomUUIDv7();
  readonly #model: AnswerModel;
  readonly #notes: MessageNotes;
  readonly #modelName: string;
  #whole: AIMessageChunk | undefined;
  #stopped: string | undefined;

  constructor(model: ChatModel, notes: MessageNotes, modelName: string) {
    this.#notes = notes;
    this.#modelName = modelName;
    this.#model = new AnswerModel({ model, id: this.#id, notes });
  }

  async write(conversation: BaseMessage[], config: LangGraphRunnableConfig): Promise<AIMessage> {
    try {
      const { signal } = config;
      for await (const chunk of await this.#model.stream(conversation, signal ? { signal } : {})) {
        this.#stopped = stopReason(chunk) ?? this.#stopped;
        this.#whole = this.#whole?.concat(chunk) ?? chunk;
      }
    } catch (thrown) {
      const error = explain(thrown, this.#modelName);
      const calls = this.#calls();
      const isEmpty = textOfContent(this.#whole?.content) === "" && calls.length === 0;
      if (config.signal?.aborted || isEmpty) throw error;
      return this.#message({
        ...(calls.length > 0 && { calls }),
        incomplete: "run_failed",
        failure: failureOf(error),
      });
    }
    const calls = this.#calls().map((call) => ({ ...call, arguments: call.arguments || "{}" }));
    const unavailable = calls.find(({ name }) => isServerTool(name));
    if (unavailable) {
      const sentence = `The model called ${unavailable.name}, which this server cannot run yet. Remove the tool from the assistant, or give it a function that does the same.`;
      return this.#message({ calls, failure: failureOf(new ToolUnavailable(sentence)) });
    }
    const isCut = this.#stopped === "length" || this.#stopped === "max_tokens";
    return this.#message({
      ...(calls.length > 0 && { calls }),
      ...(isCut && { incomplete: "max_tokens", turn_incomplete: "max_completion_tokens" }),
      ...(this.#stopped === "content_filter" && { incomplete: "content_filter" }),
    });
  }

  #calls(): FunctionCall[] {
    return (this.#whole?.tool_call_chunks ?? []).map(({ id, name, args }) => ({
      id: id ?? "",
      name: name ?? "",
      arguments: args ?? "",
    }));
  }

  #message(notes: MessageNotes): AIMessage {
    const usage = this.#whole?.usage_metadata;
    // Calls that were broken off nobody will answer, and no other graph should wait for it.
    const due = notes.incomplete ? [] : (notes.calls ?? []);
    return new AIMessage({
      id: this.#id,
      content: textOfContent(this.#whole?.content),
      tool_calls: due.map((call) => ({
        id: call.id,
        name: call.name,
        args: parsedArguments(call),
        type: "tool_call",
      })),
      ...(usage && { usage_metadata: usage }),
      response_metadata: this.#stopped ? { finish_reason: this.#stopped } : {},
      additional_kwargs: {
        [notesKey]: {
          ...this.#notes,
          ...this.#model.textNotes,
          completed_at: Date.now(),
          ...notes,
        },
      },
    });
  }
}

/** OpenAI says `finish_reason`, Anthropic `stop_reason`. */
function stopReason(chunk: AIMessageChunk): string | undefined {
  const { finish_reason, stop_reason } = chunk.response_metadata as Record<string, unknown>;
  const reason = finish_reason ?? stop_reason;
  return typeof reason === "string" ? reason : undefined;
}

/** A provider that does not know the model: said as OpenAI said it, and how to go on. */
function explain(thrown: unknown, model: string): unknown {
  const { code, status, message } = thrown as {
    code?: unknown;
    status?: unknown;
    message?: unknown;
  };
  const isUnknown =
    code === "model_not_found" || (status === 404 && /model/i.test(String(message ?? "")));
  if (!isUnknown) return thrown;
  const sentence = `The requested model '${model}' does not exist. ${aliasHint(model)}`;
  return Object.assign(new Error(sentence), { name: "ModelNotFound" });
}

function aliasHint(model: string): string {
  return `To let another model answer for it, start the server with ADJUTANT_MODEL_ALIASES='${JSON.stringify({ [model]: "gpt-4.1-mini" })}'.`;
}
