import { AdjutantError, invalid, notFound } from "../error.ts";
import type { AssistantId, RunId, ThreadId } from "../ids.ts";
import type { Json, JsonObject } from "../json.ts";
import { pendingInterrupts, UnknownInterruptError } from "../interrupt.ts";
import type { Page } from "../page.ts";
import type { Ports } from "../ports/ports.ts";
import { isFinal, type Run } from "../run.ts";
import type { Interrupt, Thread } from "../thread.ts";
import { turnIdOf, turnNotes } from "../turn.ts";
import { cancelRuns } from "./cancel.ts";
import { keepDraft } from "./drafts.ts";
import { requireThread } from "./find.ts";
import { plainRun, type CreateRun } from "./runs.ts";
import { dropInterrupts, endWaiting } from "./turns.ts";

/**
 * A task is a turn as another agent sees it: it may wait for whatever a graph interrupts with, not only
 * for the outputs of functions, and it never expires. Its id is that of its first run.
 */
export interface Task {
  taskId: RunId;
  thread: Thread;
  /** Oldest first, never empty. */
  runs: Run[];
  /** Its last run is the thread's. */
  isLatest: boolean;
  state: TaskState;
  /** What it waits for; empty unless its state is `input-required`. */
  interrupts: Interrupt[];
}

export type TaskState =
  | "submitted"
  | "working"
  | "input-required"
  | "completed"
  | "failed"
  | "canceled";

const openStates: ReadonlySet<TaskState> = new Set(["submitted", "working", "input-required"]);

export function isOpen(state: TaskState): boolean {
  return openStates.has(state);
}

/** It is not in a state that allows this. */
export class WrongTaskState extends AdjutantError {
  readonly state: TaskState;
  constructor(task: Pick<Task, "taskId" | "state">, wanted: string) {
    super("conflict", `Task ${task.taskId} is ${task.state} and cannot be ${wanted}.`);
    this.state = task.state;
  }
}

type Asked = Pick<CreateRun, "threadId" | "assistant" | "input" | "configurable">;

/** The run that begins a task, on a thread of its own when none is named. @param messageId what it is asked with */
export function beginTask(asked: Asked, messageId: string): CreateRun {
  return {
    ...plainRun,
    ...asked,
    strategy: "enqueue",
    ifNotExists: "create",
    onCompletion: "keep",
    turn: { id: null, expiresAt: null, notes: { message_id: messageId }, admit() {} },
  };
}

/** To all that a task waits for, or to each interrupt by its id. */
export type Answer = { value: Json } | { byId: JsonObject };

/**
 * The run that goes on with a task that waits.
 * @throws WrongTaskState; invalid when it waits for several answers and they are not told apart, or for
 * others than those given
 */
export function answerTask(
  task: Task,
  answer: Answer,
  configurable: CreateRun["configurable"],
): CreateRun {
  if (task.state !== "input-required") throw new WrongTaskState(task, "answered");
  const first = task.runs[0]!;
  checkAnswer(task, answer);
  const resume = "byId" in answer ? answer.byId : answer.value;
  return {
    ...plainRun,
    threadId: first.threadId,
    assistant: first.assistantId,
    assistantVersion: first.assistantVersion,
    command: { resume },
    context: first.request.context,
    configurable,
    strictResume: true,
    turn: {
      id: task.taskId,
      expiresAt: null,
      notes: {},
      admit: ({ thread, inFlight }) => {
        const waits = inFlight.length === 0 && thread?.status === "interrupted";
        if (!waits) throw new WrongTaskState({ ...task, state: "working" }, "answered");
      },
    },
  };
}

function checkAnswer({ taskId, thread }: Task, answer: Answer): void {
  const pending = pendingInterrupts(thread.interrupts);
  if ("value" in answer) {
    if (pending.length <= 1) return;
    const ids = pending.join(", ");
    throw invalid(`Task ${taskId} waits for ${pending.length} answers. Name them: ${ids}.`);
  }
  const given = Object.keys(answer.byId);
  const unknown = given.filter((id) => !pending.includes(id));
  if (unknown.length > 0) throw new UnknownInterruptError(unknown, pending);
  if (given.length === 0) throw invalid(`No answer is given to task ${taskId}.`);
}

