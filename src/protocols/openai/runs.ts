import type { Assistant } from "../../core/assistant.ts";
import type { JsonObject } from "../../core/json.ts";
import { listMessages } from "../../core/operations/messages.ts";
import { deleteThread } from "../../core/operations/threads.ts";
import {
  cancelTurn,
  getTurn,
  listTurns,
  noteOnTurn,
  resumeTurn,
  startTurn,
} from "../../core/operations/turns.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Run } from "../../core/run.ts";
import type { Thread } from "../../core/thread.ts";
import { isActive, type Turn } from "../../core/turn.ts";
import { json, route, type Reply, type Route } from "../route.ts";
import { findAssistant } from "./assistants.ts";
import { answers, anyBody, runParams, threadParams } from "./common.ts";
import { inOpenaiWords, OpenaiError } from "./errors.ts";
import { encodeId, runIdOf } from "./ids.ts";
import { listPage, pagingQuery, readPaging } from "./lists.ts";
import { turnStream } from "./run-stream.ts";
import {
  createRunBody,
  createThreadAndRunBody,
  metadataBody,
  submitBody,
  type CreateMessageBody,
  type CreateRunBody,
  type CreateThreadAndRunBody,
} from "./schemas.ts";
import { createEmptyThread, findThread } from "./threads.ts";
import { checked } from "./validate.ts";
import { upgradeRun } from "./version1.ts";
import { readMessage } from "./wire/messages.ts";
import { presentRun, runContext } from "./wire/runs.ts";

const tag = "Runs";

const create = route({
  method: "POST",
  path: "/threads/{thread_id}/runs",
  tag,
  summary: "Run an assistant on a thread",
  action: "threads:create_run",
  params: threadParams,
  body: anyBody,
  answers: answers("The run, queued; with `stream` its events"),
  async handle({ ports, params, body }) {
    const given = checked(createRunBody, upgradeRun(body));
    const assistant = await findAssistant(ports, given.assistant_id);
    const thread = await findThread(ports, params.thread_id);
    const messages = given.additional_messages ?? [];
    await requireSomethingToSay(ports, { thread, assistant, body: given, messages });
    const run = await start(ports, { thread, assistant, body: given, messages });
    return given.stream ? turnStream(ports, turnOf(run)) : json(presentRun(turnOf(run)));
  },
});

const createWithThread = route({
  method: "POST",
  path: "/threads/runs",
  tag,
  summary: "Create a thread and run an assistant on it",
  action: "threads:create_run",
  body: anyBody,
  answers: answers("The run, queued; with `stream` its events"),
  async handle({ ports, body }) {
    const given = checked(createThreadAndRunBody, upgradeRun(body));
    const assistant = await findAssistant(ports, given.assistant_id);
    const thread = await createEmptyThread(ports, given.thread ?? {});
    const messages = given.thread?.messages ?? [];
    try {
      await requireSomethingToSay(ports, { thread, assistant, body: given, messages });
      const run = await start(ports, { thread, assistant, body: given, messages });
      if (given.stream) return turnStream(ports, turnOf(run), { createdThread: thread });
      return json(presentRun(turnOf(run)));
    } catch (thrown) {
      await deleteThread(ports, thread.threadId);
      throw thrown;
    }
  },
});

interface Start {
  thread: Thread;
  assistant: Assistant;
  body: CreateRunBody | CreateThreadAndRunBody;
  messages: CreateMessageBody[];
}

function start(ports: Ports, { thread, assistant, body, messages }: Start): Promise<Run> {
  const now = ports.clock.now();
  const { threadId } = thread;
  const metadata = (body.metadata ?? {}) as JsonObject;
  const starting = startTurn(ports, {
    threadId,
    assistant: assistant.assistantId,
    messages: messages.map((message) => readMessage(message, now)),
    context: runContext(body, assistant.context["instructions"]),
    metadata,
    notes: { metadata },
  });
  const id = encodeId("thread", threadId);
  return inOpenaiWords(starting, { noun: "thread", id, threadId: id });
}

/** A model that is told nothing at all has nothing to answer. */
async function requireSomethingToSay(ports: Ports, command: Start): Promise<void> {
  const { thread, assistant, body, messages } = command;
  if (messages.length > 0 || body.instructions || assistant.context["instructions"]) return;
  if ((await listMessages(ports, thread.threadId)).length > 0) return;
  throw new OpenaiError(
    400,
    "Run creation requires a Thread with a user message or an assistant with instructions.",
  );
}

