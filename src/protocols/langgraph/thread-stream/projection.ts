import type { RunEnd, RunEvent } from "../../../core/event.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import type { PlacedRun } from "../../../core/operations/thread-events.ts";
import { endSequenceOf, sequenceOf } from "../../../core/thread-sequence.ts";
import type { Method, ThreadEvent } from "./event.ts";
import { Branches } from "./branches.ts";
import { RunMessages, type MessageRecord } from "./messages.ts";
import { readCheckpoint, readCustom, readTool } from "./records.ts";

/** What an event becomes, before it has its number. */
type Told = Pick<ThreadEvent, "method" | "namespace" | "node" | "name" | "data">;

/**
 * The log of a run as events of its thread (specification 6.5). What comes out depends on nothing but
 * the log from its start on, so every reader is told the same, with the same ids and numbers. A run
 * that any route created is told as far as its stream modes go.
 */
export class RunProjection {
  readonly #run: PlacedRun;
  readonly #messages = new RunMessages();
  readonly #branches: Branches;
  readonly #hasTuples: boolean;
  readonly #hasCheckpoints: boolean;
  #begun = false;
  #interrupted = false;
  /** Pending interrupts by id, where they were first seen: in the graph that asks, not in those around it. */
  readonly #interrupts = new Map<string, { namespace: string[]; payload: Json }>();
  /** States that wait for the checkpoint that belongs before them, by namespace. */
  readonly #held = new Map<string, Told>();
  #checkpointId: string | null = null;

  constructor(run: PlacedRun) {
    const { streamModes } = run.request;
    this.#run = run;
    this.#branches = new Branches(streamModes.includes("updates"));
    this.#hasTuples = streamModes.includes("messages-tuple");
    this.#hasCheckpoints = streamModes.includes("checkpoints");
  }