/** @throws not_found also when it is another assistant's or no task of the thread */
export async function getTask(
  ports: Ports,
  place: { threadId: ThreadId; taskId: RunId; assistantId: AssistantId },
): Promise<Task> {
  const { threadId, taskId, assistantId } = place;
  await requireThread(ports, threadId);
  const runs = await runsUntil(ports, threadId, taskId);
  const own = runs.filter((run) => turnIdOf(run) === taskId).toReversed();
  if (own[0]?.runId !== taskId || own[0].assistantId !== assistantId) {
    throw notFound(`There is no task ${taskId} on thread ${threadId}.`);
  }
  // Read behind the runs: what they have left in it is there.
  const thread = await requireThread(ports, threadId);
  return readTask(thread, own, runs[0]);
}

const runsPerRead = 50;

/** Newest first, down to the run `last`. */
async function runsUntil(ports: Ports, threadId: ThreadId, last: RunId): Promise<Run[]> {
  const found: Run[] = [];
  for (;;) {
    const page = { limit: runsPerRead, offset: found.length };
    const runs = await ports.storage.runs.list({ threadId, page });
    found.push(...runs);
    if (runs.length < runsPerRead || runs.some(({ runId }) => runId === last)) return found;
  }
}

function readTask(thread: Thread, runs: Run[], newest: Run | undefined): Task {
  const first = runs[0]!;
  const last = runs.at(-1)!;
  const isLatest = last.runId === newest?.runId;
  const ended = turnNotes(first.metadata)?.ended !== undefined;
  const waits = isLatest && thread.status === "interrupted";
  const state = ended ? "canceled" : stateOf(last, waits);
  const interrupts = state === "input-required" ? Object.values(thread.interrupts).flat() : [];
  return { taskId: first.runId, thread, runs, isLatest, state, interrupts };
}

function stateOf(last: Run, waits: boolean): TaskState {
  switch (last.status) {
    case "pending":
      return "submitted";
    case "running":
      return "working";
    case "error":
    case "timeout":
      return "failed";
    case "interrupted":
      return "canceled";
    case "success":
      return waits ? "input-required" : "completed";
  }
}

/** When it came to its state, in ms since 1970. */
export function stateSince({ runs }: Task): number {
  return turnNotes(runs[0]!.metadata)?.ended?.at ?? runs.at(-1)!.updatedAt;
}

/** An assistant's, or those of one thread, newest first; `next` is the offset behind the page. */
export async function listTasks(
  ports: Ports,
  query: { assistantId: AssistantId; threadId?: ThreadId; state?: TaskState; page: Page },
): Promise<{ tasks: Task[]; next: number | null; total: number }> {
  const { assistantId, threadId, state, page } = query;
  const filter = { assistantId, ...(threadId && { threadId }) };
  const tasks: Task[] = [];
  for (let offset = page.offset; ;) {
    const found = await ports.storage.runs.search({
      filter,
      page: { limit: runsPerRead, offset },
    });
    for (const run of found.items) {
      if (tasks.length === page.limit) return { tasks, next: offset, total: found.total };
      offset += 1;
      // A run that goes on with a task begins none.
      if (turnIdOf(run) !== run.runId) continue;
      const place = { threadId: run.threadId, taskId: run.runId, assistantId };
      const task = await getTask(ports, place).catch(whenGone);
      if (task && (state === undefined || task.state === state)) tasks.push(task);
    }
    if (found.items.length < runsPerRead) return { tasks, next: null, total: found.total };
  }
}

/** Deleted since the list was read. */
function whenGone(thrown: unknown): null {
  if (thrown instanceof AdjutantError && thrown.code === "not_found") return null;
  throw thrown;
}

/** Ends it at once, whatever it does or waits for. @throws WrongTaskState, not_found */
export async function cancelTask(
  ports: Ports,
  place: { threadId: ThreadId; taskId: RunId; assistantId: AssistantId },
): Promise<Task> {
  let task = await getTask(ports, place);
  if (!isOpen(task.state)) throw new WrongTaskState(task, "canceled");
  // More than once only when it was answered, or a run stopped to ask something, in between.
  for (; isOpen(task.state); task = await getTask(ports, place)) {
    const last = task.runs.at(-1)!;
    if (isFinal(last.status)) {
      await endWaiting(ports, { turnId: task.taskId, runs: task.runs });
      await dropInterrupts(ports, place.threadId, () => true);
    } else {
      await cancelRuns(ports, [last], "interrupt");
      await keepDraft(ports, last, "run_cancelled");
    }
  }
  return task;
}

/** The state it has come to: the thread's, or where the thread has gone on since, that of its last run. */
export async function taskValues(ports: Ports, { thread, runs, isLatest }: Task): Promise<Json> {
  if (isLatest) return ports.graphs.values(thread);
  const metadata = { run_id: runs.at(-1)!.runId };
  const [state] = await ports.graphs.history({ thread, limit: 1, metadata });
  return state?.values ?? null;
}
