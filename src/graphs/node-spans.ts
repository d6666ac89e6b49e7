import type { CallbackHandlerMethods } from "@langchain/core/callbacks/base";
import type { Attributes, Span, SpanStart, Tracing } from "../core/ports/tracing.ts";

/** What the library says of a call of a model when it ends, as far as it is looked at. */
interface ModelOutput {
  generations?: {
    message?: {
      response_metadata?: { model_name?: unknown; model?: unknown };
      usage_metadata?: { input_tokens?: unknown; output_tokens?: unknown };
    };
  }[][];
}

type Metadata = Record<string, unknown> | undefined;

/**
 * Spans of a graph's nodes, and of the calls of models and tools within them, below an attempt's. Told
 * by the library's callbacks; what else it runs (edges, channels, chains within a node) has no span, and
 * what lies below that belongs to the span above. Nothing that is said to or by a model is told.
 */
export function nodeSpans(
  trace: { tracing: Tracing; span: Span },
  signal: AbortSignal,
): CallbackHandlerMethods {
  const open = new OpenSpans(trace);
  signal.addEventListener("abort", () => open.endAll(), { once: true });
  return {
    handleChainStart: (_chain, _inputs, runId, _type, tags, metadata, _runName, parentRunId) => {
      const node = nodeOf(tags, metadata);
      const start: Beginning | null = node && { ...node, kind: "internal" };
      open.start(runId, parentRunId, start);
    },
    handleChainEnd: (_outputs, runId) => open.end(runId),
    handleChainError: (error, runId) => open.fail(runId, error),
    handleChatModelStart: (_model, _messages, runId, parentRunId, _extra, _tags, metadata) =>
      open.start(runId, parentRunId, modelCall(metadata)),
    handleLLMStart: (_model, _prompts, runId, parentRunId, _extra, _tags, metadata) =>
      open.start(runId, parentRunId, modelCall(metadata)),
    handleLLMEnd: (output, runId) => open.end(runId, usageOf(output as ModelOutput)),
    handleLLMError: (error, runId) => open.fail(runId, error),
    handleToolStart: (_tool, _input, runId, parentRunId, _tags, _metadata, name) =>
      open.start(runId, parentRunId, {
        name: `execute_tool ${name ?? "tool"}`,
        kind: "internal",
        attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name ?? "tool" },
      }),
    handleToolEnd: (_output, runId) => open.end(runId),
    handleToolError: (error, runId) => open.fail(runId, error),
  };
}

type Beginning = Omit<SpanStart, "parent">;

class OpenSpans {
  readonly #tracing: Tracing;
  readonly #root: Span;
  /** By the library's id of what runs; what has no span of its own has the one above it. */
  readonly #spans = new Map<string, { span: Span; own: boolean }>();

  constructor({ tracing, span }: { tracing: Tracing; span: Span }) {
    this.#tracing = tracing;
    this.#root = span;
  }

  start(id: string, parentId: string | undefined, beginning: Beginning | null): void {
    const above = (parentId && this.#spans.get(parentId)?.span) || this.#root;
    const span = beginning
      ? this.#tracing.start({ ...beginning, parent: above.traceparent })
      : above;
    this.#spans.set(id, { span, own: beginning !== null });
  }

  end(id: string, attributes: Attributes = {}): void {
    const ended = this.#spans.get(id);
    this.#spans.delete(id);
    if (!ended?.own) return;
    ended.span.set(attributes);
    ended.span.end();
  }

  fail(id: string, error: unknown): void {
    const failed = this.#spans.get(id);
    // An interrupt is thrown like an error, but is none.
    if (failed?.own && !isInterrupt(error)) failed.span.fail(error);
    this.end(id);
  }

  /** The attempt is over, whatever its nodes still do. */
  endAll(): void {
    for (const { span, own } of this.#spans.values()) if (own) span.end();
    this.#spans.clear();
  }
}

/** The library tags what it runs as a step of the graph; a node's own chains inherit the rest only. */
function nodeOf(
  tags: string[] | undefined,
  metadata: Metadata,
): { name: string; attributes: Attributes } | null {
  if (!tags?.some((tag) => tag.startsWith("graph:step:"))) return null;
  const name = String(metadata?.["langgraph_node"] ?? "node");
  const step = metadata?.["langgraph_step"];
  const namespace = metadata?.["langgraph_checkpoint_ns"];
  return {
    name: `node ${name}`,
    attributes: {
      "adjutant.node": name,
      ...(typeof step === "number" && { "adjutant.step": step }),
      ...(typeof namespace === "string" && { "adjutant.checkpoint.ns": namespace }),
    },
  };
}

/** In the words of OpenTelemetry's conventions for generative AI. */
function modelCall(metadata: Metadata): Beginning {
  const model = metadata?.["ls_model_name"];
  const provider = metadata?.["ls_provider"];
  return {
    name: typeof model === "string" ? `chat ${model}` : "chat",
    kind: "client",
    attributes: {
      "gen_ai.operation.name": "chat",
      ...(typeof model === "string" && { "gen_ai.request.model": model }),
      ...(typeof provider === "string" && { "gen_ai.provider.name": provider }),
    },
  };
}

function usageOf({ generations }: ModelOutput): Attributes {
  const message = generations?.[0]?.[0]?.message;
  const { input_tokens: input, output_tokens: output } = message?.usage_metadata ?? {};
  const said = message?.response_metadata;
  const model = said?.model_name ?? said?.model;
  return {
    ...(typeof input === "number" && { "gen_ai.usage.input_tokens": input }),
    ...(typeof output === "number" && { "gen_ai.usage.output_tokens": output }),
    ...(typeof model === "string" && { "gen_ai.response.model": model }),
  };
}

function isInterrupt(error: unknown): boolean {
  const { name } = (error ?? {}) as { name?: unknown };
  return ["GraphInterrupt", "NodeInterrupt", "ParentCommand", "GraphBubbleUp"].includes(
    String(name),
  );
}