  onEvent({ position, name, data }: RunEvent): ThreadEvent[] {
    const [mode = "", ...namespace] = name.split("|");
    const told = this.#branches.enter(namespace).map(lifecycle);
    told.push(...this.#read(mode, namespace, data));
    const { runId, ordinal } = this.#run;
    // The first number is that of the beginning.
    const events = told.map((one, at) => ({
      ...one,
      eventId: `${runId}:${position}:${at}`,
      sequence: sequenceOf(ordinal, position, at + 1),
    }));
    return [...this.#begin(), ...events];
  }

  onEnd(end: RunEnd): ThreadEvent[] {
    const told = [
      ...this.#flush(),
      ...this.#messages.finishIn([]).map(message),
      ...this.#branches.leaveAll(statusOf(end, this.#interrupted)).map(lifecycle),
      ...[...this.#interrupts].map(([id, { namespace, payload }]) =>
        plain("input.requested", namespace, asking(id, payload)),
      ),
    ];
    const last = endSequenceOf(this.#run.ordinal);
    const events = told.map((one, at) => ({
      ...one,
      eventId: `${this.#run.runId}:end:${at}`,
      sequence: last - told.length + at,
    }));
    return [...this.#begin(), ...events, this.#root(statusOf(end, this.#interrupted), last, end)];
  }

  #begin(): ThreadEvent[] {
    if (this.#begun) return [];
    this.#begun = true;
    return [this.#root("running", sequenceOf(this.#run.ordinal, 0, 0), null)];
  }

  /** Ids in the platform's form (specification 6.7): newer clients read the run's id out of them. */
  #root(event: string, sequence: number, end: RunEnd | null): ThreadEvent {
    const data = {
      event,
      graph_name: this.#run.request.graphId,
      ...(event === "failed" && { error: end?.error?.message ?? "The run failed." }),
      ...(end && this.#checkpointId !== null && { checkpoint: { id: this.#checkpointId } }),
    };
    return {
      ...plain("lifecycle", [], JSON.stringify(data)),
      eventId: `synth:${this.#run.runId}:lc||${event}`,
      sequence,
    };
  }

  #read(mode: string, namespace: string[], data: string): Told[] {
    switch (mode) {
      case "values":
        return this.#onValues(namespace, data);
      case "checkpoints":
        return this.#onCheckpoint(namespace, data);
      case "updates":
        return this.#onUpdates(namespace, data);
      case "tasks":
        return this.#onTask(namespace, data);
      case "messages":
        return this.#messages.onTuple(namespace, data).flatMap((record) => this.#enter(record));
      case "messages/metadata":
      case "messages/partial":
      case "messages/complete":
        if (this.#hasTuples) return [];
        return this.#messages.onOlderMode(mode, data).flatMap((record) => this.#enter(record));
      case "custom": {
        const custom = readCustom(data);
        return [{ ...plain("custom", namespace, custom.data), name: custom.name }];
      }
      case "tools": {
        const tool = readTool(data);
        return tool ? [plain("tools", namespace, JSON.stringify(tool))] : [];
      }
      default:
        return [];
    }
  }

  #enter(record: MessageRecord): Told[] {
    return [...this.#branches.enter(record.namespace).map(lifecycle), message(record)];
  }

  /** The state without the marker of an interrupt, which is told by itself. */
  #onValues(namespace: string[], data: string): Told[] {
    if (data.includes('"__interrupt__"')) {
      const { __interrupt__: interrupts, ...state } = JSON.parse(data) as JsonObject;
      if (interrupts !== undefined) {
        this.#onInterrupts(namespace, interrupts);
        return Object.keys(state).length > 0
          ? this.#hold(namespace, plain("values", namespace, JSON.stringify(state)))
          : [];
      }
    }
    return this.#hold(namespace, plain("values", namespace, data));
  }

  /** The library tells a superstep's checkpoint right after its state; clients want it before. */
  #hold(namespace: string[], values: Told): Told[] {
    if (!this.#hasCheckpoints) return [values];
    const key = namespace.join("|");
    const before = this.#held.get(key);
    this.#held.set(key, values);
    return before ? [before] : [];
  }

  #flush(namespace?: string[]): Told[] {
    const keys = namespace ? [namespace.join("|")] : [...this.#held.keys()];
    return keys.flatMap((key) => {
      const held = this.#held.get(key);
      this.#held.delete(key);
      return held ? [held] : [];
    });
  }

  #onCheckpoint(namespace: string[], data: string): Told[] {
    const checkpoint = readCheckpoint(data);
    if (checkpoint && namespace.length === 0) this.#checkpointId = checkpoint.id;
    const told = checkpoint ? [plain("checkpoints", namespace, JSON.stringify(checkpoint))] : [];
    return [...told, ...this.#flush(namespace)];
  }

  #onUpdates(namespace: string[], data: string): Told[] {
    const updates = JSON.parse(data) as JsonObject;
    const { __interrupt__: interrupts, ...byNode } = updates;
    if (interrupts !== undefined) this.#onInterrupts(namespace, interrupts);
    this.#branches.updated(namespace, Object.keys(byNode));
    const told = Object.entries(byNode).map(([node, update]) => ({
      ...plain("updates", namespace, JSON.stringify(update)),
      node,
    }));
    return [...this.#flush(namespace), ...told];
  }

  #onTask(namespace: string[], data: string): Told[] {
    const task = JSON.parse(data) as JsonObject;
    const { id, name, interrupts } = task;
    const told = [
      ...this.#flush(namespace),
      { ...plain("tasks", namespace, data), node: String(name) },
    ];
    // The start of a task has neither.
    if (!("result" in task) && !("error" in task)) return told;
    if (Array.isArray(interrupts) && interrupts.length > 0) {
      this.#onInterrupts(namespace, interrupts);
    }
    const inside = [...namespace, `${String(name)}:${String(id)}`];
    return [
      ...this.#messages.finishIn(inside).map(message),
      ...told,
      ...this.#branches.leave(inside, task).map(lifecycle),
    ];
  }

  #onInterrupts(namespace: string[], interrupts: Json): void {
    if (namespace.length === 0) this.#interrupted = true;
    if (!Array.isArray(interrupts)) return;
    for (const one of interrupts) {
      if (!isObject(one) || typeof one["id"] !== "string") continue;
      if (this.#interrupts.has(one["id"])) continue;
      this.#interrupts.set(one["id"], { namespace, payload: one["value"] ?? null });
    }
  }
}

/** The protocol says `payload`; the Python client reads `value`. */
function asking(id: string, payload: Json): string {
  return JSON.stringify({ interrupt_id: id, payload, value: payload });
}

function plain(method: Method, namespace: string[], data: string): Told {
  return { method, namespace, data };
}

function message({ namespace, node, data }: MessageRecord): Told {
  return { ...plain("messages", namespace, JSON.stringify(data)), ...(node && { node }) };
}

function lifecycle(change: { namespace: string[]; event: string; graph_name: string }): Told {
  const { namespace, ...data } = change;
  return plain("lifecycle", namespace, JSON.stringify(data));
}

function statusOf(
  { status }: RunEnd,
  interrupted: boolean,
): "completed" | "failed" | "interrupted" {
  if (status === "error" || status === "timeout") return "failed";
  return status === "interrupted" || interrupted ? "interrupted" : "completed";
}
