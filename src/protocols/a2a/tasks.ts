import type { Assistant } from "../../core/assistant.ts";
import { AdjutantError } from "../../core/error.ts";
import type { JsonObject } from "../../core/json.ts";
import {
  cancelTask,
  getTask,
  listTasks,
  WrongTaskState,
  type Task,
} from "../../core/operations/tasks.ts";
import type { Ports } from "../../core/ports/ports.ts";
import { noTask, notCancelable } from "./errors.ts";
import type { Call } from "./call.ts";
import {
  cancelParams,
  getParams,
  listParams,
  readContextId,
  readHistoryWish,
  readParams,
  wrongParams,
} from "./params.ts";
import { viewTask } from "./view.ts";
import { presentTask, readState, readTaskId } from "./wire.ts";

/** @throws RpcError when there is none, or the caller may not see it */
export async function findTask(
  call: Call,
  assistant: Assistant,
  id: string,
): Promise<{ task: Task; ports: Ports }> {
  return withTask(call, assistant, { id, action: "threads:read" }, getTask);
}

async function withTask(
  call: Call,
  { assistantId }: Assistant,
  { id, action }: { id: string; action: "threads:read" | "threads:update" },
  use: typeof getTask,
): Promise<{ task: Task; ports: Ports }> {
  const place = readTaskId(id);
  if (!place) throw noTask(id);
  const value = { thread_id: place.threadId, run_id: place.taskId };
  const ports = await call.admit([{ action, value }]);
  try {
    return { task: await use(ports, { ...place, assistantId }), ports };
  } catch (thrown) {
    if (thrown instanceof AdjutantError && thrown.code === "not_found") throw noTask(id);
    throw thrown;
  }
}

export async function get(call: Call, assistant: Assistant): Promise<JsonObject> {
  const params = readParams(getParams, call.params);
  const wish = readHistoryWish(params, call.headers);
  const { task, ports } = await findTask(call, assistant, params.id);
  return presentTask(call.family, await viewTask(ports, task, wish));
}

export async function cancel(call: Call, assistant: Assistant): Promise<JsonObject> {
  const { id, ...params } = readParams(cancelParams, call.params);
  const wish = readHistoryWish(params, call.headers);
  const wanted = { id, action: "threads:update" as const };
  const { task, ports } = await withTask(call, assistant, wanted, cancelTask).catch(
    (thrown: unknown) => {
      throw thrown instanceof WrongTaskState ? notCancelable(thrown) : thrown;
    },
  );
  return presentTask(call.family, await viewTask(ports, task, wish));
}

const pageSizeDefault = 50;

export async function list(call: Call, { assistantId }: Assistant): Promise<JsonObject> {
  const params = readParams(listParams, call.params);
  const wish = readHistoryWish(
    { ...params, historyLength: params.historyLength ?? 0 },
    call.headers,
  );
  const threadId = readContextId(params.contextId);
  const state = params.status ? readState(params.status) : undefined;
  if (state === null)
    throw wrongParams(`Invalid params: \`status\`: there is no "${params.status}".`);
  const ports = await call.admit([{ action: "threads:search", value: {} }]);
  const pageSize = params.pageSize || pageSizeDefault;
  const { tasks, next, total } = await listTasks(ports, {
    assistantId,
    ...(threadId && { threadId }),
    ...(state && { state }),
    page: { limit: pageSize, offset: Number(params.pageToken ?? 0) },
  });
  const views = await Promise.all(tasks.map((task) => viewTask(ports, task, wish)));
  return {
    tasks: views.map((view) => {
      const artifacts = params.includeArtifacts ? view.artifacts : [];
      return presentTask(call.family, { ...view, artifacts });
    }),
    nextPageToken: next === null ? "" : String(next),
    pageSize,
    totalSize: total,
  };
}
