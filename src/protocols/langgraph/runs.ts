import { z } from "zod";
import { invalid } from "../../core/error.ts";
import type { RunId, ThreadId } from "../../core/ids.ts";
import { getRun, requireThread } from "../../core/operations/find.ts";
import { cancelRuns, deleteRun, findRunsToCancel } from "../../core/operations/cancel.ts";
import { createRuns, listRuns } from "../../core/operations/runs.ts";
import { findFollowed } from "../../core/operations/streams.ts";
import { flag, integer, list, text } from "../query.ts";
import { empty, json, route, type Headers, type Route } from "../route.ts";
import { createRunEvents } from "./events.ts";
import {
  createAnswers,
  createHeaders,
  namespace,
  onThread,
  onThreadTag,
  resultAnswer,
  stateless,
  statelessTag,
  streamAnswer,
} from "./run-beginnings.ts";
import { streamReply, waitReply } from "./run-streams.ts";
import {
  answer,
  failures,
  limit,
  offset,
  runParams,
  threadParams,
  uuid,
} from "./schemas/common.ts";
import * as schemas from "./schemas/runs.ts";
import { select } from "./wire/common.ts";
import { presentRun, readBatch, readPosition, runHeaders } from "./wire/runs.ts";

const batch = route({
  method: "POST",
  path: "/runs/batch",
  tag: statelessTag,
  summary: "Create several runs, each on a thread of its own",
  action: "threads:create_run",
  body: schemas.batchBody,
  events: createRunEvents,
  headers: createHeaders,
  answers: { 200: answer(z.array(schemas.run), "The runs, pending"), ...createAnswers },
  async handle({ ports, body, ...request }) {
    const runs = await createRuns(ports, readBatch(body, request));
    return json(runs.map((run, at) => presentRun(run, body[at]!.on_completion !== "keep")));
  },
});

const cancelAction = text(z.enum(["interrupt", "rollback"]).default("interrupt"));

const cancelMany = route({
  method: "POST",
  path: "/runs/cancel",
  tag: statelessTag,
  summary: "Cancel several runs of a thread, or all of a status",
  action: "threads:update",
  query: { action: cancelAction },
  body: schemas.cancelManyBody,
  answers: { 204: answer(null, "They have ended"), ...failures(400, 404, 422) },
  async handle({ ports, query, body }) {
    const runs = await findRunsToCancel(
      ports,
      "status" in body
        ? body
        : { threadId: body.thread_id as ThreadId, runIds: body.run_ids as RunId[] },
    );
    await cancelRuns(ports, runs, query.action);
    return empty(204);
  },
});

const listOnThread = route({
  method: "GET",
  path: "/threads/{thread_id}/runs",
  tag: onThreadTag,
  summary: "List a thread's runs, newest first",
  action: "threads:search",
  params: threadParams,
  query: {
    limit: integer(limit),
    offset: integer(offset),
    status: text(schemas.runStatus.optional()),
    select: list(z.array(schemas.run.keyof()).optional()),
  },
  answers: { 200: answer(z.array(schemas.run), "A page of them"), ...failures(404, 422) },
  async handle({ ports, params, query }) {
    const threadId = params.thread_id as ThreadId;
    const page = { limit: query.limit, offset: query.offset };
    const { temporary } = await requireThread(ports, threadId);
    const runs = await listRuns(ports, { threadId, status: query.status, page });
    return json(runs.map((run) => select(presentRun(run, temporary), query.select)));
  },
});

const get = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag: onThreadTag,
  summary: "Get a run",
  action: "threads:read",
  params: runParams,
  answers: { 200: answer(schemas.run, "The run"), ...failures(404, 422) },
  async handle({ ports, params }) {
    const threadId = params.thread_id as ThreadId;
    const run = await getRun(ports, threadId, params.run_id as RunId);
    const { temporary } = await requireThread(ports, threadId);
    return json(presentRun(run, temporary));
  },
});

const remove = route({
  method: "DELETE",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag: onThreadTag,
  summary: "Delete a run with the checkpoints it wrote",
  action: "threads:delete",
  params: runParams,
  answers: { 204: answer(null, "It is gone"), ...failures(404, 422) },
  async handle({ ports, params }) {
    await deleteRun(ports, params.thread_id as ThreadId, params.run_id as RunId);
    return empty(204);
  },
});

