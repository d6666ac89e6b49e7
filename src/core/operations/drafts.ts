import { DraftReader, draftMessage, said, type Draft } from "../draft.ts";
import type { RunEvent } from "../event.ts";
import type { RunId } from "../ids.ts";
import { type MessageGap, type StoredMessage } from "../message.ts";
import type { Ports } from "../ports/ports.ts";
import type { Attempt, Run } from "../run.ts";
import type { Thread } from "../thread.ts";
import { runFields } from "../trace-context.ts";
import { turnIdOf, type Turn } from "../turn.ts";
import { addMessagesOnce } from "./messages.ts";

/** How long a log is read that has all it is asked for, in ms. */
const readMsMax = 2000;

/** The answer that is being written on a thread. Clients have heard of it, so it can be asked for. */
export async function threadDraft(ports: Ports, thread: Thread): Promise<StoredMessage | null> {
  if (thread.status !== "busy") return null;
  const { threadId } = thread;
  const page = { limit: 1, offset: 0 };
  const [run] = await ports.storage.runs.list({ threadId, status: "running", page });
  const draft = run && (await readDrafts(ports, run)).own;
  return draft ? draftMessage(draft) : null;
}

/** The turn with the answer it is writing. */
export async function withDraft(ports: Ports, turn: Turn): Promise<Turn> {
  if (turn.status !== "in_progress") return turn;
  const draft = (await readDrafts(ports, turn.runs.at(-1)!)).own;
  if (!draft || turn.messages.some(({ id }) => id === draft.id)) return turn;
  return { ...turn, messages: [...turn.messages, draftMessage(draft)] };
}

/**
 * Stores what the model had written when its turn was ended, marked incomplete: whoever streamed has
 * seen it, and whoever lists should. Without effect when nothing had been written, when it is stored
 * already, or when the thread has gone on meanwhile. Of an attempt that has taken over a lost one and has said nothing yet, it is
 * what the lost one had said: nobody will say it again.
 *
 * @param attempt that still holds the run; without, the run has ended.
 */
export async function keepDraft(
  ports: Ports,
  run: Run,
  reason: MessageGap,
  attempt?: Attempt,
): Promise<void> {
  try {
    const { own, lost } = await readDrafts(ports, run);
    const draft = own ?? lost;
    if (!draft) return;
    const message = draftMessage(draft, { completed_at: ports.clock.now(), incomplete: reason });
    await addMessagesOnce(ports, run.threadId, [message], attempt);
  } catch (thrown) {
    ports.log.warn({ ...runFields(run), error: String(thrown) }, "a partial answer was not kept");
  }
}

/** Of the newest attempt, and of the one before; null also for an answer that no turn writes. */
async function readDrafts(
  ports: Ports,
  run: Run,
): Promise<{ own: Draft | null; lost: Draft | null }> {
  const reader = new DraftReader();
  for await (const event of eventsSoFar(ports, run.runId)) reader.add(event);
  const ofTurn = (draft: Draft | null) =>
    draft && draft.notes.turn_id === turnIdOf(run) ? draft : null;
  return { own: ofTurn(said(reader.draft)), lost: ofTurn(reader.lost) };
}

async function* eventsSoFar(ports: Ports, runId: RunId): AsyncGenerator<RunEvent> {
  const last = await ports.events.lastPosition(runId);
  if (last < 0) return;
  const signal = AbortSignal.timeout(readMsMax);
  for await (const part of ports.events.follow(runId, "start", signal)) {
    if ("end" in part) return;
    yield* part.events;
    if (part.events.at(-1)!.position >= last) return;
  }
}
