import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { messagesIn, type StoredMessage } from "../../core/message.ts";
import { isOpen, stateSince, taskValues, type Task } from "../../core/operations/tasks.ts";
import type { Ports } from "../../core/ports/ports.ts";
import { ownNotes } from "../../core/turn.ts";
import { fromContent, type Part } from "./parts.ts";
import { placeOf, type Artifact, type Message, type Status, type TaskView } from "./wire.ts";

/** How much of the conversation a task is shown with. */
export interface HistoryWish {
  /** Of the whole context, or of this task alone. */
  scope: "context" | "task";
  /** The newest so many messages. */
  length: number;
}

/** What clients see of a task: the conversation and the answers are read off the thread's state. */
export async function viewTask(ports: Ports, task: Task, wish: HistoryWish): Promise<TaskView> {
  const values = await taskValues(ports, task);
  const all = messagesIn(values);
  const own = ownMessages(task, all);
  const shown = (wish.scope === "task" ? own : all).flatMap(asMessage);
  return {
    place: placeOf(task),
    status: statusOf(task),
    history: wish.length === 0 ? [] : shown.slice(-wish.length),
    artifacts: artifactsOf(task, values, own),
    metadata: { assistant_id: task.runs[0]!.assistantId },
  };
}

/**
 * From the message on that began it. Where the graph no longer has that one, or another dialect began
 * the task, the last message only.
 */
function ownMessages({ runs }: Task, messages: StoredMessage[]): StoredMessage[] {
  const begins = ownNotes(runs[0]!.metadata)["message_id"];
  const at = messages.findLastIndex(({ id }) => id === begins);
  return at < 0 ? messages.slice(-1) : messages.slice(at);
}

/** Nothing for messages of tools and of the system, and for those that only call tools. */
function asMessage({ id, type, content }: StoredMessage): Message[] {
  if (type !== "human" && type !== "ai") return [];
  const parts = fromContent(content);
  if (parts.length === 0) return [];
  return [{ id, role: type === "human" ? "user" : "agent", parts }];
}

/** The assistant's messages; the whole output of a graph that keeps none, once it has ended. */
function artifactsOf(task: Task, values: Json, own: StoredMessage[]): Artifact[] {
  if (isObject(values) && Array.isArray(values["messages"])) {
    return own.flatMap(asMessage).flatMap(({ id, role, parts }) => {
      return role === "agent" ? [{ id, parts }] : [];
    });
  }
  if (isOpen(task.state) || !isObject(values)) return [];
  return [{ id: `${task.taskId}-output`, parts: [{ kind: "data", data: values }] }];
}

export function statusOf(task: Task): Status {
  const parts = statusParts(task);
  const message: Message | null =
    parts.length === 0 ? null : { id: `${task.runs.at(-1)!.runId}-status`, role: "agent", parts };
  return { state: task.state, at: stateSince(task), message };
}

function statusParts(task: Task): Part[] {
  const { error } = task.runs.at(-1)!;
  if (task.state === "failed" && error) {
    return [{ kind: "text", text: `${error.error}: ${error.message}` }];
  }
  if (task.state !== "input-required") return [];
  const asked = task.interrupts.map(({ id, value }): JsonObject => {
    return { ...(id !== undefined && { id }), value: value ?? null };
  });
  const questions = asked.map(({ value }): Part => ({ kind: "text", text: asText(value!) }));
  return [...questions, { kind: "data", data: { interrupts: asked } }];
}

function asText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
