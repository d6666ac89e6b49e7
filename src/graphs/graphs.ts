import type { SerializerProtocol } from "@langchain/langgraph-checkpoint";
import type { EventContent } from "../core/event.ts";
import { notFound } from "../core/error.ts";
import type { ExpiryPolicy } from "../core/expiry.ts";
import type { ThreadId } from "../core/ids.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { builtinGraphId } from "../core/message.ts";
import type { CheckpointStorage, Writer } from "../core/ports/checkpoints.ts";
import type {
  CheckpointForm,
  DriveParams,
  DriveResult,
  GraphDrawing,
  Graphs,
  GraphSchemas,
  StateUpdate,
  ThreadSize,
  ThreadState,
} from "../core/ports/graphs.ts";
import type { Clock, Log } from "../core/ports/ports.ts";
import type { ItemIndex } from "../core/ports/item-index.ts";
import type { Attempt } from "../core/run.ts";
import type { ItemStorage } from "../core/ports/storage.ts";
import { graphOf, type StateSummary, type Thread } from "../core/thread.ts";
import { TypeReader } from "./annotation/extract.ts";
import { createAssistantGraph } from "./builtin/assistant.ts";
import { GraphModel } from "./builtin/graph-model.ts";
import type { ModelSources } from "./builtin/models.ts";
import { Checkpointer } from "./checkpointer.ts";
import { attach, type DrivenGraph } from "./driven.ts";
import { ItemCache } from "./item-cache.ts";
import { checkContext } from "./context.ts";
import { drawGraph } from "./drawing.ts";
import { driveGraph } from "./drive.ts";
import {
  instantiate,
  type FactoryRuntime,
  type LoadedGraph,
  type LoadedGraphs,
  type CompiledGraph,
  type WorkingGraph,
} from "./load.ts";
import { serverPeers, type Peers } from "./peers.ts";
import { runnableConfig } from "./run-config.ts";
import { contextSchemaOf, SchemaReader, schemasWithoutTypes } from "./schemas.ts";
import { readHistory, readState, summarize, threadConfig, writeState } from "./state.ts";
import { GraphStore } from "./store.ts";
import { subgraphSchemas } from "./subgraphs.ts";
import { measureThread } from "./thread-size.ts";
import { ValuesCache } from "./values-cache.ts";

type AccessContext = FactoryRuntime["accessContext"];

/** The graphs of one `langgraph.json`, over our checkpoints and items. */
export class DeployedGraphs implements Graphs {
  readonly #checkpoints: CheckpointStorage;
  readonly #items: ItemCache;
  /** The same for what is only shown. */
  readonly #wires: ItemCache;
  readonly #store: GraphStore;
  readonly #types: TypeReader;
  readonly #schemas: SchemaReader;
  readonly #values = new ValuesCache();
  #loaded: LoadedGraphs;
  /** Beside those of the file, unless that has one of this name. It is not listed among them. */
  readonly #builtin: WorkingGraph;

