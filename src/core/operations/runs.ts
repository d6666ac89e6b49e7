import type { AssistantVersion } from "../assistant.ts";
import {
  configMetadata,
  mergeConfigs,
  mergeContexts,
  normalizeConfig,
  stickyConfig,
  type Config,
} from "../config.ts";
import { notFound } from "../error.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { Json, JsonObject } from "../json.ts";
import { admit } from "../multitask.ts";
import type { Found, Page } from "../page.ts";
import type { ThreadSnapshot } from "../ports/storage.ts";
import type { Ports } from "../ports/ports.ts";
import type {
  CheckpointReference,
  Command,
  Run,
  RunFilter,
  RunRequest,
  RunStatus,
  Strategy,
  StreamMode,
} from "../run.ts";
import { changedThread, type Thread } from "../thread.ts";
import { ownKey, withOwnNotes, withoutOwnNotes } from "../turn.ts";
import { checkResume } from "../interrupt.ts";
import { numberRuns } from "../thread-sequence.ts";
import { assistantForRun } from "./assistants.ts";
import { cancelRuns, stopping } from "./cancel.ts";
import { announceDeliveries, checkWebhook } from "./deliveries.ts";
import { noThread, requireCheckpoint, requireThread } from "./find.ts";
import { once, type Remember, type Repeatable } from "./once.ts";
import { announceStopped, newThread } from "./threads.ts";

export interface CreateRun extends Repeatable {
  /** Null: a stateless run, on a thread of its own. */
  threadId: ThreadId | null;
  /** An assistant's or graph's id, perhaps with `@version`. */
  assistant: string;
  assistantVersion: number | null;
  input: Json;
  command: Command | null;
  checkpoint: CheckpointReference | null;
  config: JsonObject | null;
  context: JsonObject | null;
  metadata: JsonObject | null;
  /** Request headers and the like that reach the graph as `configurable` but never stick. */
  configurable: JsonObject;
  streamModes: StreamMode[];
  streamSubgraphs: boolean;
  resumable: boolean;
  interruptBefore: string[] | "*" | null;
  interruptAfter: string[] | "*" | null;
  durability: RunRequest["durability"];
  webhook: string | null;
  feedbackKeys: string[] | null;
  strategy: Strategy;
  /** A resume that names an interrupt which is not pending is refused. */
  strictResume?: boolean;
  /** What to do when `threadId` names no thread. */
  ifNotExists: "create" | "reject";
  /** Of the thread, when one is made. */
  threadMetadata?: JsonObject;
  /** Delay before the run may start, in ms. */
  afterMs: number;
  /** Whether a stateless run's thread stays. */
  onCompletion: "delete" | "keep";
  /** The turn it begins or goes on with. */
  turn?: TurnRequest;
}

/** What a run is asked for unless somebody says otherwise. */
export const plainRun: Omit<CreateRun, "threadId" | "assistant"> = {
  assistantVersion: null,
  input: null,
  command: null,
  checkpoint: null,
  config: null,
  context: null,
  metadata: null,
  configurable: {},
  streamModes: ["messages-tuple"],
  streamSubgraphs: false,
  resumable: false,
  interruptBefore: null,
  interruptAfter: null,
  durability: "async",
  webhook: null,
  feedbackKeys: null,
  strategy: "reject",
  ifNotExists: "reject",
  afterMs: 0,
  onCompletion: "keep",
};

export interface TurnRequest {
  /** Null: it begins one. */
  id: RunId | null;
  /** In ms since 1970; null: never. */
  expiresAt: number | null;
  /** Notes for the run's metadata, beside those on the turn. */
  notes: JsonObject;
  /** Judges the thread as it is when the run is admitted; what it throws refuses the run. */
  admit: (snapshot: ThreadSnapshot) => void;
}

/**
 * Creates a run, marks its thread and ends what it replaces, in one transaction; then wakes a worker.
 * @throws not_found (assistant, version, thread), thread_busy, invalid (context, webhook), conflict
 * (a key of another request), unavailable (queue full).
 */
export async function createRun(ports: Ports, command: CreateRun): Promise<Run> {
  return (await createOrFind(ports, command)).run;
}

/** All or none. */
export async function createRuns(ports: Ports, commands: CreateRun[]): Promise<Run[]> {
  const runs: Run[] = [];
  const made: Run[] = [];
  try {
    for (const command of commands) {
      const { run, repeated } = await createOrFind(ports, command);
      runs.push(run);
      if (!repeated) made.push(run);
    }
    return runs;
  } catch (thrown) {
    await ports.storage.runs.forgetKeys(made.map(({ runId }) => runId));
    await cancelRuns(ports, made, "rollback");
    throw thrown;
  }
}

function createOrFind(ports: Ports, command: CreateRun) {
  // Headers differ from one try to the next.
  const { configurable: _, idempotencyKey: _key, ...said } = command;
  return once(ports, command, said, (remember) => createNewRun(ports, command, remember));
}

async function createNewRun(ports: Ports, command: CreateRun, remember: Remember): Promise<Run> {
  checkWebhook(ports, command.webhook);
  const assistant = await assistantForRun(ports, command.assistant, command.assistantVersion);
  if (!ports.graphs.has(assistant.graphId)) {
    throw notFound(
      `Graph "${assistant.graphId}" of assistant ${command.assistant} is not deployed.`,
    );
  }
  const existing = command.threadId && (await ports.storage.threads.get(command.threadId));
  if (command.threadId && !existing && command.ifNotExists === "reject") {
    throw noThread(command.threadId);
  }
  if (existing) await requireCheckpoint(ports, existing.threadId, command.checkpoint);
  const threadId = command.threadId ?? ports.ids.thread();
  const request = buildRequest(ports, command, assistant, existing?.config ?? {});
  await ports.graphs.checkContext(assistant.graphId, request.context);

  const { insert, replaced, deliver } = await ports.storage.threads.transact(threadId, (snapshot) =>
    admitRun(ports, { command, assistant, request, threadId, remember }, snapshot),
  );
  announceDeliveries(ports, deliver);
  for (const run of replaced) announceStopped(ports, run, "The run gave way to a newer run.");
  ports.signals.publish({ kind: "run", threadId });
  ports.signals.publish({ kind: "work" });
  return insert[0]!;
}

