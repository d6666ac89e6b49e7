import type { ThreadId } from "../../../core/ids.ts";
import { isObject, type Json, type JsonObject } from "../../../core/json.ts";
import { nothingRan } from "../../../core/operations/answers.ts";
import { getHistory, getState } from "../../../core/operations/state.ts";
import type { ThreadState } from "../../../core/ports/graphs.ts";
import type { Ports } from "../../../core/ports/ports.ts";
import type { Run, RunStatus } from "../../../core/run.ts";
import { graphOf } from "../../../core/thread.ts";
import { ProtocolError } from "./answer.ts";
import { isPrefix } from "./filter.ts";

/** Commands that look and change nothing (specification 6.4). */

type Namespace = string[] | null | undefined;

export async function readState(
  ports: Ports,
  threadId: ThreadId,
  query: { namespace?: Namespace; keys?: string[] | null },
): Promise<object> {
  await requireRun(ports, threadId);
  const root = await getState(ports, threadId, { subgraphs: (query.namespace?.length ?? 0) > 0 });
  const { values, checkpoint } = stateIn(root, query.namespace ?? []);
  const state = isObject(values) ? values : {};
  const keys = query.keys ?? Object.keys(state);
  return {
    values: Object.fromEntries(keys.filter((key) => key in state).map((key) => [key, state[key]])),
    ...(checkpoint && {
      checkpoint: {
        id: checkpoint["checkpoint_id"],
        ...(checkpoint["checkpoint_ns"] && { ns: checkpoint["checkpoint_ns"] }),
      },
    }),
  };
}

interface Nested {
  values: Json;
  checkpoint: JsonObject | null;
  tasks: JsonObject[];
}

/** Of the subgraphs that are at work or wait: those that have ended have no state of their own any more. */
function stateIn(root: ThreadState, namespace: string[]): Nested {
  let state: Nested = root;
  for (const [at, segment] of namespace.entries()) {
    const task = state.tasks.find(({ name, id }) =>
      isPrefix([segment], [`${String(name)}:${String(id)}`]),
    );
    const inside = task?.["state"];
    if (!isObject(inside)) {
      const known = namespace.slice(0, at + 1).join("|");
      throw new ProtocolError("no_such_namespace", `No subgraph is active at ${known}.`);
    }
    state = inside as unknown as Nested;
  }
  return state;
}

export async function listCheckpoints(
  ports: Ports,
  threadId: ThreadId,
  query: { namespace?: Namespace; limit?: number | null; before?: string | null },
): Promise<object> {
  await requireRun(ports, threadId);
  const { namespace, limit, before } = query;
  const states = await getHistory(ports, threadId, {
    limit: limit ?? 10,
    ...(before && { before }),
    ...(namespace && namespace.length > 0
      ? { checkpoint: { checkpoint_ns: namespace.join("|") } }
      : {}),
  }).catch((thrown: Error) => {
    if (!namespace || namespace.length === 0) throw thrown;
    throw new ProtocolError("no_such_namespace", thrown.message);
  });
  return { checkpoints: states.map(summaryOf) };
}

function summaryOf({ checkpoint, createdAt, metadata }: ThreadState): object {
  const { step, ...rest } = metadata ?? {};
  return {
    id: checkpoint?.["checkpoint_id"],
    timestamp: createdAt,
    step: step ?? 0,
    metadata: rest,
  };
}

/** The latest run, or the one named, with the subgraphs that are at work in it. */
export async function getTree(
  ports: Ports,
  threadId: ThreadId,
  runId: string | null,
): Promise<object> {
  await requireRun(ports, threadId);
  const runs = await ports.storage.runs.list({ threadId, page: { limit: 1, offset: 0 } });
  const [latest] = runs;
  const run = runId === null ? latest : await ports.storage.runs.get(runId as Run["runId"]);
  if (!run || run.threadId !== threadId) {
    throw new ProtocolError("no_such_run", `There is no run ${runId ?? ""} on thread ${threadId}.`);
  }
  const { tasks } = await getState(ports, threadId, { subgraphs: true });
  const waits = run.runId === latest?.runId && tasks.length > 0;
  const status = run.status === "success" && waits ? "interrupted" : agentStatuses[run.status];
  const children = run.runId === latest?.runId ? childrenOf(tasks, [], status) : [];
  const tree = {
    namespace: [],
    status,
    graph_name: run.request.graphId,
    ...(children.length > 0 && { children }),
    metadata: { run_id: run.runId },
  };
  return { tree };
}

const agentStatuses: Record<RunStatus, string> = {
  pending: "started",
  running: "running",
  success: "completed",
  interrupted: "interrupted",
  error: "failed",
  timeout: "failed",
};

function childrenOf(tasks: JsonObject[], around: string[], status: string): object[] {
  return tasks.flatMap((task) => {
    const { id, name, state, interrupts, error } = task;
    if (!isObject(state)) return [];
    const namespace = [...around, `${String(name)}:${String(id)}`];
    const nested = Array.isArray(state["tasks"]) ? state["tasks"].filter(isObject) : [];
    const asks = Array.isArray(interrupts) && interrupts.length > 0;
    const own = error ? "failed" : asks ? "interrupted" : status;
    const children = childrenOf(nested, namespace, own);
    const node = { namespace, status: own, graph_name: name };
    return [{ ...node, ...(children.length > 0 && { children }) }];
  });
}

/** @throws not_found when nothing ever ran on the thread */
async function requireRun(ports: Ports, threadId: ThreadId): Promise<void> {
  const thread = await ports.storage.threads.get(threadId);
  if (!thread || graphOf(thread) === null) throw nothingRan(threadId);
}
