import type { ThreadId } from "../../../core/ids.ts";
import { followThread } from "../../../core/operations/thread-events.ts";
import type { Ports } from "../../../core/ports/ports.ts";
import { ordinalOf } from "../../../core/thread-sequence.ts";
import type { ThreadEvent } from "./event.ts";
import { RunProjection } from "./projection.ts";

/**
 * The events of a thread: what is kept of its runs, then what happens. The run that `since` lies in is
 * told from its beginning, because what an event is told as depends on those before it.
 */
export async function* threadEvents(
  ports: Ports,
  threadId: ThreadId,
  since: number | null | undefined,
  signal: AbortSignal,
): AsyncGenerator<ThreadEvent[]> {
  const from = since ? { ordinal: ordinalOf(since), position: -1 } : "start";
  let projection: RunProjection | null = null;
  let runId: string | null = null;
  for await (const part of followThread(ports, threadId, from, signal)) {
    if (!projection || runId !== part.run.runId) {
      projection = new RunProjection(part.run);
      runId = part.run.runId;
    }
    const current = projection;
    const events =
      "end" in part ? current.onEnd(part.end) : part.events.flatMap((one) => current.onEvent(one));
    if (events.length > 0) yield events;
  }
}
