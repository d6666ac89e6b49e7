import type { AIMessageChunk } from "@langchain/core/messages";

/**
 * Anthropic counts the tokens of an answer twice on the wire: as it begins (`message_start`, 1 or a few) and as it ends
 * (`message_delta`), where the count holds all of them. The library adds the two up; here each token counts once.
 */
export async function* countedOnce(
  chunks: AsyncIterable<AIMessageChunk>,
): AsyncGenerator<AIMessageChunk> {
  let known = 0;
  for await (const chunk of chunks) {
    const usage = chunk.usage_metadata;
    if (usage) {
      const twice = Math.min(known, usage.output_tokens);
      known = Math.max(known, usage.output_tokens);
      chunk.usage_metadata = {
        ...usage,
        output_tokens: usage.output_tokens - twice,
        total_tokens: usage.total_tokens - twice,
      };
    }
    yield chunk;
  }
}
