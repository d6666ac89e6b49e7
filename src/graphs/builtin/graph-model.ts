import { AsyncLocalStorage } from "node:async_hooks";
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import type { LangGraphRunnableConfig } from "@langchain/langgraph";
import type { MemorySaver } from "@langchain/langgraph-checkpoint";
import { isObject, type JsonObject } from "../../core/json.ts";
import {
  callsOf,
  messagesIn,
  textOfContent,
  type FunctionCall,
  type StoredMessage,
} from "../../core/message.ts";
import { attach, type DrivenGraph } from "../driven.ts";
import { instantiate, type LoadedGraph, type WorkingGraph } from "../load.ts";
import { toCommand } from "../run-config.ts";
import { toWire } from "../wire.ts";
import type { ChatModel } from "./models.ts";
import { packSaver, unpackSaver, type Suspended } from "./suspended.ts";

/** Without the outer graph's configuration, which the library hands on by itself. */
const outside = AsyncLocalStorage.snapshot();

/** Outputs for the calls with which the graph stopped, and what it left then. */
export interface Resumption {
  suspended: Suspended;
  outputs: { tool_call_id: string; output: string }[];
}

/**
 * A deployed graph in the place of a model. The conversation goes in as plain messages, since its
 * project may have another copy of the libraries. What its models write is the answer, as it comes;
 * models whose tokens LangGraph does not stream (tag `nostream`) stay unheard. Functions of the
 * client's are called by the last message's `tool_calls`, which end the graph, or by an interrupt
 * with a `FunctionCallRequest`, which is resumed with `FunctionOutputs`.
 */
export class GraphModel implements ChatModel {
  readonly #loaded: LoadedGraph;
  readonly #config: LangGraphRunnableConfig;
  readonly #resumption: Resumption | null;
  #suspended: Suspended | null = null;

  constructor(
    loaded: LoadedGraph,
    config: LangGraphRunnableConfig,
    resumption: Resumption | null = null,
  ) {
    this.#loaded = loaded;
    this.#config = config;
    this.#resumption = resumption;
  }

  /** After the stream: what the graph left, if it stopped at an interrupt. */
  get suspended(): Suspended | null {
    return this.#suspended;
  }

