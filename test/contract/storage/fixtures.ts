import { it } from "vitest";
import type { Assistant } from "../../../src/core/assistant.ts";
import { randomIds, type ThreadId } from "../../../src/core/ids.ts";
import type {
  CheckpointAddress,
  CheckpointTuple,
  Shortened,
  StoredItem,
  StoredValue,
  StoredWrite,
  Writer,
} from "../../../src/core/ports/checkpoints.ts";
import { mintLineage, type Span } from "../../../src/core/lineage.ts";
import type { ClaimedRun, Storage } from "../../../src/core/ports/storage.ts";
import type { Run } from "../../../src/core/run.ts";
import type { Thread } from "../../../src/core/thread.ts";

/** Opens an empty storage; the test that asked for it closes it. */
export type OpenStorage = () => Promise<Storage>;

/** A test with a storage of its own. */
export function itStores(
  open: OpenStorage,
  name: string,
  body: (storage: Storage) => Promise<void>,
): void {
  // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- both come from the caller
  it(name, async () => {
    await using storage = await open();
    await body(storage);
  });
}

/** The moment all fixtures begin at, in ms since 1970. */
export const start = 1_800_000_000_000;

/** Fresh ids in the order in which a storage sorts them. */
export function sortedIds<Id extends string>(count: number, mint: () => Id): Id[] {
  return Array.from({ length: count }, mint).toSorted();
}

export function newAssistant(change: Partial<Assistant> = {}): Assistant {
  return {
    assistantId: randomIds.assistant(),
    version: 1,
    graphId: "agent",
    name: "Helper",
    description: null,
    config: { tags: ["a"], recursion_limit: 7, configurable: { model: "small" } },
    context: { system_prompt: "Be brief." },
    metadata: {},
    createdAt: start,
    updatedAt: start,
    ...change,
  };
}

export function newThread(change: Partial<Thread> = {}): Thread {
  return {
    threadId: randomIds.thread(),
    createdAt: start,
    updatedAt: start,
    stateUpdatedAt: start,
    metadata: {},
    config: {},
    status: "idle",
    interrupts: {},
    error: null,
    temporary: false,
    lastOrdinal: 0,
    ttl: null,
    ...change,
  };
}

export function newRun(threadId: ThreadId, change: Partial<Run> = {}): Run {
  return {
    runId: randomIds.run(),
    threadId,
    assistantId: randomIds.assistant(),
    assistantVersion: 2,
    createdAt: start,
    updatedAt: start,
    notBefore: start,
    status: "pending",
    metadata: { origin: "test" },
    request: {
      graphId: "agent",
      input: { messages: [{ role: "user", content: 'Grüße, 안녕 \u0001 "quoted" 🙂' }] },
      command: null,
      checkpoint: null,
      config: { configurable: { model: "small" } },
      context: { depth: { of: [1, 2.5, null, true] } },
      streamModes: ["values", "updates"],
      streamSubgraphs: true,
      resumable: false,
      interruptBefore: "*",
      interruptAfter: ["node"],
      durability: "async",
      webhook: null,
      feedbackKeys: null,
    },
    strategy: "enqueue",
    attempt: 0,
    lostAttempts: 0,
    startedAt: null,
    ordinal: null,
    cancelReason: null,
    error: null,
    ...change,
  };
}

/** Stores a thread with these runs waiting on it, in this order. */
export async function storeRuns(storage: Storage, ...changes: Partial<Run>[]): Promise<Run[]> {
  const thread = newThread();
  const runs = changes.map((change) => newRun(thread.threadId, change));
  await storage.threads.transact(thread.threadId, () => ({ thread, insert: runs }));
  return runs;
}

/** Claims the next run at `now`; its lease lasts 1000 ms. */
export async function claim(storage: Storage, now = start, owner = "worker"): Promise<Run | null> {
  const claimed = await claimOne(storage, { owner, now, leaseUntil: now + 1000 });
  return claimed?.run ?? null;
}

export async function claimOne(
  storage: Storage,
  params: { owner: string; now: number; leaseUntil: number },
): Promise<ClaimedRun | null> {
  const { runs } = await storage.runs.claim({ ...params, count: 1 });
  return runs[0] ?? null;
}

