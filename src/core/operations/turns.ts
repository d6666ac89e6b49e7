import { AdjutantError, invalid, notFound } from "../error.ts";
import type { RunId, ThreadId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import { messagesIn, type FunctionOutputs, type StoredMessage } from "../message.ts";
import type { Ports } from "../ports/ports.ts";
import { isFinal, type Run } from "../run.ts";
import type { Interrupts, Thread } from "../thread.ts";
import {
  isActive,
  readTurn,
  requestedCalls,
  requireUnlocked,
  turnIdOf,
  turnNotes,
  withOwnNotes,
  type Turn,
  type TurnStatus,
} from "../turn.ts";
import { requireThread } from "./find.ts";
import { cancelRuns } from "./cancel.ts";
import { createRun, plainRun } from "./runs.ts";
import { keepDraft } from "./drafts.ts";
import { refreshThread, untilLatest } from "./state.ts";

export interface StartTurn {
  threadId: ThreadId;
  assistant: string;
  /** Added to the thread as the turn begins. */
  messages: StoredMessage[];
  /** Over the assistant's own. */
  context: JsonObject;
  metadata: JsonObject;
  /** For the metadata of the turn's first run, under our own key. */
  notes: JsonObject;
}

/** @throws ThreadLocked, and what `createRun` throws. */
export function startTurn(ports: Ports, command: StartTurn): Promise<Run> {
  return createRun(ports, {
    ...plainRun,
    threadId: command.threadId,
    assistant: command.assistant,
    input: { messages: command.messages as unknown as JsonObject[] },
    context: command.context,
    metadata: command.metadata,
    turn: {
      id: null,
      expiresAt: ports.clock.now() + ports.limits.turnLifetimeMs,
      notes: command.notes,
      admit: (snapshot) => requireUnlocked(snapshot, ports.clock.now()),
    },
  });
}

/** The turn does not wait for function outputs. */
export class TurnNotWaiting extends AdjutantError {
  readonly status: TurnStatus;
  constructor(turnId: RunId, status: TurnStatus) {
    super("conflict", `Turn ${turnId} is ${status} and waits for no function outputs.`);
    this.status = status;
  }
}

export class TurnEnded extends AdjutantError {
  readonly status: TurnStatus;
  constructor(turnId: RunId, status: TurnStatus) {
    super("conflict", `Turn ${turnId} is ${status} already.`);
    this.status = status;
  }
}

/** Not the outputs that the turn waits for: each call once, and no other. */
export class WrongOutputs extends AdjutantError {
  readonly expected: string[];
  readonly given: string[];
  constructor(expected: string[], given: string[]) {
    super("invalid", `Outputs are due for ${expected.join(", ")}; got ${given.join(", ")}.`);
    this.expected = expected;
    this.given = given;
  }
}

/** Goes on with what it waited for. Returns the run that does. @throws TurnNotWaiting, WrongOutputs. */
export async function resumeTurn(
  ports: Ports,
  turn: Turn,
  { outputs }: FunctionOutputs,
): Promise<Run> {
  if (turn.status !== "requires_action") throw new TurnNotWaiting(turn.turnId, turn.status);
  const expected = turn.calls.map(({ id }) => id);
  const given = outputs.map((one) => one.tool_call_id);
  if (!sameIds(expected, given)) throw new WrongOutputs(expected, given);
  const first = turn.runs[0]!;
  return createRun(ports, {
    ...plainRun,
    threadId: first.threadId,
    assistant: first.assistantId,
    assistantVersion: first.assistantVersion,
    command: { resume: { outputs } },
    context: first.request.context,
    turn: {
      id: turn.turnId,
      expiresAt: turn.expiresAt ?? ports.clock.now() + ports.limits.turnLifetimeMs,
      notes: {},
      admit: ({ thread, inFlight }) => {
        const due = requestedCalls(thread?.interrupts ?? {}).map(({ id }) => id);
        if (inFlight.length > 0 || !sameIds(due, expected)) {
          throw new TurnNotWaiting(turn.turnId, inFlight.length > 0 ? "queued" : "cancelled");
        }
      },
    },
  });
}

function sameIds(expected: string[], given: string[]): boolean {
  return (
    expected.length === given.length &&
    new Set(given).size === given.length &&
    expected.every((id) => given.includes(id))
  );
}

/** Ends it at once, whatever it does or waits for. @throws TurnEnded */
export async function cancelTurn(ports: Ports, threadId: ThreadId, turnId: RunId): Promise<void> {
  let turn = await getTurn(ports, threadId, turnId);
  if (!isActive(turn.status)) throw new TurnEnded(turnId, turn.status);
  // More than once only when outputs came, or a run stopped to ask for some, in between.
  for (; isActive(turn.status); turn = await getTurn(ports, threadId, turnId)) {
    const run = turn.runs.at(-1)!;
    if (isFinal(run.status)) {
      await endWaiting(ports, turn);
    } else {
      await cancelRuns(ports, [run], "interrupt");
      await keepDraft(ports, run, "run_cancelled");
    }
  }
  await dropInterrupts(ports, threadId, (interrupts) => requestedCalls(interrupts).length > 0);
}

/** Of a turn whose runs have ended. */
export async function endWaiting(
  ports: Ports,
  { turnId, runs }: Pick<Turn, "turnId" | "runs">,
): Promise<void> {
  const first = runs[0]!;
  await ports.storage.threads.transact(first.threadId, ({ inFlight }) => {
    if (inFlight.length > 0) return {};
    const now = ports.clock.now();
    const notes = turnNotes(first.metadata) ?? { id: turnId, expires_at: now };
    const turn = { ...notes, ended: { status: "cancelled" as const, at: now } };
    return { update: [{ ...first, metadata: withOwnNotes(first.metadata, { turn }) }] };
  });
}

/** The thread no longer waits for a client, if what it waits for is `meant`. */
export async function dropInterrupts(
  ports: Ports,
  threadId: ThreadId,
  meant: (interrupts: Interrupts) => boolean,
): Promise<void> {
  await untilLatest(async () => {
    const thread = await ports.storage.threads.get(threadId);
    if (!thread || thread.status === "busy") return;
    const { interrupts } = await ports.graphs.summary(thread);
    if (!meant(interrupts)) return;
    const updates = [{ values: null, asNode: "__end__" }];
    const { summary } = await ports.graphs.updateState({ thread, updates });
    await refreshThread(ports, threadId, summary);
  });
}

/** @throws not_found also when it is another thread's or no run begins it. */
export async function getTurn(ports: Ports, threadId: ThreadId, turnId: RunId): Promise<Turn> {
  const thread = await requireThread(ports, threadId);
  const turns = await turnsUntil(ports, thread, turnId);
  const turn = turns.at(-1);
  if (turn?.turnId !== turnId) throw notFound(`There is no turn ${turnId} on thread ${threadId}.`);
  return turn;
}

/** Newest first. */
export async function listTurns(ports: Ports, threadId: ThreadId): Promise<Turn[]> {
  return turnsUntil(ports, await requireThread(ports, threadId), null);
}

const runsPerRead = 50;

/** Newest first, down to the turn `last`. */
async function turnsUntil(ports: Ports, thread: Thread, last: RunId | null): Promise<Turn[]> {
  const byTurn = new Map<RunId, Run[]>();
  const { threadId } = thread;
  /** For each run the one that came after it. */
  const followers = new Map<RunId, Run | null>();
  let follower: Run | null = null;
  for (let offset = 0; ; offset += runsPerRead) {
    const page = { limit: runsPerRead, offset };
    const runs = await ports.storage.runs.list({ threadId, page });
    for (const run of runs) {
      followers.set(run.runId, follower);
      follower = run;
      byTurn.set(turnIdOf(run), [run, ...(byTurn.get(turnIdOf(run)) ?? [])]);
    }
    if (runs.length < runsPerRead || runs.some((run) => run.runId === last)) break;
  }
  const messages = messagesIn(await ports.graphs.values(thread));
  const now = ports.clock.now();
  const wanted = last === null ? [...byTurn.values()] : [byTurn.get(last) ?? []];
  return wanted
    .filter((runs) => runs.length > 0)
    .map((runs) => {
      const next = followers.get(runs.at(-1)!.runId) ?? null;
      return readTurn({ runs, next, thread, messages, now });
    });
}

/** Replaces notes in the metadata of its first run. */
export async function noteOnTurn(ports: Ports, turn: Turn, notes: JsonObject): Promise<void> {
  const known = turn.runs[0]!;
  await ports.storage.threads.transact(known.threadId, ({ inFlight }) => {
    const first = inFlight.find((run) => run.runId === known.runId) ?? known;
    if (!isFinal(known.status) && first === known) {
      throw invalid("The run has just come to its end. Try again.");
    }
    return { update: [{ ...first, metadata: withOwnNotes(first.metadata, notes) }] };
  });
}
