import { randomUUIDv7 } from "node:crypto";
import { AIMessage, ToolMessage, type BaseMessage } from "@langchain/core/messages";
import {
  END,
  interrupt,
  MessagesValue,
  START,
  StateGraph,
  StateSchema,
  type LangGraphRunnableConfig,
} from "@langchain/langgraph";
import type { AssistantId, RunId } from "../../core/ids.ts";
import { isObject } from "../../core/json.ts";
import {
  notesKey,
  notesOf,
  textOfContent,
  type FunctionCall,
  type FunctionCallRequest,
  type MessageNotes,
} from "../../core/message.ts";
import { toWire } from "../wire.ts";
import { Answer } from "./answer.ts";
import type { GraphModel, Resumption } from "./graph-model.ts";
import type { Suspended } from "./suspended.ts";
import { ContextSchema, type Context } from "./context.ts";
import { buildConversation, estimateTokens } from "./conversation.ts";
import { chatModel, placeOf, resolveAlias, type ModelSources } from "./models.ts";

/** What the built-in graph asks of the server. */
export interface AssistantSources extends ModelSources {
  /** A deployed graph as a model: messages in, its answer out. Null: no graph has this id. */
  graphModel: (
    graphId: string,
    config: LangGraphRunnableConfig,
    resumption: Resumption | null,
  ) => GraphModel | null;
}

const State = new StateSchema({ messages: MessagesValue });
type StateType = { messages: BaseMessage[] };

/**
 * The graph behind every assistant of the OpenAI dialect: a chat model over the thread's messages.
 * When the model calls functions of the client, the run stops at one interrupt for all of them and
 * goes on with their outputs.
 */
export function createAssistantGraph(sources: AssistantSources) {
  const callModel = (state: StateType, config: LangGraphRunnableConfig) =>
    answer(sources, state.messages, config);
  return new StateGraph(State, ContextSchema)
    .addNode("call_model", callModel)
    .addNode("call_functions", callFunctions)
    .addNode("fail", fail)
    .addEdge(START, "call_model")
    .addConditionalEdges("call_model", nextNode, ["call_functions", "fail", END])
    .addEdge("call_functions", "call_model")
    .addEdge("fail", END)
    .compile();
}

function nextNode({ messages }: StateType): "call_functions" | "fail" | typeof END {
  const last = messages.at(-1);
  if (last?.getType() !== "ai") return END;
  const { calls = [], failure, incomplete, turn_incomplete } = notesOf(last);
  if (failure) return "fail";
  return calls.length > 0 && !incomplete && !turn_incomplete ? "call_functions" : END;
}

/** The run ends in error only after what the model had said is stored. */
function fail({ messages }: StateType): never {
  const { error, message } = notesOf(messages.at(-1)!).failure!;
  throw Object.assign(new Error(message), { name: error });
}

function callFunctions({ messages }: StateType): { messages: BaseMessage[] } {
  const { calls = [], turn_id } = notesOf(messages.at(-1)!);
  const request: FunctionCallRequest = { type: "function_calls", calls };
  const outputs = outputsIn(interrupt(request), calls);
  const created_at = Date.now();
  return {
    messages: calls.map(
      (call, at) =>
        new ToolMessage({
          id: randomUUIDv7(),
          tool_call_id: call.id,
          name: call.name,
          content: outputs[at]!,
          additional_kwargs: { [notesKey]: { turn_id, created_at } },
        }),
    ),
  };
}

