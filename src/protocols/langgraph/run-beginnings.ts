import { z } from "zod";
import { createRun, type CreateRun } from "../../core/operations/runs.ts";
import { repeated } from "../query.ts";
import { json, route, type Route, type RouteRequest } from "../route.ts";
import { createRunEvents } from "./events.ts";
import { streamReply, waitReply } from "./run-streams.ts";
import { answer, failures, threadParams } from "./schemas/common.ts";
import * as schemas from "./schemas/runs.ts";
import {
  presentRun,
  readCreateRun,
  readCreateStatelessRun,
  runHeaders,
  type RequestHeaders,
} from "./wire/runs.ts";

/** Runs are begun in three ways at two places; what the ways share, joining a run shares with them. */

export const onThreadTag = "Runs";
export const statelessTag = "Stateless runs";

/** Empty is the root graph. */
export const namespace = { ...repeated(z.array(z.string()).optional()), keepsEmpty: true };

export const createAnswers = failures(404, 409, 503);
export const createHeaders = {
  "Idempotency-Key": "Of a request that may be sent again: the same key finds the run of the first",
};
/** Where the run is, and where its answer can be joined again when the connection is lost. */
const placeHeaders = {
  "Content-Location": "The run's path: its last segment is the run's id",
  Location: "Where to wait for the run again, when the connection is lost",
};
const runAnswers = {
  200: { ...answer(schemas.run, "The run, pending"), headers: placeHeaders },
  ...createAnswers,
};
export const streamAnswer = {
  200: {
    headers: placeHeaders,
    schema: z.string(),
    description: "Events: `metadata`, those of the stream modes, `error` when it failed, `end`",
    contentType: "text/event-stream",
  },
};
export const resultAnswer = {
  200: {
    headers: placeHeaders,
    schema: z.looseObject({}),
    description:
      "Newlines while the run lasts, then the last state, or `__error__` with what went wrong",
  },
};

/** A thread that the path names, or one of the run's own. */
interface Place<Params, Body> {
  path: string;
  tag: string;
  /** In summaries, behind "on". */
  thread: string;
  isStateless: boolean;
  params?: z.ZodType<Params>;
  body: z.ZodType<Body>;
  read(params: Params, body: Body, request: RequestHeaders): CreateRun;
}

/** To begin a run and leave it, to stream it, and to wait for its last state. */
function beginnings<Params, Body extends { on_disconnect?: string | null | undefined }>(
  place: Place<Params, Body>,
): { create: Route; stream: Route; wait: Route } {
  const { path, tag, thread, isStateless } = place;
  const shared = {
    method: "POST",
    tag,
    action: "threads:create_run",
    ...(place.params && { params: place.params }),
    body: place.body,
    events: createRunEvents,
    headers: createHeaders,
  } as const;
  type Request = Omit<RouteRequest<Params, unknown, Body>, "query">;
  const begin = async ({ ports, params, body, ...request }: Request) => {
    const command = place.read(params, body, request);
    return { command, run: await createRun(ports, command) };
  };
  const create = route({
    ...shared,
    path,
    summary: `Run an assistant on ${thread}`,
    answers: runAnswers,
    async handle(request) {
      const { command, run } = await begin(request);
      const goes = command.onCompletion === "delete";
      return json(presentRun(run, goes), runHeaders(run, isStateless, "stream"));
    },
  });
  const stream = route({
    ...shared,
    path: `${path}/stream`,
    summary: `Run an assistant on ${thread} and stream what happens`,
    query: { namespace },
    answers: { ...streamAnswer, ...createAnswers },
    async handle({ query, ...request }) {
      const { run } = await begin(request);
      return streamReply(request.ports, run, runHeaders(run, isStateless, "stream"), {
        from: "start",
        modes: null,
        namespaces: query.namespace ?? null,
        cancelOnDisconnect: request.body.on_disconnect === "cancel",
      });
    },
  });
  const wait = route({
    ...shared,
    path: `${path}/wait`,
    summary: `Run an assistant on ${thread} and wait for its last state`,
    answers: { ...resultAnswer, ...createAnswers },
    async handle(request) {
      const { run } = await begin(request);
      const cancels = request.body.on_disconnect === "cancel";
      return waitReply(request.ports, run, runHeaders(run, isStateless, "join"), cancels);
    },
  });
  return { create, stream, wait };
}

export const onThread = beginnings({
  path: "/threads/{thread_id}/runs",
  tag: onThreadTag,
  thread: "a thread",
  isStateless: false,
  params: threadParams,
  body: schemas.createBody,
  read: (params, body, request) => readCreateRun(params.thread_id, body, request),
});

export const stateless = beginnings({
  path: "/runs",
  tag: statelessTag,
  thread: "a thread of its own",
  isStateless: true,
  body: schemas.createStatelessBody,
  read: (_params: null, body, request) => readCreateStatelessRun(body, request),
});
