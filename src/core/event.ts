import type { Failure } from "./error.ts";
import type { JsonObject } from "./json.ts";
import type { RunStatus } from "./run.ts";

/** What the engine appends: a name (`updates`, `values|child:1`) and one line of JSON, serialised once. */
export interface EventContent {
  name: string;
  data: string;
}

/** An entry of a run's log. Positions grow within a run, also across attempts. */
export interface RunEvent extends EventContent {
  position: number;
}

/**
 * Room for the events of one attempt. A later attempt starts at the next multiple, so that a reader
 * that saw the first n events of a lost attempt misses none of the next one's.
 */
export const positionsPerAttempt = 1_000_000_000;

export function firstPosition(attempt: number): number {
  return (attempt - 1) * positionsPerAttempt;
}

export function attemptOf(position: number): number {
  return Math.floor(position / positionsPerAttempt) + 1;
}

/** How a run's log ends. */
export interface RunEnd {
  status: RunStatus;
  error: Failure | null;
  /** The last state the run streamed, as JSON, when its modes include `values`. */
  values: string | null;
  /** Of the thread, where it has gone with the run: it says who may still read the log. */
  threadMetadata?: JsonObject;
}
