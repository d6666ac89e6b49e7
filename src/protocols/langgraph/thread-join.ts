import { z } from "zod";
import { invalid } from "../../core/error.ts";
import type { ThreadId } from "../../core/ids.ts";
import { requireThread } from "../../core/operations/find.ts";
import { getState } from "../../core/operations/state.ts";
import {
  followThread,
  type ThreadPart,
  type ThreadPosition,
} from "../../core/operations/thread-events.ts";
import type { Ports } from "../../core/ports/ports.ts";
import { list } from "../query.ts";
import { route, type Headers, type Route } from "../route.ts";
import type { Sink } from "../sink.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../sse.ts";
import { failures, threadParams } from "./schemas/common.ts";
import { presentState } from "./wire/state.ts";

const mode = z.enum(["run_modes", "lifecycle", "state_update"]);
type Mode = z.infer<typeof mode>;
const modes = list(z.array(mode).optional());

/**
 * The stream of a whole thread in the older protocol (specification 2.7): each run's events with their
 * `metadata` before and `run_done` behind, as long as the reader stays. Ids are `<ordinal>-<position>`.
 */
export const joinThreadRoute: Route = route({
  method: "GET",
  path: "/threads/{thread_id}/stream",
  tag: "Threads",
  summary: "Stream what happens in all runs of a thread, from now on or from `Last-Event-ID` on",
  action: "threads:read",
  params: threadParams,
  headers: { "Last-Event-ID": "The id behind which to go on; `-` is the beginning" },
  // Clients say the second, the official document says the first.
  query: { stream_modes: modes, stream_mode: modes },
  answers: {
    200: {
      schema: z.string(),
      description:
        "`metadata`, those of the runs' stream modes, `run_done`, `state_update`; without end",
      contentType: "text/event-stream",
    },
    ...failures(404, 422),
  },
  async handle({ ports, params, query, headers }) {
    const threadId = params.thread_id as ThreadId;
    const from = readThreadPosition(headers);
    await requireThread(ports, threadId);
    const wanted = new Set<Mode>(query.stream_mode ?? query.stream_modes ?? ["run_modes"]);
    return {
      status: 200,
      headers: eventStreamHeaders,
      body: null,
      stream: (sink) => sendParts(ports, { threadId, from, wanted }, sink),
    };
  },
});

async function sendParts(
  ports: Ports,
  joined: { threadId: ThreadId; from: ThreadPosition; wanted: ReadonlySet<Mode> },
  sink: Sink,
): Promise<void> {
  const { threadId, from, wanted } = joined;
  const silenceMs = ports.limits.heartbeatMs;
  const writer = new PatientWriter(sink, { sign: heartbeatComment, silenceMs });
  try {
    for await (const part of followThread(ports, threadId, from, sink.gone)) {
      const frames = "end" in part ? await endFrames(ports, part, wanted) : runFrames(part, wanted);
      const room = frames.length > 0 ? writer.write(frames) : null;
      if (room) await room;
    }
    // It has no end: this server stops, and clients come back to another.
    sink.abort();
  } finally {
    writer.close();
  }
}

type EventPart = Extract<ThreadPart, { events: unknown }>;
type EndPart = Extract<ThreadPart, { end: unknown }>;

function runFrames({ run, events }: EventPart, wanted: ReadonlySet<Mode>): string[] {
  const told = events.filter(
    ({ name }) => wanted.has("run_modes") || (wanted.has("lifecycle") && name === "metadata"),
  );
  return told.map(({ name, data, position }) =>
    eventFrame(name, data, `${run.ordinal}-${position}`),
  );
}

/** The last of them carries the place behind the run, so that who comes back gets all or none. */
async function endFrames(
  ports: Ports,
  { run, end }: EndPart,
  wanted: ReadonlySet<Mode>,
): Promise<string[]> {
  const told: [string, unknown][] = [];
  if (wanted.has("run_modes") || wanted.has("lifecycle")) {
    const { status, error } = end;
    told.push(["run_done", { run_id: run.runId, status, ...(error && { error }) }]);
  }
  if (wanted.has("state_update")) {
    const state = await getState(ports, run.threadId, { subgraphs: false }).catch(() => null);
    if (state) told.push(["state_update", presentState(state, null)]);
  }
  return told.map(([name, data], at) => {
    const isLast = at === told.length - 1;
    return eventFrame(name, JSON.stringify(data), isLast ? `${run.ordinal}-done` : undefined);
  });
}

function readThreadPosition(headers: Headers): ThreadPosition {
  const id = headers["last-event-id"];
  if (id === undefined || id === "") return "now";
  if (id === "-" || id === "-1") return "start";
  const [, ordinal, position] = /^(\d{1,10})-(\d{1,15}|done)$/.exec(String(id)) ?? [];
  if (ordinal === undefined) {
    throw invalid(
      "Invalid header `Last-Event-ID`: expected -, or the id of an event of the thread.",
    );
  }
  if (position === "done") return { ordinal: Number(ordinal) + 1, position: -1 };
  return { ordinal: Number(ordinal), position: Number(position) };
}
