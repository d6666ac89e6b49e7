import { addChunk, messagesOf, type Message } from "./message.ts";
import type { InterruptView, RunView, TaskView } from "./run-view.ts";

/** One event of a run's stream, as the SDK yields it. */
export interface RunEvent {
  /** Its name, and behind `|` the subgraphs it came from. */
  event: string;
  data: unknown;
  /** Its position in the run's log. */
  id?: string | undefined;
}

/** The view after one more event. `now` in ms. */
export function afterEvent(view: RunView, { event, data }: RunEvent, now: number): RunView {
  const [name = "", ...namespace] = event.split("|");
  const path = namespace.map((segment) => segment.split(":")[0]!);
  if (name === "metadata") return { ...view, runId: (data as { run_id: string }).run_id };
  if (name === "messages") return afterChunk(view, data as [Message, unknown]);
  if (name === "tasks") return afterTask(view, path, data as Record<string, unknown>, now);
  if (name === "updates") return afterUpdates(view, path, data as Record<string, unknown>, now);
  if (name === "values" && path.length === 0) return afterValues(view, data);
  if (name === "custom") return { ...view, custom: [...view.custom, data] };
  if (name === "error") return afterError(view, data as NonNullable<RunView["error"]>);
  return view;
}

/** The stream says that the run failed, not where: the nodes that returned nothing in its last step. */
function afterError(view: RunView, error: NonNullable<RunView["error"]>): RunView {
  const steps = view.steps.map((step) => {
    if (step.after !== null) return step;
    const tasks = step.tasks.map((task) =>
      task.update === undefined ? { ...task, error: error.message } : task,
    );
    return { ...step, tasks };
  });
  return { ...view, error, steps };
}

function afterChunk(view: RunView, [chunk]: [Message, unknown]): RunView {
  if (!chunk.id) return view;
  const at = view.partial.findIndex(({ id }) => id === chunk.id);
  const partial =
    at < 0
      ? [...view.partial, addChunk(undefined, chunk)]
      : view.partial.with(at, addChunk(view.partial[at], chunk));
  return { ...view, partial };
}

function afterTask(
  view: RunView,
  path: string[],
  data: Record<string, unknown>,
  now: number,
): RunView {
  const id = String(data["id"]);
  if ("result" in data || "error" in data) {
    const interrupts = (data["interrupts"] ?? []) as unknown[];
    return withTask(
      view,
      (task) => task.id === id,
      (task) => ({
        ...task,
        endedAt: now,
        error: data["error"] ? describeError(data["error"]) : null,
        isInterrupted: interrupts.length > 0,
      }),
    );
  }
  const task: TaskView = {
    id,
    name: String(data["name"]),
    path,
    startedAt: now,
    endedAt: null,
    update: undefined,
    error: null,
    isInterrupted: false,
  };
  const steps = [...view.steps];
  const last = steps.at(-1);
  if (!last || last.after !== null) {
    steps.push({ number: steps.length + 1, tasks: [task], before: view.values, after: null });
  } else steps[steps.length - 1] = { ...last, tasks: [...last.tasks, task] };
  return { ...view, steps };
}

function afterUpdates(
  view: RunView,
  path: string[],
  data: Record<string, unknown>,
  now: number,
): RunView {
  const where = path.join("/");
  let after = view;
  for (const [name, update] of Object.entries(data)) {
    if (name !== "__interrupt__") {
      after = withTask(
        after,
        (task) => task.name === name && task.path.join("/") === where && task.update === undefined,
        (task) => ({ ...task, update, endedAt: task.endedAt ?? now }),
      );
    } else if (path.length === 0) after = { ...after, interrupts: update as InterruptView[] };
  }
  return after;
}

function afterValues(view: RunView, data: unknown): RunView {
  const interrupts = (data as { __interrupt__?: InterruptView[] } | null)?.__interrupt__;
  const shown = interrupts ? { ...view, interrupts } : view;
  if (interrupts && Object.keys(data as object).length === 1) return shown;
  const known = new Set(messagesOf(data)?.map(({ id }) => id));
  return {
    ...shown,
    values: data,
    sent: [],
    partial: view.partial.filter(({ id }) => !known.has(id)),
    steps: view.steps.map((step) => (step.after === null ? { ...step, after: data } : step)),
  };
}

function withTask(
  view: RunView,
  matches: (task: TaskView) => boolean,
  change: (task: TaskView) => TaskView,
): RunView {
  let isDone = false;
  const steps = view.steps.map((step) => ({
    ...step,
    tasks: step.tasks.map((task) => {
      if (isDone || !matches(task)) return task;
      isDone = true;
      return change(task);
    }),
  }));
  return isDone ? { ...view, steps } : view;
}

function describeError(error: unknown): string {
  if (typeof error === "string") {
    try {
      return describeError(JSON.parse(error));
    } catch {
      return error;
    }
  }
  const { message, name } = (error ?? {}) as { message?: string; name?: string };
  return message ? `${name ? `${name}: ` : ""}${message}` : JSON.stringify(error);
}
