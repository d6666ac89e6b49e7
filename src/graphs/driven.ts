import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";

/**
 * What we need of a compiled graph to drive it. An interface of ours, not the library's class: the graph comes
 * from the user's copy of the library.
 */
export interface DrivenGraph {
  stream(input: unknown, config: RunnableConfig): Promise<AsyncIterable<unknown>>;
  streamEvents(
    input: unknown,
    config: RunnableConfig & { version: "v2" },
  ): AsyncIterable<StreamEvent>;
  getState(config: RunnableConfig, options?: { subgraphs?: boolean }): Promise<Snapshot>;
  getStateHistory(config: RunnableConfig, options?: HistoryOptions): AsyncIterable<Snapshot>;
  bulkUpdateState(
    config: RunnableConfig,
    supersteps: { updates: { values: unknown; asNode?: string }[] }[],
  ): Promise<RunnableConfig>;
}

export interface StreamEvent {
  event: string;
  run_id: string;
  tags?: string[];
  data: { chunk?: unknown };
}

export interface HistoryOptions {
  limit?: number;
  before?: RunnableConfig;
  filter?: Record<string, unknown>;
}

/** The library's `StateSnapshot`. */
export interface Snapshot {
  values: unknown;
  next: string[];
  tasks: SnapshotTask[];
  metadata?: Record<string, unknown>;
  config: RunnableConfig;
  createdAt?: string;
  parentConfig?: RunnableConfig;
}

export interface SnapshotTask {
  id: string;
  name: string;
  path?: unknown[];
  error?: unknown;
  interrupts?: { id?: string; value?: unknown }[];
  /** A config when subgraphs were not asked for, else the subgraph's snapshot. */
  state?: RunnableConfig | Snapshot;
  result?: unknown;
}

/** The graph with our checkpointer and store in place of its own; the user's object is left as it is. */
export function attach(
  graph: DrivenGraph,
  ports: { checkpointer: BaseCheckpointSaver; store: BaseStore },
): DrivenGraph {
  return Object.assign(Object.create(graph) as DrivenGraph, ports);
}
