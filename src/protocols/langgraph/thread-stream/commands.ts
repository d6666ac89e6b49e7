import { invalid } from "../../../core/error.ts";
import type { ThreadId } from "../../../core/ids.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import {
  answerInterrupts,
  assistantOf,
  nothingRan,
  requireBound,
  startRun,
} from "../../../core/operations/answers.ts";
import { assistantForRun } from "../../../core/operations/assistants.ts";
import { createRun, plainRun, type CreateRun } from "../../../core/operations/runs.ts";
import { getState, updateState } from "../../../core/operations/state.ts";
import { lastSequence } from "../../../core/operations/thread-events.ts";
import type { Ports } from "../../../core/ports/ports.ts";
import type { Goto, Run, StreamMode } from "../../../core/run.ts";
import * as schemas from "../schemas/thread-stream.ts";
import { readConfig } from "../wire/common.ts";
import { tracerOf } from "../wire/runs.ts";
import { ProtocolError, readParams, type CommandResult } from "./answer.ts";
import { getTree, listCheckpoints, readState } from "./inspection.ts";

export interface CommandContext {
  ports: Ports;
  threadId: ThreadId;
  /** Request headers that reach graphs. */
  configurable: JsonObject;
}

type Handler = (context: CommandContext, params: Json) => Promise<object | CommandResult>;

/** What a run of protocol v2 streams: all that its channels are made of. */
const streamModes: StreamMode[] = [
  "values",
  "updates",
  "messages-tuple",
  "tools",
  "custom",
  "tasks",
  "checkpoints",
];

/** The commands over HTTP, and over a WebSocket all but the subscriptions (specification 6.4). */
const handlers: Record<string, Handler> = {
  "run.start": start,
  "input.respond": respond,
  "input.inject": inject,
  "state.get": ({ ports, threadId }, params) =>
    readState(ports, threadId, readParams(schemas.stateGet, params)),
  "state.listCheckpoints": ({ ports, threadId }, params) =>
    listCheckpoints(ports, threadId, readParams(schemas.listCheckpoints, params)),
  "state.fork": fork,
  "agent.getTree": ({ ports, threadId }, params) =>
    getTree(ports, threadId, readParams(schemas.getTree, params).run_id ?? null),
};

export const startingCommands: ReadonlySet<string> = new Set([
  "run.start",
  "input.respond",
  "input.inject",
  "state.fork",
]);

/** @throws ProtocolError, AdjutantError */
export async function execute(
  context: CommandContext,
  method: string,
  params: Json,
): Promise<CommandResult> {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (!handler) throw unknownCommand(method);
  const answer = await handler(context, params);
  if ("appliedThrough" in answer) return answer;
  const appliedThrough = await lastSequence(context.ports, context.threadId);
  return { result: answer, appliedThrough };
}

function unknownCommand(method: string): ProtocolError {
  if (method.startsWith("subscription.")) {
    return new ProtocolError(
      "not_supported",
      `${method} is a command of the WebSocket; over HTTP each event stream is a subscription.`,
    );
  }
  const known = Object.keys(handlers).join(", ");
  return new ProtocolError("unknown_command", `There is no command ${method}. Use ${known}.`);
}

async function start(context: CommandContext, params: Json): Promise<CommandResult> {
  const { ports, threadId } = context;
  const given = readParams(schemas.runStart, params);
  const assistant = await assistantForRun(ports, given.assistant_id, null).catch(asArgument);
  requireBound(await ports.storage.threads.get(threadId), assistant.assistantId);
  const { checkpoint, config } = readTarget(given.config);
  const run = await startRun(ports, {
    ...newRun(context, given.assistant_id),
    input: given.input ?? null,
    checkpoint,
    config,
    context: given.context ?? null,
    metadata: given.metadata ?? null,
    configurable: { ...context.configurable, ...tracerOf(given.langsmith_tracer) },
    strategy: given.multitask_strategy ?? given.multitaskStrategy ?? "enqueue",
  });
  return started(ports, run, { run_id: run.runId });
}

