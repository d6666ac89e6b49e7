import type { ThreadId } from "../ids.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Attempt, Run } from "../run.ts";
import type { StateSummary, Thread } from "../thread.ts";
import type { EventContent } from "../event.ts";
import type { Span, Tracing } from "./tracing.ts";

/** JSON Schemas of a graph; null where the graph carries none. */
export interface GraphSchemas {
  input: JsonObject | null;
  output: JsonObject | null;
  state: JsonObject | null;
  config: JsonObject | null;
  context: JsonObject | null;
}

export interface GraphDrawing {
  nodes: JsonObject[];
  edges: JsonObject[];
}

/** A checkpoint in wire form: `{thread_id, checkpoint_ns, checkpoint_id, checkpoint_map}`. */
export type CheckpointForm = JsonObject;

/** The state of a thread at a checkpoint, values in wire form (specification 0B). */
export interface ThreadState {
  values: Json;
  next: string[];
  tasks: JsonObject[];
  metadata: JsonObject | null;
  createdAt: string | null;
  checkpoint: CheckpointForm | null;
  parentCheckpoint: CheckpointForm | null;
  interrupts: JsonObject[];
}

/** Bytes of values as they read back. What several checkpoints hold counts once. */
export interface ThreadSize {
  /** All but the values of channels. */
  checkpoints: { count: number; bytes: number };
  /** By name, over all namespaces. */
  channels: Record<string, { versions: number; bytes: number }>;
  writes: { count: number; bytes: number };
}

/** What a run needs beside its request. */
export interface DriveParams {
  run: Run;
  signal: AbortSignal;
  /** The attempt's span, below which its nodes and model calls belong; absent: they are not traced. */
  trace?: { tracing: Tracing; span: Span };
}

/** What a graph leaves when it stops by itself, at its end or at an interrupt. */
export interface DriveResult {
  summary: StateSummary;
  /** The last root state streamed, as JSON; null unless the modes include `values`. */
  values: string | null;
}

/**
 * How user code is found, described and driven. All methods that name a graph throw `not_found` when
 * no such graph is deployed and `invalid` with the cause when its file could not be loaded.
 */
export interface Graphs extends AsyncDisposable {
  /** Ids of all deployed graphs, also of those whose file is broken. */
  ids(): string[];
  has(graphId: string): boolean;
  schemas(graphId: string): Promise<GraphSchemas>;
  /** `xray`: expand subgraphs, true for all levels. */
  drawing(graphId: string, xray: boolean | number): Promise<GraphDrawing>;
  /** Schemas by namespace; names joined with `|` when recursive. */
  subgraphs(
    graphId: string,
    params: { namespace?: string; recurse: boolean },
  ): Promise<Record<string, GraphSchemas>>;
  /** Throws `invalid`, naming the field, when the context breaks the graph's schema. */
  checkContext(graphId: string, context: JsonObject): Promise<void>;
  /**
   * One attempt at a run; a later attempt goes on from what the one before left. Throws what the graph throws, and `LeaseLost` when the attempt was taken over.
   */
  drive(params: DriveParams): AsyncGenerator<EventContent, DriveResult>;
  state(params: {
    thread: Thread;
    checkpoint?: CheckpointForm;
    subgraphs: boolean;
  }): Promise<ThreadState>;
  /** Newest first. */
  history(params: {
    thread: Thread;
    limit: number;
    before?: string;
    metadata?: JsonObject;
    checkpoint?: CheckpointForm;
    /** False: `values` are null, and no more is read than the rest needs. */
    withValues?: boolean;
  }): Promise<ThreadState[]>;
  /**
   * Writes a checkpoint as if node `asNode` had returned `values`: behind `checkpoint`, or behind the
   * latest one. `attempt`: in its name, while its run is in flight.
   * @throws HeadMoved when the latest one is no longer the latest: try again.
   */
  updateState(params: {
    thread: Thread;
    updates: StateUpdate[];
    checkpoint?: CheckpointForm;
    attempt?: Attempt;
  }): Promise<{ checkpoint: CheckpointForm; summary: StateSummary }>;
  /** What the thread's latest checkpoint says. */
  summary(thread: Thread): Promise<StateSummary>;
  /** What the thread's checkpoints take up. */
  size(threadId: ThreadId): Promise<ThreadSize>;
  /** The latest state's values in wire form; null when nothing ever ran. */
  values(thread: Thread): Promise<Json>;
}

/** Updates of one superstep, or several supersteps one after another. */
export interface StateUpdate {
  values: Json;
  command?: JsonObject | null;
  asNode?: string;
}
