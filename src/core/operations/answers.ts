import { AdjutantError, invalid, notFound } from "../error.ts";
import type { ThreadId } from "../ids.ts";
import { isResumeMap, pendingInterrupts, UnknownInterruptError } from "../interrupt.ts";
import type { Json } from "../json.ts";
import type { Ports } from "../ports/ports.ts";
import type { Command, Run } from "../run.ts";
import type { Thread } from "../thread.ts";
import { createRun, type CreateRun } from "./runs.ts";

/** The thread waits for no answer, or is at work. */
class NothingAsked extends AdjutantError {
  constructor() {
    super("invalid", "input.respond can only be used while the run is interrupted.");
    this.name = "NothingAsked";
  }
}

/**
 * Starts a run on a thread. Where the thread waits for an answer, the input is the answer
 * (specification 6.4). A cancelled run asks nothing, so the input after it is plain input; so is one
 * that starts from a checkpoint of its own.
 */
export async function startRun(ports: Ports, command: CreateRun & { threadId: ThreadId }) {
  const thread = await ports.storage.threads.get(command.threadId);
  const pending = thread && waits(thread) ? pendingInterrupts(thread.interrupts) : [];
  if (pending.length === 0 || command.input === null || command.checkpoint) {
    return createRun(ports, command);
  }
  const { input } = command;
  const resume =
    pending.length === 1 || isResumeMap(input)
      ? input
      : Object.fromEntries(pending.map((id) => [id, input]));
  return createRun(ports, { ...command, input: null, command: { resume } });
}

/**
 * Answers interrupts of a thread, by their ids, with a run of the assistant that asked.
 * @throws not_found when nothing ever ran there, NothingAsked, UnknownInterruptError
 */
export async function answerInterrupts(
  ports: Ports,
  command: CreateRun & { threadId: ThreadId },
  answers: Map<string, Json>,
  further: Pick<Command, "update" | "goto">,
): Promise<Run> {
  const thread = await ports.storage.threads.get(command.threadId);
  const assistant = thread && assistantOf(thread);
  if (!thread || !assistant) throw nothingRan(command.threadId);
  if (!waits(thread)) throw new NothingAsked();
  const pending = pendingInterrupts(thread.interrupts);
  const unknown = [...answers.keys()].filter((id) => !pending.includes(id));
  if (unknown.length > 0) throw new UnknownInterruptError(unknown, pending);
  const resume = Object.fromEntries(answers);
  const given = { resume, ...further };
  return createRun(ports, { ...command, assistant, command: given, strictResume: true });
}

/** The assistant that the thread's last run was of. */
export function assistantOf(thread: Thread): string | null {
  const assistantId = thread.metadata["assistant_id"];
  return typeof assistantId === "string" ? assistantId : null;
}

export function nothingRan(threadId: ThreadId): AdjutantError {
  return notFound(`No run was started on thread ${threadId} yet. Send run.start first.`);
}

function waits({ status, interrupts }: Thread): boolean {
  return status === "interrupted" && pendingInterrupts(interrupts).length > 0;
}

/** @throws invalid: another assistant than the one that runs there */
export function requireBound(thread: Thread | null, assistantId: string): void {
  const bound = thread && assistantOf(thread);
  if (!bound || bound === assistantId) return;
  throw invalid(
    `Thread ${thread.threadId} is bound to assistant ${bound}; cannot run ${assistantId}.`,
  );
}