  async stream(
    messages: BaseMessage[],
    { signal }: Parameters<ChatModel["stream"]>[1],
  ): Promise<AsyncIterable<AIMessageChunk>> {
    const { configurable: own = {} } = this.#config;
    const threadId = String(own["thread_id"]);
    const configurable = { thread_id: threadId, assistant_id: own["assistant_id"] };
    const runtime = {
      accessContext: "threads.create_run" as const,
      executionRuntime: { context: {} },
    };
    const graph = await instantiate(this.#loaded, { configurable } as JsonObject, runtime);
    const saver = new (this.#loaded as WorkingGraph).peers.checkpoint.MemorySaver();
    if (this.#resumption) unpackSaver(saver, threadId, this.#resumption.suspended);
    const alone = attach(graph, { checkpointer: saver, store: this.#config.store as never });
    const said = messages.map(asPlainMessage);
    const input = this.#resumption ? resumeCommand(this.#resumption) : { messages: said };
    const settings = {
      configurable,
      callbacks: [],
      streamMode: ["messages", "values"],
      ...(signal && { signal }),
    };
    return this.#answer(partsOf(alone, input, settings), { saver, threadId });
  }

  async *#answer(
    parts: AsyncIterable<[mode: string, payload: unknown]>,
    place: { saver: MemorySaver; threadId: string },
  ): AsyncGenerator<AIMessageChunk> {
    const answer = new GraphAnswer();
    for await (const [mode, payload] of parts) {
      if (mode === "messages") yield* answer.onMessage((payload as unknown[])[0]);
      else answer.onValues(payload);
    }
    yield* answer.rest();
    const { asked, calls } = answer.asked(this.#loaded.graphId);
    if (asked.length > 0) {
      this.#suspended = { asked, ...packSaver(place.saver, place.threadId) };
    }
    yield answer.end(calls);
  }
}

/** What a graph has said, and where it stands. */
class GraphAnswer {
  /** Text that was streamed, by message. */
  readonly #said = new Map<string, string>();
  #speaking: string | null = null;
  #known: Set<string> | null = null;
  #messages: StoredMessage[] = [];
  #interrupts: { id: string; value: unknown }[] = [];

  *onMessage(raw: unknown): Generator<AIMessageChunk> {
    const message = toWire(raw) as unknown as StoredMessage;
    if (message.type !== "ai" && message.type !== "AIMessageChunk") return;
    yield* this.#say(message.id, textOfContent(message.content));
  }

  onValues(raw: unknown): void {
    const values = toWire(raw);
    if (isObject(values) && Array.isArray(values["__interrupt__"])) {
      this.#interrupts = values["__interrupt__"] as unknown as { id: string; value: unknown }[];
      return;
    }
    this.#messages = messagesIn(values);
    // The first are those that went in.
    this.#known ??= new Set(this.#messages.map(({ id }) => id));
  }

  /** What the graph answered without a model that streams. */
  *rest(): Generator<AIMessageChunk> {
    const last = this.#own().findLast(({ type }) => type === "ai");
    if (!last) return;
    const text = textOfContent(last.content);
    const said = this.#said.get(last.id) ?? "";
    if (text.startsWith(said)) yield* this.#say(last.id, text.slice(said.length));
  }

  /** @throws when it asks for anything else than functions to be called, or says nothing at all. */
  asked(graphId: string): { asked: Suspended["asked"]; calls: FunctionCall[] } {
    const asked = this.#interrupts.map(({ id, value }) => ({
      interruptId: id,
      calls: requestedCalls(graphId, value),
    }));
    const last = this.#messages.at(-1);
    const unanswered = last?.type === "ai" && asked.length === 0 ? callsOf(last) : [];
    const calls = [...asked.flatMap((one) => one.calls), ...unanswered];
    if (calls.length === 0 && !this.#own().some(({ type }) => type === "ai")) {
      throw new Error(
        `Graph "${graphId}" ended without a message of the assistant in \`messages\`.`,
      );
    }
    return {
      asked: asked.map((one) => ({
        interruptId: one.interruptId,
        callIds: one.calls.map(({ id }) => id),
      })),
      calls,
    };
  }

  end(calls: FunctionCall[]): AIMessageChunk {
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    for (const { usage_metadata: used } of this.#own()) {
      usage.input_tokens += used?.input_tokens ?? 0;
      usage.output_tokens += used?.output_tokens ?? 0;
      usage.total_tokens += used?.total_tokens ?? 0;
    }
    return new AIMessageChunk({
      content: "",
      tool_call_chunks: calls.map(({ id, name, arguments: args }, index) => ({
        index,
        id,
        name,
        args,
        type: "tool_call_chunk" as const,
      })),
      ...(usage.total_tokens > 0 && { usage_metadata: usage }),
    });
  }

  #own(): StoredMessage[] {
    return this.#messages.filter(({ id }) => !this.#known?.has(id));
  }

  /** One message after another, with an empty line between two. */
  *#say(id: string, text: string): Generator<AIMessageChunk> {
    if (text === "") return;
    const isNext = this.#speaking !== null && this.#speaking !== id;
    this.#speaking = id;
    this.#said.set(id, (this.#said.get(id) ?? "") + text);
    yield new AIMessageChunk({ content: isNext ? `\n\n${text}` : text });
  }
}

async function* partsOf(
  graph: DrivenGraph,
  input: unknown,
  settings: object,
): AsyncGenerator<[string, unknown]> {
  const stream = await outside(() => graph.stream(input, settings));
  const parts = outside(() => stream[Symbol.asyncIterator]());
  try {
    for (;;) {
      const { value, done } = await outside(() => parts.next());
      if (done) return;
      yield value as [string, unknown];
    }
  } finally {
    await outside(() => parts.return?.());
  }
}

function requestedCalls(graphId: string, value: unknown): FunctionCall[] {
  const calls = isObject(value) && value["type"] === "function_calls" ? value["calls"] : null;
  const isCall = (one: unknown) =>
    isObject(one) &&
    [one["id"], one["name"], one["arguments"]].every((it) => typeof it === "string");
  if (Array.isArray(calls) && calls.length > 0 && calls.every(isCall)) {
    return calls as unknown as FunctionCall[];
  }
  throw new Error(
    `Graph "${graphId}" stopped to ask something that is no function call, and a client of this API ` +
      'can answer nothing else. Let it interrupt with {type: "function_calls", calls: [{id, name, ' +
      "arguments}]}, where arguments are JSON text.",
  );
}

function resumeCommand({ suspended, outputs }: Resumption): unknown {
  const answers = suspended.asked.map(({ interruptId, callIds }) => [
    interruptId,
    { outputs: outputs.filter(({ tool_call_id }) => callIds.includes(tool_call_id)) },
  ]);
  return toCommand({ resume: Object.fromEntries(answers) as JsonObject });
}

function asPlainMessage(message: BaseMessage): JsonObject {
  const content = toWire(message.content);
  const { tool_calls, tool_call_id } = toWire(message) as unknown as StoredMessage;
  switch (message.getType()) {
    case "system":
      return { role: "system", content };
    case "ai":
      return {
        role: "assistant",
        content,
        ...(tool_calls?.length && { tool_calls: tool_calls as unknown as JsonObject[] }),
      };
    case "tool":
      return { role: "tool", content, tool_call_id: tool_call_id ?? "" };
    default:
      return { role: "user", content };
  }
}