/** `FunctionOutputs`; or, from other clients, one output for the one call, or a list in the calls' order. */
function outputsIn(resumed: unknown, calls: FunctionCall[]): string[] {
  const given = isObject(resumed) ? resumed["outputs"] : undefined;
  if (Array.isArray(given)) {
    const byId = new Map(given.filter(isObject).map((one) => [one["tool_call_id"], one["output"]]));
    return calls.map(({ id }) => asText(byId.get(id)));
  }
  const list = Array.isArray(resumed) ? resumed : calls.map(() => resumed);
  return calls.map((_, at) => asText(list[at]));
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

async function answer(
  sources: AssistantSources,
  messages: BaseMessage[],
  config: LangGraphRunnableConfig,
): Promise<{ messages: BaseMessage[] }> {
  const context = ContextSchema.parse(config.context ?? {});
  const asking = askingMessage(messages);
  const turnId = turnOf(asking, config);
  const left = tokensLeft(messages, turnId, context);
  if (left.gap && asking) return { messages: [withNotes(asking, { turn_incomplete: left.gap })] };
  const notes: MessageNotes = {
    turn_id: turnId as RunId,
    assistant_id: config.configurable?.["assistant_id"] as AssistantId,
    created_at: Date.now(),
  };
  const name = resolveAlias(context.model, sources.aliases);
  const place = placeOf(name, sources);
  const conversation = buildConversation({
    messages,
    context,
    turnId,
    provider: place.provider,
    promptTokensMax: left.prompt,
  });
  if (asking && isTooLong(conversation, left.prompt)) {
    return { messages: [withNotes(asking, { turn_incomplete: "max_prompt_tokens" })] };
  }
  const call = { context, maxTokens: left.completion, isFirst: asking === null };
  const graph = sources.graphModel(name, config, resumptionOf(asking, messages));
  const writer = new Answer(graph ?? (await chatModel(place, call)), notes, context.model);
  const written = await writer.write(conversation, config);
  return { messages: [...takenUp(asking), withSuspended(written, graph)] };
}

/** Of a graph that stopped to have functions called, what it needs to go on is kept with the calls. */
function withSuspended(written: AIMessage, graph: GraphModel | null): AIMessage {
  return graph?.suspended ? withNotes(written, { suspended: toWire(graph.suspended) }) : written;
}

/** It is needed no more when the graph has gone on. */
function takenUp(asking: AIMessage | null): AIMessage[] {
  if (!asking || notesOf(asking).suspended === undefined) return [];
  return [withNotes(asking, { suspended: undefined })];
}

/** The turn's id is that of its first run. */
function turnOf(asking: AIMessage | null, config: LangGraphRunnableConfig): string {
  const known = asking ? notesOf(asking).turn_id : undefined;
  return known ?? String(config.configurable?.["run_id"]);
}

function isTooLong(conversation: BaseMessage[], tokensMax: number | null): boolean {
  return tokensMax !== null && estimateTokens(conversation) > tokensMax;
}

/** How a graph goes on that had stopped to have functions called. */
function resumptionOf(asking: AIMessage | null, messages: BaseMessage[]): Resumption | null {
  const suspended = asking && notesOf(asking).suspended;
  if (!suspended) return null;
  const outputs = messages
    .slice(messages.lastIndexOf(asking) + 1)
    .filter((message) => ToolMessage.isInstance(message))
    .map(({ tool_call_id, content }) => ({ tool_call_id, output: textOfContent(content) }));
  return { suspended: suspended as unknown as Suspended, outputs };
}

/** The message whose calls have just been answered. */
function askingMessage(messages: BaseMessage[]): AIMessage | null {
  if (messages.at(-1)?.getType() !== "tool") return null;
  return (messages.findLast((one) => one.getType() === "ai") as AIMessage | undefined) ?? null;
}

/** What `max_prompt_tokens` and `max_completion_tokens` leave of the turn. */
function tokensLeft(messages: BaseMessage[], turnId: string, context: Context) {
  const usages = messages
    .filter((one) => notesOf(one).turn_id === turnId)
    .map((one) => (one as AIMessage).usage_metadata);
  const used = (key: "input_tokens" | "output_tokens") =>
    usages.reduce((total, usage) => total + (usage?.[key] ?? 0), 0);
  const rest = (max: number | null | undefined, spent: number) =>
    typeof max === "number" ? max - spent : null;
  const prompt = rest(context.max_prompt_tokens, used("input_tokens"));
  const completion = rest(context.max_completion_tokens, used("output_tokens"));
  const gap: MessageNotes["turn_incomplete"] | null =
    completion !== null && completion <= 0
      ? "max_completion_tokens"
      : prompt !== null && prompt <= 0
        ? "max_prompt_tokens"
        : null;
  return { prompt, completion, gap };
}

function withNotes(message: AIMessage, notes: MessageNotes): AIMessage {
  return new AIMessage({
    id: message.id!,
    content: message.content as string,
    tool_calls: message.tool_calls ?? [],
    ...(message.usage_metadata && { usage_metadata: message.usage_metadata }),
    response_metadata: message.response_metadata,
    additional_kwargs: { [notesKey]: { ...notesOf(message), ...notes } },
  });
}
