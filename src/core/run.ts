import type { Condition } from "./condition.ts";
import type { Config } from "./config.ts";
import { conflict, type Failure } from "./error.ts";
import type { AssistantId, RunId, ThreadId } from "./ids.ts";
import type { Json, JsonObject } from "./json.ts";

export type RunStatus = "pending" | "running" | "success" | "error" | "interrupted" | "timeout";

/**
 * What may follow what. `running → pending` is a worker that hands a run back when its server stops;
 * `running → running` is the next attempt taking over after a crash.
 */
const transitions: Record<RunStatus, readonly RunStatus[]> = {
  pending: ["running", "interrupted", "error"],
  running: ["running", "pending", "success", "error", "interrupted", "timeout"],
  success: [],
  error: [],
  interrupted: [],
  timeout: [],
};

export function canFollow(from: RunStatus, to: RunStatus): boolean {
  return transitions[from].includes(to);
}

export function isFinal(status: RunStatus): boolean {
  return transitions[status].length === 0;
}

/** What happens to a run that arrives while another is in flight on its thread (specification 3.5). */
export type Strategy = "reject" | "enqueue" | "interrupt" | "rollback";

export type CancelAction = "interrupt" | "rollback";

export type StreamMode =
  | "values"
  | "messages"
  | "messages-tuple"
  | "updates"
  | "events"
  | "debug"
  | "tasks"
  | "checkpoints"
  | "custom"
  | "tools"
  | "lifecycle";

/** Input for a graph that continues instead of starting (LangGraph's `Command`). */
export interface Command {
  update?: JsonObject | [string, Json][] | null;
  resume?: Json;
  goto?: Goto | Goto[];
}
export type Goto = string | { node: string; input: Json };

export interface CheckpointReference {
  checkpoint_id?: string;
  checkpoint_ns?: string;
  checkpoint_map?: JsonObject;
}

/** Everything a worker needs to execute a run, fixed when the run is created. */
export interface RunRequest {
  graphId: string;
  input: Json;
  command: Command | null;
  checkpoint: CheckpointReference | null;
  /** Assistant, thread and run merged. */
  config: Config;
  context: JsonObject;
  streamModes: StreamMode[];
  streamSubgraphs: boolean;
  /** Keep events so that a reader can come back. */
  resumable: boolean;
  interruptBefore: string[] | "*" | null;
  interruptAfter: string[] | "*" | null;
  durability: "sync" | "async" | "exit";
  webhook: string | null;
  feedbackKeys: string[] | null;
  /** A resume that names an interrupt which is not pending fails the run. */
  strictResume?: boolean;
  /** The run ends as `timeout` at this moment, in ms since 1970; absent: only the server's limit holds. */
  deadline?: number;
  /** W3C `traceparent` of the span in which it was created; absent: it was not traced. */
  traceparent?: string;
}

export interface Run {
  runId: RunId;
  threadId: ThreadId;
  assistantId: AssistantId;
  assistantVersion: number;
  createdAt: number;
  updatedAt: number;
  /** Not claimable before this moment. */
  notBefore: number;
  status: RunStatus;
  metadata: JsonObject;
  request: RunRequest;
  strategy: Strategy;
  /** Grows with every claim; the fence of every write made in the run's name. 0: never claimed. */
  attempt: number;
  /** Attempts whose worker died. */
  lostAttempts: number;
  /** When it was first claimed, in ms since 1970; null while it has never been. Storage sets it. */
  startedAt: number | null;
  /** Why it failed; null unless the status is `error` or `timeout`. */
  error: Failure | null;
  /** Its place among the thread's runs, from 1 (see thread-sequence.ts); null: it is delayed and has not begun. */
  ordinal: number | null;
  /** Why somebody ended it, as they said; null when nobody did or said. */
  cancelReason: string | null;
}

/** Over all threads; what is absent asks nothing. */
export interface RunFilter {
  threadId?: ThreadId;
  assistantId?: AssistantId;
  status?: RunStatus;
  /** What the metadata of its thread must be like. */
  visible?: Condition | null;
}

/** The fence: who writes in the name of which attempt. */
export interface Attempt {
  runId: RunId;
  attempt: number;
}

/** A final status with what belongs to it. */
export type Outcome =
  | { status: "success" }
  | { status: "interrupted" }
  | { status: "error" | "timeout"; error: Failure };

export function endRun(run: Run, outcome: Outcome, now: number): Run {
  if (!canFollow(run.status, outcome.status)) {
    throw conflict(`Run ${run.runId} is ${run.status} and cannot become ${outcome.status}.`);
  }
  return {
    ...run,
    status: outcome.status,
    error: "error" in outcome ? outcome.error : null,
    updatedAt: now,
  };
}