async function respond(context: CommandContext, params: Json): Promise<CommandResult> {
  const many = isObjectWith(params, "responses");
  const given = many
    ? readParams(schemas.respondMany, params)
    : readParams(schemas.respondOne, params);
  const entries = "responses" in given ? given.responses : [given];
  const answers = new Map(entries.map((one) => [one.interrupt_id, one.response ?? null]));
  const { config } = readTarget(given.config);
  const command = { ...newRun(context, ""), config, metadata: given.metadata ?? null };
  const further = {
    ...(given.update && { update: given.update }),
    ...(given.goto && { goto: given.goto as Goto | Goto[] }),
  };
  const run = await answerInterrupts(context.ports, command, answers, further);
  return started(context.ports, run, {});
}

/**
 * A message that nobody asked for. Where a run is at work the message is the input of the run after it;
 * where none is, the message is added to the state, and whatever runs next sees it.
 */
async function inject(context: CommandContext, params: Json): Promise<object> {
  const { ports, threadId } = context;
  const { namespace, message } = readParams(schemas.inject, params);
  if (namespace && namespace.length > 0) {
    throw new ProtocolError("not_supported", "Messages can be injected into the root graph only.");
  }
  const thread = await ports.storage.threads.get(threadId);
  const assistant = thread && assistantOf(thread);
  if (!thread || !assistant) throw nothingRan(threadId);
  const { role, content, name } = message;
  const values: JsonObject = { messages: [{ role, content, ...(name && { name }) }] };
  if (thread.status === "busy") {
    await createRun(ports, { ...newRun(context, assistant), input: values });
  } else {
    await updateState(ports, threadId, { updates: [{ values, asNode: "__start__" }] });
  }
  return {};
}

async function fork(context: CommandContext, params: Json): Promise<CommandResult> {
  const { ports, threadId } = context;
  const given = readParams(schemas.fork, params);
  const checkpoint = { checkpoint_id: given.checkpoint_id };
  const thread = await ports.storage.threads.get(threadId);
  const assistant = thread && assistantOf(thread);
  if (!thread || !assistant) throw nothingRan(threadId);
  await getState(ports, threadId, { checkpoint, subgraphs: false }).catch((thrown: Error) => {
    throw new ProtocolError("no_such_checkpoint", thrown.message);
  });
  const { config } = readTarget(given.config);
  const command = { ...newRun(context, assistant), checkpoint, config };
  const run = await createRun(ports, { ...command, input: given.input ?? null });
  return started(ports, run, { run_id: run.runId, thread_id: threadId });
}

/** Everything before the run counts as told when the command was. */
async function started(ports: Ports, run: Run, result: object): Promise<CommandResult> {
  const appliedThrough = await lastSequence(ports, run.threadId, run.ordinal ?? Infinity);
  return { result, appliedThrough };
}

function newRun(context: CommandContext, assistant: string): CreateRun & { threadId: ThreadId } {
  return {
    ...plainRun,
    threadId: context.threadId,
    assistant,
    configurable: context.configurable,
    streamModes,
    streamSubgraphs: true,
    resumable: true,
    strategy: "enqueue",
    ifNotExists: "create",
  };
}

/** Clients name the checkpoint to start from under `configurable`, and repeat the thread there. */
function readTarget(given: object | null | undefined): {
  checkpoint: CreateRun["checkpoint"];
  config: JsonObject | null;
} {
  const config = readConfig(given);
  if (!config) return { checkpoint: null, config: null };
  const {
    checkpoint_id,
    checkpoint_ns,
    checkpoint_map,
    thread_id: _thread,
    ...configurable
  } = config.configurable ?? {};
  if (checkpoint_id !== undefined && typeof checkpoint_id !== "string") {
    throw invalid("`config.configurable.checkpoint_id`: expected the id of a checkpoint.");
  }
  const checkpoint = checkpoint_id
    ? ({
        checkpoint_id,
        ...(checkpoint_ns !== undefined && { checkpoint_ns }),
        ...(checkpoint_map !== undefined && { checkpoint_map }),
      } as CreateRun["checkpoint"])
    : null;
  return { checkpoint, config: { ...config, configurable } as JsonObject };
}

/** An assistant that is not there is a wrong argument, not a missing run. */
function asArgument(thrown: Error): never {
  throw new ProtocolError("invalid_argument", thrown.message);
}

function isObjectWith(value: Json, key: string): boolean {
  return typeof value === "object" && value !== null && key in value;
}
