import type { z } from "zod";
import { invalid } from "../../../core/error.ts";
import type { AssistantId, RunId, ThreadId } from "../../../core/ids.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { CreateRun } from "../../../core/operations/runs.ts";
import type { ReadFrom } from "../../../core/ports/events.ts";
import type { Command, Run, RunFilter, StreamMode } from "../../../core/run.ts";
import type { RouteRequest } from "../../route.ts";
import type * as schemas from "../schemas/runs.ts";
import { readCheckpoint, readConfig, timestampOf } from "./common.ts";

type CreateBody = z.infer<typeof schemas.createBody>;
type CreateStatelessBody = z.infer<typeof schemas.createStatelessBody>;

export function presentRun(run: Run, temporary: boolean): z.infer<typeof schemas.run> {
  return {
    run_id: run.runId,
    thread_id: run.threadId,
    assistant_id: run.assistantId,
    assistant_version: run.assistantVersion,
    created_at: timestampOf(run.createdAt),
    updated_at: timestampOf(run.updatedAt),
    status: run.status,
    metadata: run.metadata,
    kwargs: presentRequest(run, temporary),
    multitask_strategy: run.strategy,
    attempt: run.attempt,
    started_at: run.startedAt === null ? null : timestampOf(run.startedAt),
    ...(run.error && { error: run.error }),
    ...(run.cancelReason && { cancel_reason: run.cancelReason }),
    ...sessionOf(run),
  };
}

/** The project of a tracer that the graph's own libraries may send traces to. */
function sessionOf({ request }: Run): { langsmith_session_name?: string } {
  const name = request.config.configurable?.["langsmith_project"];
  return typeof name === "string" ? { langsmith_session_name: name } : {};
}

/** The keys that official servers put there; the ids under `configurable` are those the graph gets. */
function presentRequest(run: Run, temporary: boolean): JsonObject {
  const { request } = run;
  // The user's own fields may be secrets; only their id is told.
  const {
    langgraph_auth_user: _user,
    langgraph_auth_permissions: _permissions,
    ...told
  } = request.config.configurable ?? {};
  const configurable = {
    ...told,
    run_id: run.runId,
    thread_id: run.threadId,
    graph_id: request.graphId,
    assistant_id: run.assistantId,
  };
  return {
    input: request.input,
    ...(request.command && { command: request.command as JsonObject }),
    config: { ...(request.config as JsonObject), configurable, metadata: run.metadata },
    context: request.context,
    stream_mode: request.streamModes,
    ...(request.interruptBefore && { interrupt_before: request.interruptBefore }),
    ...(request.interruptAfter && { interrupt_after: request.interruptAfter }),
    ...(request.webhook && { webhook: request.webhook }),
    ...(request.feedbackKeys && { feedback_keys: request.feedbackKeys }),
    temporary,
    subgraphs: request.streamSubgraphs,
    resumable: request.resumable,
  };
}

/** What a request says outside its body. */
export type RequestHeaders = Pick<
  RouteRequest<unknown, unknown, unknown>,
  "headers" | "configurable"
>;

export function readRunFilter(body: z.infer<typeof schemas.searchBody>): RunFilter {
  return {
    ...(body.thread_id && { threadId: body.thread_id as ThreadId }),
    ...(body.assistant_id && { assistantId: body.assistant_id as AssistantId }),
    ...(body.status && { status: body.status }),
  };
}

/** A run on a thread. */
export function readCreateRun(
  threadId: string,
  body: CreateBody,
  request: RequestHeaders,
): CreateRun {
  return {
    ...readCommon(body, request),
    threadId: threadId as ThreadId,
    strategy: body.multitask_strategy ?? "enqueue",
    ifNotExists: body.if_not_exists ?? "reject",
    onCompletion: "keep",
  };
}

/** A run on a thread of its own. */
export function readCreateStatelessRun(
  body: CreateStatelessBody,
  request: RequestHeaders,
): CreateRun {
  return {
    ...readCommon(body, request),
    threadId: null,
    strategy: "enqueue",
    ifNotExists: "create",
    onCompletion: body.on_completion ?? "delete",
  };
}

