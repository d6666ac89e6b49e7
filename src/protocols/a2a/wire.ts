import type { JsonObject } from "../../core/json.ts";
import type { Task, TaskState } from "../../core/operations/tasks.ts";
import { isUuid, type RunId, type ThreadId } from "../../core/ids.ts";
import { presentPart, type Family, type Part } from "./parts.ts";

/** Tasks, messages and events in the spelling of either family (specification 1.8). */

const stateNames: Record<TaskState, string> = {
  submitted: "TASK_STATE_SUBMITTED",
  working: "TASK_STATE_WORKING",
  "input-required": "TASK_STATE_INPUT_REQUIRED",
  completed: "TASK_STATE_COMPLETED",
  failed: "TASK_STATE_FAILED",
  canceled: "TASK_STATE_CANCELED",
};

function presentState(family: Family, state: TaskState): string {
  return family === "1.0" ? stateNames[state] : state;
}

/** Null for one that no task here has. */
export function readState(name: string): TaskState | null {
  const states = Object.entries(stateNames) as [TaskState, string][];
  return states.find((names) => names.includes(name))?.[0] ?? null;
}

/** Where a task is. Its id tells clients all of it, so that they need not keep the context. */
export interface TaskPlace {
  threadId: ThreadId;
  taskId: RunId;
}

function presentTaskId({ threadId, taskId }: TaskPlace): string {
  return `${threadId}:${taskId}`;
}

/** Null for what is no id of a task. */
export function readTaskId(id: string): TaskPlace | null {
  const [threadId, taskId, ...rest] = id.toLowerCase().split(":");
  if (rest.length > 0 || !isUuid(threadId!) || !isUuid(taskId ?? "")) return null;
  return { threadId: threadId as ThreadId, taskId: taskId as RunId };
}

export function placeOf(task: Task): TaskPlace {
  return { threadId: task.thread.threadId, taskId: task.taskId };
}

export interface Message {
  id: string;
  role: "user" | "agent";
  parts: Part[];
}

export interface Artifact {
  id: string;
  parts: Part[];
}

export interface Status {
  state: TaskState;
  /** In ms since 1970. */
  at: number;
  message: Message | null;
}

/** A task as it is told. */
export interface TaskView {
  place: TaskPlace;
  status: Status;
  history: Message[];
  artifacts: Artifact[];
  metadata: JsonObject;
}

export function presentTask(family: Family, view: TaskView): JsonObject {
  const { place, status, history, artifacts, metadata } = view;
  return {
    ...(family === "0.3" && { kind: "task" }),
    id: presentTaskId(place),
    contextId: place.threadId,
    status: presentStatus(family, place, status),
    artifacts: artifacts.map((one) => presentArtifact(family, one)),
    history: history.map((one) => presentMessage(family, place, one)),
    metadata,
  };
}

function presentStatus(family: Family, place: TaskPlace, status: Status): JsonObject {
  const { state, at, message } = status;
  return {
    state: presentState(family, state),
    timestamp: new Date(at).toISOString(),
    ...(message && { message: presentMessage(family, place, message) }),
  };
}

function presentMessage(
  family: Family,
  place: TaskPlace,
  { id, role, parts }: Message,
): JsonObject {
  return {
    ...(family === "0.3" && { kind: "message" }),
    messageId: id,
    role: family === "1.0" ? `ROLE_${role.toUpperCase()}` : role,
    parts: parts.map((part) => presentPart(family, part)),
    contextId: place.threadId,
    taskId: presentTaskId(place),
  };
}

function presentArtifact(family: Family, { id, parts }: Artifact): JsonObject {
  return {
    artifactId: id,
    name: "response",
    parts: parts.map((part) => presentPart(family, part)),
  };
}

export function presentSentTask(family: Family, view: TaskView): JsonObject {
  const task = presentTask(family, view);
  return family === "1.0" ? { task } : task;
}

/** @param isLast nothing follows on the stream */
export function presentStatusUpdate(
  family: Family,
  place: TaskPlace,
  status: Status,
  isLast: boolean,
): JsonObject {
  const update = {
    taskId: presentTaskId(place),
    contextId: place.threadId,
    status: presentStatus(family, place, status),
  };
  if (family === "1.0") return { statusUpdate: update };
  return { kind: "status-update", ...update, final: isLast };
}

/** @param append to what an artifact of that id has already */
export function presentArtifactUpdate(
  family: Family,
  place: TaskPlace,
  artifact: Artifact,
  { append, lastChunk }: { append: boolean; lastChunk: boolean },
): JsonObject {
  const update = {
    taskId: presentTaskId(place),
    contextId: place.threadId,
    artifact: presentArtifact(family, artifact),
    append,
    lastChunk,
  };
  return family === "1.0" ? { artifactUpdate: update } : { kind: "artifact-update", ...update };
}
