import type { z } from "zod";
import type { Assistant } from "../../core/assistant.ts";
import { createRun, type CreateRun } from "../../core/operations/runs.ts";
import { followRun } from "../../core/operations/streams.ts";
import { answerTask, beginTask, getTask, type Task } from "../../core/operations/tasks.ts";
import type { Ports } from "../../core/ports/ports.ts";
import type { Run } from "../../core/run.ts";
import { turnIdOf } from "../../core/turn.ts";
import { errorText, internalError, logged, resultText, RpcError, type RpcId } from "../json-rpc.ts";
import type { Reply } from "../route.ts";
import { runCreationEvent } from "../run-creation.ts";
import type { Sink } from "../sink.ts";
import { eventFrame, eventStreamHeaders, heartbeatComment, PatientWriter } from "../sse.ts";
import { ArtifactStream } from "./artifact-stream.ts";
import {
  answerOf,
  inputOf,
  readContextId,
  readHistoryWish,
  readParams,
  readParts,
  sendParams,
  wrongParams,
} from "./params.ts";
import type { Call } from "./call.ts";
import { findTask } from "./tasks.ts";
import { statusOf, viewTask, type HistoryWish } from "./view.ts";
import {
  presentArtifactUpdate,
  presentSentTask,
  presentStatusUpdate,
  type TaskView,
} from "./wire.ts";

/** A task that has been given a run, and how its answer is to look. */
interface Sent {
  call: Call;
  ports: Ports;
  assistant: Assistant;
  run: Run;
  wish: HistoryWish;
}

/** Answers once the task has come to rest, or at once when that was wished. */
export async function send(call: Call, assistant: Assistant): Promise<Reply> {
  const params = readParams(sendParams, call.params);
  const sent = await begin(call, assistant, params);
  const { blocking, returnImmediately } = params.configuration ?? {};
  if (returnImmediately || blocking === false) {
    const text = await taskText(sent);
    return { status: 200, headers: { "content-type": "application/json" }, body: text };
  }
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { status: 200, headers, body: null, stream: (sink) => sendWhenDone(sent, sink) };
}

/** Tells what happens to the task until it comes to rest. */
export async function sendStream(call: Call, assistant: Assistant): Promise<Reply> {
  const sent = await begin(call, assistant, readParams(sendParams, call.params));
  return {
    status: 200,
    headers: eventStreamHeaders,
    body: null,
    stream: (sink) => sendEvents(sent, sink),
  };
}

type SendParams = z.infer<typeof sendParams>;

async function begin(call: Call, assistant: Assistant, params: SendParams): Promise<Sent> {
  const { message, configuration, historyScope } = params;
  const wish = readHistoryWish({ historyScope, ...configuration }, call.headers);
  const command = message.taskId
    ? await answering(call, assistant, message)
    : beginTask(
        {
          threadId: readContextId(message.contextId),
          assistant: assistant.assistantId,
          input: inputOf(readParts(message), message.messageId),
          configurable: call.configurable,
        },
        message.messageId,
      );
  const ports = await call.admit([runCreationEvent(command)]);
  const run = await createRun(ports, command);
  return { call, ports, assistant, run, wish };
}

async function answering(
  call: Call,
  assistant: Assistant,
  message: SendParams["message"],
): Promise<CreateRun> {
  const { task } = await findTask(call, assistant, message.taskId!);
  const contextId = readContextId(message.contextId);
  if (contextId !== null && contextId !== task.thread.threadId) {
    throw wrongParams(`Task ${message.taskId} is of another context than ${contextId}.`);
  }
  return answerTask(task, answerOf(readParts(message)), call.configurable);
}

function taskOf({ ports, run, assistant }: Sent): Promise<Task> {
  const { assistantId } = assistant;
  return getTask(ports, { threadId: run.threadId, taskId: turnIdOf(run), assistantId });
}

async function taskText(sent: Sent, shown = (view: TaskView) => view): Promise<string> {
  const view = shown(await viewTask(sent.ports, await taskOf(sent), sent.wish));
  return resultText(sent.call.id, presentSentTask(sent.call.family, view));
}

/** As it was when the message came in: all that happens then follows on the stream. */
function asSent(view: TaskView): TaskView {
  return { ...view, status: { ...view.status, state: "submitted", message: null }, artifacts: [] };
}

async function sendWhenDone(sent: Sent, sink: Sink): Promise<void> {
  const { ports, run, call } = sent;
  const writer = new PatientWriter(sink, { sign: "\n", silenceMs: ports.limits.heartbeatMs });
  try {
    for await (const part of followRun(ports, run, "now", sink.gone)) {
      if ("end" in part) return sink.end(await orError(ports, call.id, () => taskText(sent)));
    }
    // Without its end an answer must not look whole: this server stops.
    sink.abort();
  } finally {
    writer.close();
  }
}

async function sendEvents(sent: Sent, sink: Sink): Promise<void> {
  const { ports, run, call } = sent;
  const { family, id } = call;
  const silenceMs = ports.limits.heartbeatMs;
  const writer = new PatientWriter(sink, { sign: heartbeatComment, silenceMs });
  const write = async (texts: string[]) => {
    await writer.write(texts.map((text) => eventFrame("message", text)));
  };
  const artifacts = new ArtifactStream();
  const place = { threadId: run.threadId, taskId: turnIdOf(run) };
  try {
    await write([await orError(ports, id, () => taskText(sent, asSent))]);
    for await (const part of followRun(ports, run, "start", sink.gone)) {
      if ("end" in part) {
        await write(await lastWords(sent, artifacts));
        return sink.end();
      }
      const results = part.events.flatMap((event) => {
        if (event.name === "metadata") {
          const status = { state: "working" as const, at: ports.clock.now(), message: null };
          return [presentStatusUpdate(family, place, status, false)];
        }
        return artifacts.add(event).map(({ artifact, append }) => {
          return presentArtifactUpdate(family, place, artifact, { append, lastChunk: false });
        });
      });
      await write(results.map((result) => resultText(id, result)));
    }
    // Without its end a stream must not look whole: this server stops.
    sink.abort();
  } finally {
    writer.close();
  }
}

/** What of the answers has not been told, and how the task has come to rest. */
async function lastWords(sent: Sent, told: ArtifactStream): Promise<string[]> {
  const { ports, call } = sent;
  const { family, id } = call;
  try {
    const task = await taskOf(sent);
    const { place, artifacts } = await viewTask(ports, task, sent.wish);
    const results = told.rest(artifacts).map(({ artifact, append }) => {
      return presentArtifactUpdate(family, place, artifact, { append, lastChunk: true });
    });
    const last = presentStatusUpdate(family, place, statusOf(task), true);
    return [...results, last].map((result) => resultText(id, result));
  } catch (thrown) {
    return [failed(ports, id, thrown)];
  }
}

async function orError(ports: Ports, id: RpcId, text: () => Promise<string>): Promise<string> {
  return text().catch((thrown: unknown) => failed(ports, id, thrown));
}

function failed(ports: Ports, id: RpcId, thrown: unknown): string {
  const { message } = logged(ports.log, thrown, {});
  return errorText(id, new RpcError(internalError, message));
}