const cancel = route({
  method: "POST",
  path: "/threads/{thread_id}/runs/{run_id}/cancel",
  tag: onThreadTag,
  summary: "Cancel a run; one that has ended stays as it is",
  action: "threads:update",
  params: runParams,
  query: { wait: flag(), action: cancelAction, reason: text(z.literal("taken").optional()) },
  answers: {
    200: answer(z.object({}), "It has ended; with `wait`"),
    202: answer(null, "It ends"),
    ...failures(404, 422),
  },
  async handle({ ports, params, query }) {
    const run = await getRun(ports, params.thread_id as ThreadId, params.run_id as RunId);
    await cancelRuns(ports, [run], query.action, readCancelReason(query));
    return query.wait
      ? json({}, { location: runHeaders(run, false, "join")["location"]! })
      : empty(202);
  },
});

/** Clients that take a queued run's input back say so. */
function readCancelReason(query: { action: string; reason?: "taken" }): string | null {
  if (!query.reason) return null;
  if (query.action === "interrupt") return "taken: its input was taken back.";
  throw invalid(
    "`reason` goes with `action=interrupt`: a run that is rolled back keeps no record.",
  );
}

const join = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}/join",
  tag: onThreadTag,
  summary: "Wait for a run's last state",
  action: "threads:read",
  params: runParams,
  query: { cancel_on_disconnect: flag() },
  answers: { ...resultAnswer, ...failures(404, 422) },
  async handle({ ports, params, query }) {
    const run = await findFollowed(ports, params.thread_id as ThreadId, params.run_id as RunId);
    return waitReply(ports, run, runHeaders(run, false, "join"), query.cancel_on_disconnect);
  },
});

const joinQuery = {
  namespace,
  stream_mode: list(z.array(schemas.streamMode).optional()),
  cancel_on_disconnect: flag(),
};

const joinHeaders = {
  "Last-Event-ID": "The id behind which to go on; `-1` is the beginning",
};

const joinStream = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}/stream",
  tag: onThreadTag,
  summary: "Stream what happens in a run, from now on or from `Last-Event-ID` on",
  action: "threads:read",
  params: runParams,
  query: joinQuery,
  headers: joinHeaders,
  answers: { ...streamAnswer, ...failures(404, 422) },
  async handle({ ports, params, query, headers }) {
    const options = readJoin(query, headers);
    const run = await findFollowed(ports, params.thread_id as ThreadId, params.run_id as RunId);
    return streamReply(ports, run, runHeaders(run, false, "stream"), options);
  },
});

const joinStreamStateless = route({
  method: "GET",
  path: "/runs/{run_id}/stream",
  tag: statelessTag,
  summary: "Stream what happens in a run, from now on or from `Last-Event-ID` on",
  action: "threads:read",
  params: z.object({ run_id: uuid }),
  query: joinQuery,
  headers: joinHeaders,
  answers: { ...streamAnswer, ...failures(404, 422) },
  async handle({ ports, params, query, headers }) {
    const options = readJoin(query, headers);
    const run = await findFollowed(ports, null, params.run_id as RunId);
    return streamReply(ports, run, runHeaders(run, true, "stream"), options);
  },
});

function readJoin(
  query: {
    stream_mode?: z.infer<typeof schemas.streamMode>[];
    namespace?: string[];
    cancel_on_disconnect: boolean;
  },
  headers: Headers,
) {
  const from = readPosition(headers["last-event-id"]);
  if (from === null) {
    throw invalid("Invalid header `Last-Event-ID`: expected -1, - or the id of an event.");
  }
  const modes = query.stream_mode ?? null;
  const namespaces = query.namespace ?? null;
  return { from, modes, namespaces, cancelOnDisconnect: query.cancel_on_disconnect };
}

/** The fixed paths first: `/runs/stream` is no run id. */
export const runRoutes: Route[] = [
  onThread.create,
  onThread.stream,
  onThread.wait,
  listOnThread,
  get,
  remove,
  cancel,
  join,
  joinStream,
  stateless.create,
  stateless.stream,
  stateless.wait,
  batch,
  cancelMany,
  joinStreamStateless,
];
