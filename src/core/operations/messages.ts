import { AdjutantError, notFound } from "../error.ts";
import type { ThreadId } from "../ids.ts";
import type { Json } from "../json.ts";
import { builtinGraphId, messagesIn, type StoredMessage } from "../message.ts";
import type { Ports } from "../ports/ports.ts";
import type { Signals } from "../ports/events.ts";
import type { Attempt } from "../run.ts";
import { graphOf, type Thread } from "../thread.ts";
import { requireUnlocked } from "../turn.ts";
import { noThread, requireThread } from "./find.ts";
import { refreshThread, untilLatest } from "./state.ts";
import { changeThreadMetadata } from "./threads.ts";

/** Oldest first; of all kinds. */
export async function listMessages(ports: Ports, threadId: ThreadId): Promise<StoredMessage[]> {
  const thread = await requireThread(ports, threadId);
  return messagesIn(await ports.graphs.values(thread));
}

/** @throws ThreadLocked while a turn is active. */
export function addMessages(
  ports: Ports,
  threadId: ThreadId,
  messages: StoredMessage[],
): Promise<void> {
  return editMessages(ports, threadId, () => messages as unknown as Json[]);
}

/**
 * Those of them that are not there yet.
 * @param attempt in whose name, while its run is in flight
 */
export function addMessagesOnce(
  ports: Ports,
  threadId: ThreadId,
  messages: StoredMessage[],
  attempt?: Attempt,
): Promise<void> {
  const missing = (known: StoredMessage[]) => {
    const ids = new Set(known.map(({ id }) => id));
    return messages.filter(({ id }) => !ids.has(id)) as unknown as Json[];
  };
  return attempt
    ? writeAsAttempt(ports, threadId, missing, attempt)
    : editMessages(ports, threadId, missing);
}

/**
 * Replaces the message that `change` is given. @throws ThreadLocked, not_found.
 */
export async function changeMessage(
  ports: Ports,
  threadId: ThreadId,
  messageId: string,
  change: (message: StoredMessage) => StoredMessage,
): Promise<StoredMessage> {
  let changed: StoredMessage | undefined;
  await editMessages(ports, threadId, (messages) => {
    changed = change(requireMessage(messages, messageId));
    return [changed as unknown as Json];
  });
  return changed!;
}

/** @throws ThreadLocked, not_found. */
export function deleteMessage(ports: Ports, threadId: ThreadId, messageId: string): Promise<void> {
  return editMessages(ports, threadId, (messages) => {
    requireMessage(messages, messageId);
    return [{ type: "remove", id: messageId }];
  });
}

function requireMessage(messages: StoredMessage[], messageId: string): StoredMessage {
  const message = messages.find(({ id }) => id === messageId);
  if (!message) throw notFound(`There is no message ${messageId} on the thread.`);
  return message;
}

/**
 * Edits of one thread go one after another: of two that begin from one checkpoint, only one can be
 * its successor. Those of other servers are not in the queue, and make an edit begin again.
 */
const edits = new WeakMap<Signals, Map<ThreadId, Promise<unknown>>>();

async function editMessages(
  ports: Ports,
  threadId: ThreadId,
  edit: (messages: StoredMessage[]) => Json[],
): Promise<void> {
  const queues = edits.get(ports.signals) ?? new Map<ThreadId, Promise<unknown>>();
  edits.set(ports.signals, queues);
  const before = queues.get(threadId) ?? Promise.resolve();
  const editing = before.then(() => untilLatest(() => editNow(ports, threadId, edit)));
  const settled = editing.catch(() => undefined);
  queues.set(threadId, settled);
  try {
    await editing;
  } finally {
    if (queues.get(threadId) === settled) queues.delete(threadId);
  }
}

/** Written by the built-in graph, as if its model had said it: nothing then waits to be run. */
async function editNow(
  ports: Ports,
  threadId: ThreadId,
  edit: (messages: StoredMessage[]) => Json[],
): Promise<void> {
  const thread = await requireUnlockedThread(ports, threadId);
  try {
    const written = await writeMessages(ports, thread, edit);
    if (!written) return;
    if (graphOf(thread) === null) {
      await changeThreadMetadata(ports, threadId, (metadata) => ({
        ...metadata,
        graph_id: builtinGraphId,
      }));
    }
    await refreshThread(ports, threadId, written.summary);
  } catch (thrown) {
    // A run began meanwhile: say which.
    if (thrown instanceof AdjutantError && thrown.code === "thread_busy") {
      await requireUnlockedThread(ports, threadId);
    }
    throw thrown;
  }
}

/** Null when there is nothing to write. */
async function writeMessages(
  ports: Ports,
  thread: Thread,
  edit: (messages: StoredMessage[]) => Json[],
  attempt?: Attempt,
) {
  const messages = edit(messagesIn(await ports.graphs.values(thread)));
  if (messages.length === 0) return null;
  return ports.graphs.updateState({
    thread: withGraph(thread),
    updates: [{ values: { messages }, asNode: "call_model" }],
    ...(attempt && { attempt }),
  });
}

/** The thread's row is brought in line when the run ends. */
async function writeAsAttempt(
  ports: Ports,
  threadId: ThreadId,
  edit: (messages: StoredMessage[]) => Json[],
  attempt: Attempt,
): Promise<void> {
  await writeMessages(ports, await requireThread(ports, threadId), edit, attempt);
}

function withGraph(thread: Thread): Thread {
  return { ...thread, metadata: { ...thread.metadata, graph_id: builtinGraphId } };
}

async function requireUnlockedThread(ports: Ports, threadId: ThreadId): Promise<Thread> {
  let found: Thread | null = null;
  await ports.storage.threads.transact(threadId, (snapshot) => {
    requireUnlocked(snapshot, ports.clock.now());
    found = snapshot.thread;
    return {};
  });
  if (!found) throw noThread(threadId);
  return found;
}
