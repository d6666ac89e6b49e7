import { positionsPerAttempt } from "./event.ts";
import type { Run } from "./run.ts";
import type { Thread } from "./thread.ts";

/**
 * The events of a thread are one ordered log: the logs of its runs, one behind the other. Nothing of it
 * is stored twice. Where an event stands follows from two things that are stored anyway: its run's
 * ordinal among the runs of the thread, and its position in the run's log. So the same event has the
 * same number for every reader, in every server, before and after a restart.
 *
 * A number has 53 bits, as many as JavaScript keeps: 22 for the ordinal (4 million runs a thread), 3 for
 * the attempt, 23 for the position within the attempt (8 million events), 5 for what one event of a log
 * becomes in a protocol that makes several of it. What exceeds one of these shares the last number of
 * its range: order is kept, and only a reader that was cut off right between two such events could miss
 * the second.
 */

const places = 2 ** 5;
const positions = 2 ** 23;
const attempts = 2 ** 3;
const perAttempt = positions * places;
const perRun = attempts * perAttempt;

/** The number of the `place`-th thing that a run's event became. */
export function sequenceOf(ordinal: number, position: number, place: number): number {
  const attempt = Math.min(Math.floor(position / positionsPerAttempt), attempts - 1);
  // The last number of a run is that of its end.
  const within = Math.min(position - attempt * positionsPerAttempt, positions - 2);
  return ordinal * perRun + attempt * perAttempt + within * places + Math.min(place, places - 1);
}

/** Behind all events of the run, and before all of the next: the number of the run's end. */
export function endSequenceOf(ordinal: number): number {
  return (ordinal + 1) * perRun - 1;
}

/** Whose event has the number. */
export function ordinalOf(sequence: number): number {
  return Math.floor(sequence / perRun);
}

/** Gives each of the runs that has no ordinal the thread's next one. */
export function numberRuns(thread: Thread, runs: Run[]): { thread: Thread; runs: Run[] } {
  let { lastOrdinal } = thread;
  const numbered = runs.map((run) =>
    run.ordinal === null ? { ...run, ordinal: (lastOrdinal += 1) } : run,
  );
  return {
    thread: lastOrdinal === thread.lastOrdinal ? thread : { ...thread, lastOrdinal },
    runs: numbered,
  };
}
