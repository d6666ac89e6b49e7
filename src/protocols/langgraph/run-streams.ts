import type { RunEnd } from "../../core/event.ts";
import { cancelAbandoned } from "../../core/operations/cancel.ts";
import {
  followRun,
  waitForRun,
  type FollowedRun,
  type Result,
} from "../../core/operations/streams.ts";
import type { ReadFrom } from "../../core/ports/events.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { StreamMode } from "../../core/run.ts";
import type { Reply } from "../route.ts";
import type { Sink } from "../sink.ts";
import { isPrefix } from "./thread-stream/filter.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../sse.ts";

export interface StreamOptions {
  from: ReadFrom;
  /** Null: all that the run streams. */
  modes: StreamMode[] | null;
  /** Of which graphs; null: of all. */
  namespaces: string[] | null;
  cancelOnDisconnect: boolean;
}

/** A run's events as they happen (specification part 2). */
export function streamReply(
  ports: Ports,
  run: FollowedRun,
  headers: Record<string, string>,
  options: StreamOptions,
): Reply {
  return {
    status: 200,
    headers: { ...eventStreamHeaders, ...headers },
    body: null,
    stream: (sink) =>
      watched(ports, run, sink, options.cancelOnDisconnect, () =>
        sendEvents(ports, run, sink, options),
      ),
  };
}

/** A run's result once it has one: newlines, then one JSON document. */
export function waitReply(
  ports: Ports,
  run: FollowedRun,
  headers: Record<string, string>,
  cancelOnDisconnect: boolean,
): Reply {
  return {
    status: 200,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
    body: null,
    stream: (sink) =>
      watched(ports, run, sink, cancelOnDisconnect, () => sendResult(ports, run, sink)),
  };
}

/** A reader that goes away takes the run with it, if that was wished. */
async function watched(
  ports: Ports,
  run: FollowedRun,
  sink: Sink,
  cancelOnDisconnect: boolean,
  send: () => Promise<void>,
): Promise<void> {
  await send();
  if (sink.gone.aborted && cancelOnDisconnect) await cancelAbandoned(ports, run.runId);
}

async function sendEvents(
  ports: Ports,
  run: FollowedRun,
  sink: Sink,
  { from, modes, namespaces }: StreamOptions,
): Promise<void> {
  const writer = new PatientWriter(sink, {
    sign: heartbeatComment,
    silenceMs: ports.limits.heartbeatMs,
  });
  const wanted = (modes || namespaces) && eventFilter(modes, namespaces);
  try {
    for await (const part of followRun(ports, run, from, sink.gone)) {
      if ("end" in part) {
        const room = writer.write(lastFrames(run, part.end));
        if (room) await room;
        return sink.end();
      }
      const events = wanted ? part.events.filter((event) => wanted(event.name)) : part.events;
      if (events.length === 0) continue;
      const room = writer.write(
        events.map((event) => eventFrame(event.name, event.data, event.position)),
      );
      if (room) await room;
    }
    // Without its end a stream must not look whole: this server stops, and clients come back to another.
    sink.abort();
  } finally {
    writer.close();
  }
}

/** Neither has an id: a client that comes back after them asks behind the last real event, and gets them again. */
function lastFrames(run: FollowedRun, end: RunEnd): string[] {
  const last = eventFrame("end", JSON.stringify({ run_id: run.runId, status: end.status }));
  return end.error ? [eventFrame("error", JSON.stringify(end.error)), last] : [last];
}

/** Modes whose events have another name: `messages` streams `messages/partial`, `messages-tuple` streams `messages`. */
const modeNames = new Set<string>([
  "values",
  "updates",
  "events",
  "debug",
  "tasks",
  "checkpoints",
  "custom",
  "tools",
  "lifecycle",
] satisfies StreamMode[]);

/** Which events a reader wants that asked for some modes. Names that belong to no mode always pass. */
function eventFilter(
  modes: StreamMode[] | null,
  namespaces: string[] | null,
): (name: string) => boolean {
  const wanted = modes && new Set<string>(modes);
  const prefixes = namespaces?.map((one) => (one === "" ? [] : one.split("|")));
  return (name) => {
    const [base, ...namespace] = name.split("|") as [string, ...string[]];
    if (
      prefixes &&
      (modeNames.has(base) || base === "messages") &&
      !prefixes.some((one) => isInside(namespace, one))
    ) {
      return false;
    }
    if (!wanted) return true;
    if (base === "messages") return wanted.has("messages-tuple");
    if (base.startsWith("messages/")) return wanted.has("messages");
    return !modeNames.has(base) || wanted.has(base);
  };
}

/** Of a graph and those within it; the empty namespace is the root graph alone (specification 1.3.1). */
function isInside(namespace: string[], wanted: string[]): boolean {
  return wanted.length === 0 ? namespace.length === 0 : isPrefix(wanted, namespace);
}

async function sendResult(ports: Ports, run: FollowedRun, sink: Sink): Promise<void> {
  const writer = new PatientWriter(sink, { sign: "\n", silenceMs: ports.limits.heartbeatMs });
  try {
    const result = await waitForRun(ports, run, sink.gone);
    if (result) sink.end(presentResult(result));
    else sink.abort();
  } finally {
    writer.close();
  }
}

/** Never null: JavaScript clients look for a key in it. */
function presentResult(result: Result): string {
  return "values" in result ? result.values : JSON.stringify({ __error__: result.error });
}