/** Stores a thread with one run and claims it. */
export async function storeRunning(storage: Storage): Promise<Run> {
  await storeRuns(storage, {});
  return (await claim(storage))!;
}

/** Stores a final status, as the engine does when a run has ended. */
export async function end(storage: Storage, run: Run): Promise<void> {
  await storage.threads.transact(run.threadId, () => ({ update: [{ ...run, status: "success" }] }));
}

export function textValue(text: string): StoredValue {
  return { type: "json", bytes: new TextEncoder().encode(text) };
}

/** The beginning of a lineage. */
export function newItems(...given: string[]): StoredItem[] {
  const lineage = mintLineage();
  return given.map((text, position) => ({ lineage, position, value: textValue(text) }));
}

/** More of the lineage that `given` is of, behind it. */
export function itemsAfter(given: StoredItem[], ...more: string[]): StoredItem[] {
  const { lineage, position } = given.at(-1)!;
  return more.map((text, at) => ({ lineage, position: position + 1 + at, value: textValue(text) }));
}

/** One span for each. */
export function spansOfItems(given: StoredItem[]): Span[] {
  return given.map(({ lineage, position }) => ({ lineage, first: position, end: position + 1 }));
}

export function write(index: number, text: string, taskId = "task"): StoredWrite {
  return { taskId, index, channel: index < 0 ? "__special__" : "messages", value: textValue(text) };
}

/** Checkpoint ids that sort by their number. */
export function checkpointId(number: number): string {
  return `1f0a0000-0000-6000-8000-${String(number).padStart(12, "0")}`;
}

export interface Step {
  threadId: ThreadId;
  number: number;
  namespace?: string;
  parent?: number;
  metadata?: CheckpointTuple["metadata"];
  origin?: CheckpointTuple["metadata"];
  /** New ones. */
  items?: StoredItem[];
  /** Those of `items` when absent. */
  spans?: Span[];
  /** Not checked when absent. */
  generation?: number;
  /** What its content names. */
  shortenedBy?: Span[];
  shortened?: Shortened;
  writer?: Writer;
}

export interface PutStep extends CheckpointAddress {
  generation: number;
}

/** Puts a checkpoint; returns its address and the thread's generation. */
export async function putStep(storage: Storage, step: Step): Promise<PutStep> {
  const stored = step.items ?? [];
  const address = {
    threadId: step.threadId,
    namespace: step.namespace ?? "",
    checkpointId: checkpointId(step.number),
  };
  const generation = await storage.checkpoints.put({
    checkpoint: {
      ...address,
      parentId: step.parent === undefined ? null : checkpointId(step.parent),
      content: `{"step":${step.number}}`,
      spans: step.spans ?? spansOfItems(stored),
      metadata: step.metadata ?? {},
    },
    ...(step.shortenedBy ? { texts: step.shortenedBy } : {}),
    origin: step.origin ?? {},
    items: stored,
    generation: step.generation ?? null,
    shortened: step.shortened ?? null,
    writer: step.writer ?? null,
  });
  return { ...address, generation };
}

/** What a checkpoint holds, as text. */
export async function texts(
  storage: Storage,
  tuple: CheckpointTuple | null,
): Promise<string[] | null> {
  return tuple && itemTexts(storage, tuple.spans);
}

/** What is stored at the places of `spans`, as text. */
export async function itemTexts(storage: Storage, spans: Span[]): Promise<string[]> {
  const stored = await storage.checkpoints.items(spans);
  return stored.map(({ value }) => new TextDecoder().decode(value.bytes));
}

/** Pending writes of a checkpoint as text. */
export function writeTexts(tuple: CheckpointTuple | null): string[] | null {
  return tuple && tuple.writes.map(({ value }) => new TextDecoder().decode(value.bytes));
}

export async function collect<Element>(elements: AsyncIterable<Element>): Promise<Element[]> {
  const all: Element[] = [];
  for await (const element of elements) all.push(element);
  return all;
}

/** Reads page after page until one is not full. */
export async function allPages<Element>(
  limit: number,
  read: (page: { limit: number; offset: number }) => Promise<Element[]>,
): Promise<Element[]> {
  const all: Element[] = [];
  for (;;) {
    const found = await read({ limit, offset: all.length });
    all.push(...found);
    if (found.length < limit) return all;
  }
}
