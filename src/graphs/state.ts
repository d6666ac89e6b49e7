import type { RunnableConfig } from "@langchain/core/runnables";
import { AdjutantError, HeadMoved, LeaseLost, invalid, notFound } from "../core/error.ts";
import { withText } from "../core/json-text.ts";
import { isObject, type Json, type JsonObject } from "../core/json.ts";
import type { CheckpointForm, StateUpdate, ThreadState } from "../core/ports/graphs.ts";
import type { StateSummary, Thread } from "../core/thread.ts";
import type { DrivenGraph, Snapshot, SnapshotTask } from "./driven.ts";
import { toCommand } from "./run-config.ts";
import { toWire, wireText } from "./wire.ts";

/** @throws not_found when `checkpoint` names one that the thread does not have. */
export async function readState(
  graph: DrivenGraph,
  thread: Thread,
  query: { checkpoint?: CheckpointForm; subgraphs: boolean },
): Promise<ThreadState> {
  const config = threadConfig(thread, query.checkpoint);
  const snapshot = await graph.getState(config, { subgraphs: query.subgraphs });
  const wanted = query.checkpoint?.["checkpoint_id"];
  if (wanted && snapshot.metadata === undefined) {
    throw notFound(`Thread ${thread.threadId} has no checkpoint ${String(wanted)}.`);
  }
  return toThreadState(snapshot);
}

export async function readHistory(
  graph: DrivenGraph,
  thread: Thread,
  query: {
    limit: number;
    before?: string;
    metadata?: JsonObject;
    checkpoint?: CheckpointForm;
    withValues?: boolean;
  },
): Promise<ThreadState[]> {
  const states: ThreadState[] = [];
  const history = graph.getStateHistory(threadConfig(thread, query.checkpoint), {
    limit: query.limit,
    ...(query.before ? { before: { configurable: { checkpoint_id: query.before } } } : {}),
    ...(query.metadata ? { filter: query.metadata } : {}),
  });
  for await (const snapshot of history) {
    states.push(
      query.withValues === false
        ? {
            ...toThreadState({ ...snapshot, values: null }),
            values: null,
          }
        : toThreadState(snapshot),
    );
    if (states.length >= query.limit) break;
  }
  return states;
}

/** One superstep of updates. What the graph refuses is the caller's mistake and named as such. */
export async function writeState(
  graph: DrivenGraph,
  thread: Thread,
  command: { updates: StateUpdate[]; checkpoint?: CheckpointForm },
): Promise<{ checkpoint: CheckpointForm; summary: StateSummary }> {
  const updates = command.updates.map(({ values, command: asCommand, asNode }) => ({
    values: asCommand ? toCommand(asCommand) : values,
    ...(asNode === undefined ? {} : { asNode }),
  }));
  try {
    const config = threadConfig(thread, command.checkpoint);
    const written = await graph.bulkUpdateState(config, [{ updates }]);
    const summary = summarize(await graph.getState(threadConfig(thread)));
    return { checkpoint: toCheckpointForm(written)!, summary };
  } catch (thrown) {
    const isOurs = [AdjutantError, HeadMoved, LeaseLost].some((own) => thrown instanceof own);
    if (isOurs) throw thrown;
    const { name, message } = thrown as Error;
    throw invalid(`The graph refused the update: ${name}: ${message}`);
  }
}

export function threadConfig(thread: Thread, checkpoint?: CheckpointForm): RunnableConfig {
  return {
    configurable: {
      ...thread.config.configurable,
      ...withoutNulls(checkpoint ?? {}),
      thread_id: thread.threadId,
    },
  };
}

/** Clients send back what they were shown, nulls included; the library wants such keys absent. */
export function withoutNulls(checkpoint: object): JsonObject {
  return Object.fromEntries(
    Object.entries(checkpoint).filter(([, value]) => value !== null && value !== undefined),
  );
}

export function summarize(snapshot: Snapshot): StateSummary {
  const waiting = snapshot.tasks.map((task) => [task.id, interruptsOf(task)] as const);
  return { next: snapshot.next, interrupts: Object.fromEntries(waiting) };
}

function interruptsOf(task: SnapshotTask) {
  return (task.interrupts ?? []).map((interrupt) => toWire(interrupt) as JsonObject);
}

function toThreadState(snapshot: Snapshot): ThreadState {
  const values = toWire(snapshot.values) ?? {};
  return {
    values: withText(values, () => valuesText(snapshot.values, values)),
    next: snapshot.next,
    tasks: snapshot.tasks.map(toTask),
    metadata: (toWire(snapshot.metadata) as JsonObject | null) ?? null,
    createdAt: snapshot.createdAt ?? null,
    checkpoint: toCheckpointForm(snapshot.config),
    parentCheckpoint: toCheckpointForm(snapshot.parentConfig),
    interrupts: snapshot.tasks.flatMap(interruptsOf),
  };
}

/** Of channels by name, or of the one channel that a graph without names has. */
function valuesText(values: unknown, wire: Json): string {
  if (!isPlain(values) || !isObject(wire)) return wireText(values, wire);
  const parts = Object.keys(wire).map(
    (name) => `${JSON.stringify(name)}:${wireText(values[name], wire[name]!)}`,
  );
  return `{${parts.join()}}`;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function toTask(task: SnapshotTask): JsonObject {
  const nested =
    task.state && "values" in task.state ? toThreadState(task.state as Snapshot) : null;
  return {
    id: task.id,
    name: task.name,
    path: toWire(task.path ?? []),
    error: task.error === undefined ? null : errorText(task.error),
    interrupts: interruptsOf(task),
    checkpoint: nested
      ? nested.checkpoint
      : toCheckpointForm(task.state as RunnableConfig | undefined),
    state: nested && presentNested(nested),
    result: task.result === undefined ? null : toWire(task.result),
  };
}

/** A nested state as it stands on the wire, inside a task. */
function presentNested(state: ThreadState): JsonObject {
  const { createdAt, parentCheckpoint, ...rest } = state;
  return { ...rest, created_at: createdAt, parent_checkpoint: parentCheckpoint };
}

/** Clients expect a text here, which for an error is its name and message as JSON. */
function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  const { name, message } = error as { name?: string; message?: string };
  return JSON.stringify({ message, name });
}

function toCheckpointForm(config: RunnableConfig | undefined): CheckpointForm | null {
  const configurable = config?.configurable;
  if (!configurable) return null;
  const { thread_id, checkpoint_id, checkpoint_ns, checkpoint_map } = configurable;
  if (checkpoint_id === undefined && !checkpoint_ns) return null;
  return {
    thread_id: thread_id ?? null,
    checkpoint_ns: checkpoint_ns ?? "",
    checkpoint_id: checkpoint_id ?? null,
    checkpoint_map: toWire(checkpoint_map),
  };
}
