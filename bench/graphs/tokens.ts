import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

const tokenCount = 200;

/** A model that says 200 tokens as fast as it is asked for them. */
class TokenModel extends BaseChatModel {
  override _llmType(): string {
    return "tokens";
  }

  override async _generate(): Promise<ChatResult> {
    const message = new AIMessage("token ".repeat(tokenCount));
    return { generations: [{ message, text: message.text }] };
  }

  override async *_streamResponseChunks(
    _messages: unknown,
    _options: unknown,
    callbacks?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (let spoken = 0; spoken < tokenCount; spoken += 1) {
      const text = "token ";
      const chunk = new ChatGenerationChunk({ message: new AIMessageChunk(text), text });
      yield chunk;
      await callbacks?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, {
        chunk,
      });
    }
  }
}

const model = new TokenModel({});

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("speak", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, "speak")
  .addEdge("speak", END)
  .compile();