/** Merged weakest first: assistant, thread, run (specification 3.3). */
function buildRequest(
  ports: Ports,
  command: CreateRun,
  assistant: AssistantVersion,
  threadConfig: Config,
): RunRequest {
  const config = normalizeConfig(command.config);
  const given = mergeConfigs(assistant.config, threadConfig, config);
  const merged = mergeConfigs(given, {
    configurable: { ...command.configurable, ...identity(ports.caller, given) },
  });
  return {
    graphId: assistant.graphId,
    input: command.input,
    command: command.command,
    checkpoint: command.checkpoint,
    config: merged,
    context: mergeContexts(
      assistant,
      { config: threadConfig, context: {} },
      { config, context: command.context ?? {} },
    ),
    streamModes: command.streamModes,
    streamSubgraphs: command.streamSubgraphs,
    resumable: command.resumable,
    interruptBefore: command.interruptBefore,
    interruptAfter: command.interruptAfter,
    durability: command.durability,
    webhook: command.webhook,
    feedbackKeys: command.feedbackKeys,
    ...(command.strictResume && { strictResume: true }),
    ...(command.turn && command.turn.expiresAt !== null && { deadline: command.turn.expiresAt }),
    ...(ports.traceparent && { traceparent: ports.traceparent }),
  };
}

/** Who asked, as the graph learns it. Whatever the request itself says of this does not count. */
function identity(caller: Ports["caller"], given: Config): JsonObject {
  if (!caller) return {};
  return {
    user_id: given.configurable?.["user_id"] ?? caller.identity,
    langgraph_auth_user: caller.profile,
    langgraph_auth_user_id: caller.identity,
    langgraph_auth_permissions: caller.permissions,
  };
}

interface Admitted {
  command: CreateRun;
  assistant: AssistantVersion;
  request: RunRequest;
  threadId: ThreadId;
  remember: Remember;
}

function admitRun(ports: Ports, admitted: Admitted, { thread, inFlight }: ThreadSnapshot) {
  const { command, assistant, request, threadId } = admitted;
  if (command.threadId && !thread && command.ifNotExists === "reject") throw noThread(threadId);
  command.turn?.admit({ thread, inFlight });
  // What a run in flight will come to ask is known when this one begins.
  if (command.strictResume && thread && inFlight.length === 0) {
    checkResume(command.command?.resume, thread.interrupts);
  }
  const admission = admit(command.strategy, inFlight, ports.limits.pendingRunsPerThreadMax);
  const now = ports.clock.now();
  const temporary = command.threadId === null && command.onCompletion === "delete";
  const base: Thread = thread ?? {
    ...newThread(ports, threadId),
    metadata: command.threadMetadata ?? {},
    temporary,
    ...(temporary && { ttl: null }),
  };
  const bound = { graph_id: assistant.graphId, assistant_id: assistant.assistantId };
  const {
    graph_id: _graph,
    assistant_id: _assistant,
    ...threadMetadata
  } = withoutOwnNotes(base.metadata);
  const config = normalizeConfig(command.config);
  const runId = command.runId ?? ports.ids.run();
  const turn = command.turn && {
    id: command.turn.id ?? runId,
    expires_at: command.turn.expiresAt,
  };
  const run: Run = {
    runId,
    threadId,
    assistantId: assistant.assistantId,
    assistantVersion: assistant.version,
    createdAt: now,
    updatedAt: now,
    notBefore: now + command.afterMs,
    status: "pending",
    metadata: {
      ...withoutOwnNotes(assistant.metadata),
      ...threadMetadata,
      ...configMetadata(config),
      ...command.metadata,
      ...bound,
      ...(turn && { [ownKey]: { ...command.turn!.notes, turn } }),
    },
    request,
    strategy: command.strategy,
    attempt: 0,
    lostAttempts: 0,
    startedAt: null,
    error: null,
    ordinal: null,
    cancelReason: null,
  };
  // Those that are ended have their place before the new one; a delayed run gets its own when it begins.
  const ended = numberRuns(base, admission.replaced);
  const placed = command.afterMs > 0 ? { ...ended, runs: [run] } : numberRuns(ended.thread, [run]);
  return {
    thread: {
      ...changedThread(placed.thread, now),
      metadata: {
        ...(turn ? withOwnNotes(base.metadata, { turn }) : base.metadata),
        ...(inFlight.length === 0 && bound),
      },
      config: mergeConfigs(base.config, stickyConfig(config)),
      status: "busy" as const,
      error: null,
    },
    insert: placed.runs,
    remember: admitted.remember(placed.runs[0]!),
    ...stopping(ports, ended.runs, admission.action, base.temporary),
    replaced: admission.replaced,
  };
}

/** Newest first. */
export async function listRuns(
  ports: Ports,
  query: { threadId: ThreadId; status?: RunStatus; page: Page },
): Promise<Run[]> {
  await requireThread(ports, query.threadId);
  return ports.storage.runs.list(query);
}

/** Over all threads, newest first. */
export async function searchRuns(
  ports: Ports,
  query: { filter: RunFilter; page: Page },
): Promise<Found<Run>> {
  return ports.storage.runs.search(query);
}
