import { z } from "zod";
import type { ThreadId } from "../../../core/ids.ts";
import { isObject, type JsonObject } from "../../../core/json.ts";
import { requireOwnOrFree } from "../../../core/operations/find.ts";
import type { Ports } from "../../../core/ports/ports.ts";
import { json, route, type Reply, type Route, type RouteEvent } from "../../route.ts";
import type { Sink } from "../../sink.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../../sse.ts";
import { createRunEvents } from "../events.ts";
import { answer, failures, threadParams } from "../schemas/common.ts";
import * as schemas from "../schemas/thread-stream.ts";
import { presentFailure, presentResult } from "./answer.ts";
import { execute, startingCommands } from "./commands.ts";
import { presentEvent } from "./event.ts";
import { threadEvents } from "./feed.ts";
import { matches, type EventFilter } from "./filter.ts";
import { Session } from "./session.ts";

const tag = "Streaming";

const commands = route({
  method: "POST",
  path: "/threads/{thread_id}/commands",
  tag,
  summary: "Send a command of protocol v2; errors of the protocol are answers, too",
  action: "threads:create_run",
  params: threadParams,
  body: schemas.commandBody,
  events: commandEvents,
  answers: {
    200: answer(schemas.commandAnswer, "{type: success, result} or {type: error, error, message}"),
    ...failures(400, 413, 422),
  },
  async handle({ ports, params, body, configurable }) {
    const threadId = params.thread_id as ThreadId;
    try {
      const context = { ports, threadId, configurable };
      const result = await execute(context, body.method, body.params ?? {});
      return json(presentResult(body.id, result, threadId));
    } catch (thrown) {
      return json(presentFailure(body.id, thrown));
    }
  },
});

const events = route({
  method: "POST",
  path: "/threads/{thread_id}/stream/events",
  tag,
  summary: "Stream a thread's events: those of all its runs, the past ones first",
  action: "threads:read",
  params: threadParams,
  body: schemas.eventsBody,
  answers: {
    200: {
      schema: z.string(),
      description: "Events of protocol v2, without end",
      contentType: "text/event-stream",
    },
    ...failures(400, 404, 413, 422),
  },
  async handle({ ports, params, body }) {
    const threadId = params.thread_id as ThreadId;
    await requireOwnOrFree(ports, threadId);
    return {
      status: 200,
      headers: eventStreamHeaders,
      body: null,
      stream: (sink) => sendEvents(ports, threadId, body, sink),
    };
  },
});

const socket = route({
  method: "GET",
  path: "/threads/{thread_id}/stream/events",
  tag,
  summary: "Open a WebSocket for commands and events of protocol v2",
  action: "threads:read",
  params: threadParams,
  answers: {
    101: answer(null, "Commands and events, one JSON a message"),
    ...failures(404, 422, 426),
  },
  async handle({ ports, params }): Promise<Reply> {
    const threadId = params.thread_id as ThreadId;
    await requireOwnOrFree(ports, threadId);
    const message = "This path is for WebSockets. Without one, POST the channels you want to it.";
    const headers = { upgrade: "websocket", connection: "upgrade" };
    return {
      ...json({ detail: message, message }, headers, 426),
      socket: (one) => new Session(ports, threadId, one).serve(),
    };
  },
});

async function sendEvents(
  ports: Ports,
  threadId: ThreadId,
  filter: EventFilter,
  sink: Sink,
): Promise<void> {
  const silenceMs = ports.limits.heartbeatMs;
  const writer = new PatientWriter(sink, { sign: heartbeatComment, silenceMs });
  try {
    for await (const batch of threadEvents(ports, threadId, filter.since, sink.gone)) {
      const now = ports.clock.now();
      const frames = batch
        .filter((event) => matches(event, filter))
        .map((event) => eventFrame(event.method, presentEvent(event, now), event.eventId));
      if (frames.length === 0) continue;
      const room = writer.write(frames);
      if (room) await room;
    }
    // It has no end: this server stops, and clients come back to another.
    sink.abort();
  } finally {
    writer.close();
  }
}

type Request = Parameters<NonNullable<Route["events"]>>[0];

/** A command that starts a run is asked about as one; the others only read. */
function commandEvents(request: Request): RouteEvent[] {
  const { thread_id } = request.params as { thread_id: string };
  const { method, params } = request.body as { method: string; params?: JsonObject | null };
  if (!startingCommands.has(method)) return [{ action: "threads:read", value: { thread_id } }];
  const body = request.body as JsonObject;
  // What handlers write reaches the run by the same names.
  const given: JsonObject = { if_not_exists: "create", ...(isObject(params) ? params : {}) };
  return createRunEvents({ ...request, body: given }).map((event) => ({
    ...event,
    apply: (changed: JsonObject) => {
      event.apply?.(changed);
      body["params"] = given;
    },
  }));
}

export const threadStreamRoutes: Route[] = [commands, events, socket];