  constructor(params: {
    loaded: LoadedGraphs;
    checkpoints: CheckpointStorage;
    items: ItemStorage;
    itemIndex: ItemIndex;
    expiry: ExpiryPolicy;
    clock: Clock;
    log: Log;
    /** Where schemas read from types are remembered. */
    cacheDirectory: string;
    schemaTimeoutMs: number;
    itemCacheBytesMax: number;
    /** Who answers for the built-in graph. */
    models: ModelSources;
  }) {
    this.#loaded = params.loaded;
    this.#checkpoints = params.checkpoints;
    this.#items = new ItemCache(params.itemCacheBytesMax / 2);
    this.#wires = new ItemCache(params.itemCacheBytesMax / 2);
    this.#store = new GraphStore(params);
    this.#types = new TypeReader({
      cacheDirectory: params.cacheDirectory,
      timeLimitMs: params.schemaTimeoutMs,
      log: params.log,
    });
    this.#schemas = new SchemaReader(this.#types);
    this.#builtin = {
      kind: "graph",
      graphId: builtinGraphId,
      file: import.meta.filename,
      exportName: "graph",
      description: "A chat model with tools: the assistants of the OpenAI Assistants API",
      graph: createAssistantGraph({
        ...params.models,
        graphModel: (graphId, config, resumption) => {
          const loaded = this.#loaded.graphs.get(graphId);
          return loaded ? new GraphModel(loaded, config, resumption) : null;
        },
      }) as unknown as CompiledGraph,
      peers: serverPeers,
    };
  }

  /** From now on these; what is being driven goes on with the graph it began with. */
  replace(loaded: LoadedGraphs): void {
    this.#loaded = loaded;
  }

  ids(): string[] {
    return [...this.#loaded.graphs.keys()];
  }

  has(graphId: string): boolean {
    return this.#get(graphId) !== undefined;
  }

  async schemas(graphId: string): Promise<GraphSchemas> {
    const { loaded, graph } = await this.#describe(graphId);
    return this.#schemas.schemasOf(loaded, graph);
  }

  async drawing(graphId: string, xray: boolean | number): Promise<GraphDrawing> {
    return drawGraph((await this.#describe(graphId)).graph, xray);
  }

  async subgraphs(
    graphId: string,
    params: { namespace?: string; recurse: boolean },
  ): Promise<Record<string, GraphSchemas>> {
    const { loaded, graph } = await this.#describe(graphId);
    return subgraphSchemas(graph, params, (subgraph) =>
      schemasWithoutTypes(subgraph, loaded.peers),
    );
  }

  async checkContext(graphId: string, context: JsonObject): Promise<void> {
    const loaded = this.#find(graphId);
    // A broken graph, or a factory, which may make a graph of any schema, checks when it runs.
    if (loaded.kind === "graph") {
      checkContext(contextSchemaOf(loaded.graph, loaded.peers), context);
    }
  }

  drive(params: DriveParams): AsyncGenerator<EventContent, DriveResult> {
    const { request, runId, attempt } = params.run;
    const runtime = {
      accessContext: "threads.create_run" as const,
      executionRuntime: { context: request.context },
    };
    const open = (isMoot: (error: unknown) => boolean) => {
      const config = runnableConfig(params.run) as unknown as JsonObject;
      const writer = { runId, attempt, mayLag: request.durability !== "sync" };
      return this.#open(request.graphId, config, runtime, writer, { isMoot });
    };
    return driveGraph(open, params);
  }

  async state(params: {
    thread: Thread;
    checkpoint?: CheckpointForm;
    subgraphs: boolean;
  }): Promise<ThreadState> {
    const { thread, checkpoint, subgraphs } = params;
    const shown = checkpoint?.["checkpoint_id"] ? ("past" as const) : ("latest" as const);
    const options = subgraphs || isOfSubgraph(checkpoint) ? {} : { shown };
    const graph = await this.#ofThread(thread, "threads.read", options);
    return readState(graph, thread, params);
  }

  async history(params: {
    thread: Thread;
    limit: number;
    before?: string;
    metadata?: JsonObject;
    checkpoint?: CheckpointForm;
    withValues?: boolean;
  }): Promise<ThreadState[]> {
    const omitLists = params.withValues === false;
    const options =
      omitLists || isOfSubgraph(params.checkpoint) ? { omitLists } : { shown: "past" as const };
    const graph = await this.#ofThread(params.thread, "threads.read", options);
    return readHistory(graph, params.thread, params);
  }

  async updateState(params: {
    thread: Thread;
    updates: StateUpdate[];
    checkpoint?: CheckpointForm;
    attempt?: Attempt;
  }): Promise<{ checkpoint: CheckpointForm; summary: StateSummary }> {
    const { thread, checkpoint, attempt } = params;
    const writer = attempt ?? (checkpoint ? "edit" : "extension");
    return writeState(await this.#ofThread(thread, "threads.update", { writer }), thread, params);
  }

  async summary(thread: Thread): Promise<StateSummary> {
    const graph = await this.#ofThread(thread, "threads.read", { omitLists: true });
    return summarize(await graph.getState(threadConfig(thread)));
  }

  size(threadId: ThreadId): Promise<ThreadSize> {
    return measureThread(this.#checkpoints, threadId);
  }

  async values(thread: Thread): Promise<Json> {
    const graphId = graphOf(thread);
    const loaded = graphId === null ? undefined : this.#get(graphId);
    // Without a working graph nobody knows which channels are the state's.
    if (graphId === null || !loaded || loaded.kind === "broken") return null;
    const head = await this.#checkpoints.head(thread.threadId);
    if (!head) return null;
    const key = { graphId, checkpointId: head.checkpointId, generation: this.#loaded.generation };
    const read = async () => {
      const { values, checkpoint, tasks } = await this.state({ thread, subgraphs: false });
      const checkpointId = String(checkpoint?.["checkpoint_id"]);
      return { values, checkpointId, isFinal: tasks.length === 0 };
    };
    return this.#values.read(key, read);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#types[Symbol.asyncDispose]();
  }

  #get(graphId: string): LoadedGraph | undefined {
    const own = this.#loaded.graphs.get(graphId);
    return own ?? (graphId === builtinGraphId ? this.#builtin : undefined);
  }

  #find(graphId: string): LoadedGraph {
    const loaded = this.#get(graphId);
    if (loaded) return loaded;
    throw notFound(
      `Graph "${graphId}" is not deployed. Deployed graphs: ${this.ids().join(", ")}.`,
    );
  }

  /** For drawings and schemas, which need a graph but run nothing. */
  async #describe(graphId: string): Promise<{ loaded: WorkingGraph; graph: CompiledGraph }> {
    const loaded = this.#find(graphId);
    const runtime = { accessContext: "assistants.read" as const, executionRuntime: null };
    const graph = await instantiate(loaded, { configurable: {} }, runtime);
    return { loaded: loaded as WorkingGraph, graph };
  }

  #ofThread(
    thread: Thread,
    accessContext: AccessContext,
    { writer = null, ...options }: ReadOptions & { writer?: Writer } = {},
  ): Promise<DrivenGraph> {
    const config = threadConfig(thread) as unknown as JsonObject;
    const runtime = { accessContext, executionRuntime: null };
    return this.#open(graphOf(thread) ?? "", config, runtime, writer, options);
  }

  async #open(
    graphId: string,
    config: JsonObject,
    runtime: FactoryRuntime,
    writer: Writer,
    { shown, ...options }: ReadOptions & { isMoot?: (error: unknown) => boolean } = {},
  ): Promise<DrivenGraph> {
    const loaded = this.#find(graphId);
    const graph = await instantiate(loaded, config, runtime);
    const serializer = serializerOf((loaded as WorkingGraph).peers);
    const checkpointer = new Checkpointer(this.#checkpoints, writer, {
      serializer,
      cache: this.#items,
      wireCache: this.#wires,
      ...(shown ? { asWire: { names: plainChannels(graph), withWrites: shown === "latest" } } : {}),
      ...options,
    });
    return attach(graph, { checkpointer, store: this.#store });
  }
}

interface ReadOptions {
  /** See `Checkpointer`. */
  omitLists?: boolean;
  /** Only for clients to see: values need not be objects. */
  shown?: "latest" | "past";
}

/** Whose state has other channels than the graph. */
function isOfSubgraph(checkpoint: CheckpointForm | undefined): boolean {
  return Boolean(checkpoint?.["checkpoint_ns"]);
}

/** Channels that hand out the very value they were given; others look into it, or may. */
function plainChannels(graph: CompiledGraph): ReadonlySet<string> {
  const isPlain = (channel: unknown) => {
    const { lc_graph_name: kind, constructor } = channel as { lc_graph_name?: unknown };
    return (
      (kind === "LastValue" || kind === "BinaryOperatorAggregate") && constructor.name === kind
    );
  };
  return new Set(Object.keys(graph.channels).filter((name) => isPlain(graph.channels[name])));
}

const serializers = new WeakMap<Peers, SerializerProtocol>();

/** The library exports its serializer only inside its savers. */
function serializerOf(peers: Peers): SerializerProtocol {
  const known = serializers.get(peers);
  if (known) return known;
  const serializer = new peers.checkpoint.MemorySaver().serde;
  serializers.set(peers, serializer);
  return serializer;
}