/** A turn that has just begun. */
function turnOf(run: Run): Turn {
  return {
    turnId: run.runId,
    runs: [run],
    status: "queued",
    calls: [],
    gap: null,
    expiresAt: run.request.deadline ?? null,
    endedAt: null,
    messages: [],
  };
}

const list = route({
  method: "GET",
  path: "/threads/{thread_id}/runs",
  tag,
  summary: "List the runs of a thread",
  action: "threads:read",
  params: threadParams,
  query: pagingQuery,
  answers: answers("A page of them"),
  async handle({ ports, params, query }) {
    const paging = readPaging(query);
    const { threadId } = await findThread(ports, params.thread_id);
    const turns = await listTurns(ports, threadId);
    return json(
      listPage(
        turns.map((turn) => presentRun(turn)),
        paging,
      ),
    );
  },
});

const retrieve = route({
  method: "GET",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag,
  summary: "Get a run",
  action: "threads:read",
  params: runParams,
  answers: answers("The run"),
  async handle({ ports, params }) {
    const turn = await findTurn(ports, params);
    return json(presentRun(turn), pollHeader(ports, turn));
  },
});

const quickPollMs = 100;
const slowPollMs = 500;
const quickUntilMs = 5_000;

/** How long a client that polls waits before it asks again; on its own it would wait for seconds. */
function pollHeader(ports: Ports, turn: Turn): Record<string, string> {
  if (!isActive(turn.status)) return {};
  const age = ports.clock.now() - turn.runs.at(-1)!.createdAt;
  return { "openai-poll-after-ms": String(age < quickUntilMs ? quickPollMs : slowPollMs) };
}

const update = route({
  method: "POST",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag,
  summary: "Change a run's metadata",
  action: "threads:update",
  params: runParams,
  body: anyBody,
  answers: answers("The run"),
  async handle({ ports, params, body }) {
    const { metadata } = checked(metadataBody, body);
    const turn = await findTurn(ports, params);
    if (metadata !== undefined) {
      await noteOnTurn(ports, turn, { metadata: metadata as JsonObject | null });
    }
    return json(presentRun(await findTurn(ports, params)));
  },
});

const cancel = route({
  method: "POST",
  path: "/threads/{thread_id}/runs/{run_id}/cancel",
  tag,
  summary: "Cancel a run",
  action: "threads:update",
  params: runParams,
  answers: answers("The run, cancelling"),
  async handle({ ports, params }) {
    const { threadId } = await findThread(ports, params.thread_id);
    const cancelling = cancelTurn(ports, threadId, runIdOf(params.run_id));
    await inOpenaiWords(cancelling, { noun: "run", id: params.run_id });
    const turn = await findTurn(ports, params);
    return json(presentRun(turn, turn.status === "cancelled" ? "cancelling" : turn.status));
  },
});

const submit = route({
  method: "POST",
  path: "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
  tag,
  summary: "Give a run the outputs of the functions it called",
  action: "threads:create_run",
  params: runParams,
  body: anyBody,
  answers: answers("The run, queued again; with `stream` its events"),
  async handle({ ports, params, body }) {
    const given = checked(submitBody, body);
    const turn = await findTurn(ports, params);
    const resuming = resumeTurn(ports, turn, { outputs: given.tool_outputs });
    const run = await inOpenaiWords(resuming, { noun: "run", id: params.run_id });
    const resumed: Turn = { ...turn, runs: [...turn.runs, run], status: "queued", calls: [] };
    return answerResumed(ports, resumed, given.stream === true);
  },
});

function answerResumed(ports: Ports, turn: Turn, streams: boolean): Reply {
  return streams ? turnStream(ports, turn) : json(presentRun(turn));
}

export async function findTurn(
  ports: Ports,
  params: { thread_id: string; run_id: string },
): Promise<Turn> {
  const { threadId } = await findThread(ports, params.thread_id);
  const found = getTurn(ports, threadId, runIdOf(params.run_id));
  return inOpenaiWords(found, { noun: "run", id: params.run_id });
}

/** `/threads/runs` first: `runs` is no thread id. */
export const runRoutes: Route[] = [
  createWithThread,
  create,
  list,
  retrieve,
  update,
  cancel,
  submit,
];
