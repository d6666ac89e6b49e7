import { keepDraft } from "../../core/operations/drafts.ts";
import { followRun } from "../../core/operations/streams.ts";
import { getTurn } from "../../core/operations/turns.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Thread } from "../../core/thread.ts";
import type { Turn } from "../../core/turn.ts";
import type { Reply } from "../route.ts";
import type { Sink } from "../sink.ts";
import { eventFrame, eventStreamHeaders, PatientWriter } from "../sse.ts";
import { TurnEvents } from "./turn-events.ts";
import { presentThread } from "./wire/threads.ts";

/** Both clients skip comments; a proxy sees that the connection lives. */
const aliveComment = ": alive\n\n";

/**
 * The events of a turn's newest run, made from the run's log. A reader that goes away does not stop
 * it, and one that does not read does not slow it: clients call back and open the next stream while
 * this one is unread.
 */
export function turnStream(
  ports: Ports,
  turn: Turn,
  options: { createdThread?: Thread } = {},
): Reply {
  return {
    status: 200,
    headers: { ...eventStreamHeaders },
    body: null,
    stream: (sink) => sendEvents(ports, turn, sink, options.createdThread ?? null),
  };
}

async function sendEvents(
  ports: Ports,
  turn: Turn,
  sink: Sink,
  createdThread: Thread | null,
): Promise<void> {
  const silenceMs = ports.limits.heartbeatMs;
  const writer = new PatientWriter(sink, { sign: aliveComment, silenceMs });
  const run = turn.runs.at(-1)!;
  const events = new TurnEvents(turn, ports.clock);
  const frames = (made: Iterable<{ name: string; data: unknown }>) =>
    [...made].map(({ name, data }) => eventFrame(name, JSON.stringify(data)));
  try {
    const thread = createdThread
      ? [{ name: "thread.created", data: presentThread(createdThread) }]
      : [];
    await writer.write(frames([...thread, ...events.begin()]));
    for await (const part of followRun(ports, run, "start", sink.gone)) {
      if ("events" in part) {
        const made = frames(part.events.flatMap((event) => [...events.onEvent(event)]));
        if (made.length > 0) await writer.write(made);
        continue;
      }
      // The run is settled, and what it wrote is stored: whoever calls back finds what is announced.
      if (part.end.status === "interrupted") await keepDraft(ports, run, "run_cancelled");
      const ended = await getTurn(ports, run.threadId, turn.turnId).catch(() => null);
      await writer.write(ended ? frames(events.end(ended)) : []);
      return sink.end(eventFrame("done", "[DONE]"));
    }
    // Without its end a stream must not look whole: this server stops.
    sink.abort();
  } finally {
    writer.close();
  }
}