/** Each run has a key of its own, or all would be one run. */
export function readBatch(bodies: CreateStatelessBody[], request: RequestHeaders): CreateRun[] {
  return bodies.map((body, at) => {
    const command = readCreateStatelessRun(body, request);
    const { idempotencyKey } = command;
    return { ...command, idempotencyKey: idempotencyKey && `${idempotencyKey}#${at}` };
  });
}

type Common = Omit<CreateRun, "threadId" | "strategy" | "ifNotExists" | "onCompletion">;

function readCommon(body: CreateBody | CreateStatelessBody, request: RequestHeaders): Common {
  return {
    runId: (body.run_id ?? null) as RunId | null,
    idempotencyKey: readIdempotencyKey(request.headers["idempotency-key"]),
    assistant: body.assistant_id,
    assistantVersion: body.assistant_version ?? null,
    input: body.input ?? null,
    command: readCommand(body.command),
    checkpoint: readCheckpoint(body.checkpoint, body.checkpoint_id) ?? null,
    config: (readConfig(body.config) as JsonObject | undefined) ?? null,
    context: body.context ?? null,
    metadata: body.metadata ?? null,
    configurable: { ...request.configurable, ...tracerOf(body.langsmith_tracer) },
    streamModes: streamModesOf(body.stream_mode),
    streamSubgraphs: body.stream_subgraphs ?? false,
    resumable: body.stream_resumable ?? false,
    interruptBefore: body.interrupt_before ?? null,
    interruptAfter: body.interrupt_after ?? null,
    strictResume: body.strict_resume ?? false,
    durability: body.durability ?? (body.checkpoint_during === false ? "exit" : "async"),
    webhook: body.webhook ?? null,
    feedbackKeys: body.feedback_keys ? [body.feedback_keys].flat() : null,
    afterMs: (body.after_seconds ?? 0) * 1000,
  };
}

function readCommand(command: CreateBody["command"]): Command | null {
  if (!command) return null;
  const known = Object.entries(command).filter(([, value]) => value !== undefined);
  return known.length > 0 ? (Object.fromEntries(known) as Command) : null;
}

export function streamModesOf(modes: CreateBody["stream_mode"]): StreamMode[] {
  const wanted = modes ? [modes].flat() : [];
  return wanted.length > 0 ? [...new Set(wanted)] : ["values"];
}

export function tracerOf(tracer: CreateBody["langsmith_tracer"]): JsonObject {
  return {
    ...(tracer?.project_name && { langsmith_project: tracer.project_name }),
    ...(tracer?.example_id && { langsmith_example_id: tracer.example_id }),
  };
}

const idempotencyKeyLengthMax = 255;

function readIdempotencyKey(key: string | string[] | undefined): string | null {
  if (key === undefined) return null;
  const text = String(key).trim();
  if (text !== "" && text.length <= idempotencyKeyLengthMax) return text;
  throw invalid(
    `Invalid header \`Idempotency-Key\`: expected 1 to ${idempotencyKeyLengthMax} characters.`,
  );
}

/** `Last-Event-ID`: `-1` or `-` is the start, N is behind N; none is what comes from now on. */
export function readPosition(lastEventId: string | string[] | undefined): ReadFrom | null {
  if (lastEventId === undefined || lastEventId === "") return "now";
  if (lastEventId === "-1" || lastEventId === "-") return "start";
  return /^\d{1,15}$/.test(String(lastEventId)) ? { after: Number(lastEventId) } : null;
}

export interface RunPlace {
  runId: RunId;
  threadId: ThreadId;
}

/** Where a run is and where its stream can be joined again; both relative, as clients want it. */
export function runHeaders(
  run: RunPlace,
  stateless: boolean,
  join: "stream" | "join",
): Record<string, string> {
  const onThread = `/threads/${run.threadId}/runs/${run.runId}`;
  const own = stateless ? `/runs/${run.runId}` : onThread;
  // A stateless run can be waited for under its temporary thread only.
  return {
    "content-location": own,
    location: join === "join" ? `${onThread}/join` : `${own}/stream`,
  };
}
