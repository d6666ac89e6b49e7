import type {
  Assistant,
  AssistantContent,
  AssistantFilter,
  AssistantSortField,
  AssistantVersion,
} from "../assistant.ts";
import type { RunKey } from "../idempotency.ts";
import type { AssistantId, RunId, ThreadId } from "../ids.ts";
import type { FoundItem, Item, ItemVector, Vector } from "../item.ts";
import type { JsonObject } from "../json.ts";
import type { Found, Page, Sort } from "../page.ts";
import type { Attempt, Run, RunFilter, RunStatus } from "../run.ts";
import type { Thread, ThreadFilter, ThreadSortField } from "../thread.ts";
import type { Delivery } from "../webhook.ts";
import type { CheckpointStorage } from "./checkpoints.ts";
import type { CronStorage } from "./crons.ts";
import type { DeliveryStorage } from "./deliveries.ts";
import type { SweepStorage } from "./sweeps.ts";

/**
 * What the server remembers. Drivers move data and keep it whole; what may follow what is decided by
 * the functions they are handed, inside the transaction. `test/contract/` says the rest.
 */
export interface Storage extends AsyncDisposable {
  assistants: AssistantStorage;
  threads: ThreadStorage;
  runs: RunStorage;
  checkpoints: CheckpointStorage;
  items: ItemStorage;
  crons: CronStorage;
  deliveries: DeliveryStorage;
  sweeps: SweepStorage;
  /** Rejects when the database does not answer. */
  check(): Promise<void>;
}

export interface AssistantStorage {
  /** Stores version 1. An assistant that has the id already stays as it is and is returned with `created: false`. */
  create(assistant: Assistant): Promise<{ assistant: Assistant; created: boolean }>;
  get(assistantId: AssistantId): Promise<Assistant | null>;
  /** Appends version (highest + 1) with the content `change` makes of the active one, and activates it. */
  addVersion(params: {
    assistantId: AssistantId;
    now: number;
    change: (current: AssistantContent) => AssistantContent;
  }): Promise<Assistant | null>;
  /** Makes an older version's content the assistant's. Null when there is no such version. */
  activate(params: {
    assistantId: AssistantId;
    version: number;
    now: number;
  }): Promise<Assistant | null>;
  version(assistantId: AssistantId, version: number): Promise<AssistantVersion | null>;
  /** Newest first. */
  versions(params: {
    assistantId: AssistantId;
    metadata?: JsonObject;
    page: Page;
  }): Promise<AssistantVersion[]>;
  /** With all its versions. False when there is none. */
  delete(assistantId: AssistantId): Promise<boolean>;
  search(params: {
    filter: AssistantFilter;
    sort: Sort<AssistantSortField>;
    page: Page;
  }): Promise<Found<Assistant>>;
  count(filter: AssistantFilter): Promise<number>;
}

/** A thread with its runs in flight, oldest first: what decisions about a thread are made on. */
export interface ThreadSnapshot {
  thread: Thread | null;
  /** Pending and running. */
  inFlight: Run[];
}

/** What a decision changes. What is absent stays. */
export interface ThreadChange {
  /** Stored as given, created when missing. */
  thread?: Thread;
  /** New runs, stored behind all others of the thread. */
  insert?: Run[];
  /** Runs of the snapshot, stored as given. A run that is no longer running gives up its lease. */
  update?: Run[];
  /** Runs removed together with every checkpoint and write made in their name. */
  rollback?: RunId[];
  /** What the thread's latest state does not need of its checkpoints goes, see `keepLatest`. */
  prune?: boolean;
  /** The thread with all its runs and checkpoints. */
  deleteThread?: boolean;
  /**
   * Keys of an inserted run. `KeyTaken` when one of them is held and has not expired; then nothing of
   * the change is stored.
   */
  remember?: RunKey[];
  /** Webhooks to deliver. */
  deliver?: Delivery[];
}

export interface ThreadStorage {
  /** A thread that has the id already stays as it is and is returned with `created: false`. */
  create(thread: Thread): Promise<{ thread: Thread; created: boolean }>;
  get(threadId: ThreadId): Promise<Thread | null>;
  /**
   * One transaction with the thread locked: shows `decide` the thread as it is and carries out the
   * change it returns. What `decide` throws is thrown on and nothing is changed.
   */
  transact<Change extends ThreadChange>(
    threadId: ThreadId,
    decide: (snapshot: ThreadSnapshot) => Change,
  ): Promise<Change>;
  search(params: {
    filter: ThreadFilter;
    sort: Sort<ThreadSortField>;
    page: Page;
  }): Promise<Found<Thread>>;
  count(filter: ThreadFilter): Promise<number>;
  /** Threads whose time is over and on which no run is in flight; over longest first. */
  expired(params: { now: number; limit: number }): Promise<Thread[]>;
  /** Stores `thread` with a copy of every checkpoint and write of `from`. */
  copy(params: { from: ThreadId; thread: Thread }): Promise<void>;
}

export interface ClaimedRun {
  run: Run;
  /** The attempt before this one was lost: continue from what it left. */
  takenOver: boolean;
}

export interface Claims {
  runs: ClaimedRun[];
  /** There are others, perhaps not for long: ask again. */
  more: boolean;
}

export interface RunStorage {
  get(runId: RunId): Promise<Run | null>;
  /** Newest first. */
  list(params: { threadId: ThreadId; status?: RunStatus; page: Page }): Promise<Run[]>;
  /** Over all threads, newest first. */
  search(params: { filter: RunFilter; page: Page }): Promise<Found<Run>>;
  /** Runs in flight on all threads, oldest first. */
  inFlight(status: "pending" | "running" | "all"): Promise<Run[]>;
  /**
   * Takes the oldest runs that may start (pending, due, their thread without a running run) or whose
   * lease has expired, `count` at most, sets them running with `attempt + 1` and leases them to `owner`
   * until `leaseUntil`. None only when there is none.
   */
  claim(params: { owner: string; now: number; leaseUntil: number; count: number }): Promise<Claims>;
  /** Returns those of `attempts` that still hold their run. */
  extendLeases(params: { attempts: Attempt[]; leaseUntil: number }): Promise<Attempt[]>;
  /** The next moment at which `claim` may find more than now, in ms since 1970. */
  nextDue(now: number): Promise<number | null>;
  counts(): Promise<{ pending: number; running: number }>;
  /** Who executes the run, and until when without another beat. Null when nobody does. */
  lease(runId: RunId): Promise<{ owner: string; expiresAt: number } | null>;
  /** How many other runs `claim` would take before this pending one. */
  countAhead(params: { runId: RunId; now: number }): Promise<number>;
  /** The run that was created under the key. Null when there is none, or the key has expired. */
  remembered(key: string, now: number): Promise<RunKey | null>;
  /** Frees the keys of runs whose creation was undone. */
  forgetKeys(runIds: RunId[]): Promise<void>;
  /** A run that has ended, with its checkpoints and writes. False when there is none. */
  delete(runId: RunId): Promise<boolean>;
}

/** An item whose time to live is over by `now` is not there, also while it is still stored. */
export interface ItemStorage {
  /** Keeps `createdAt` of an item that is there; `vectors` replace those it had. All or nothing. */
  put(item: Item, vectors?: ItemVector[]): Promise<void>;
  get(namespace: string[], key: string, now: number): Promise<Item | null>;
  delete(namespace: string[], key: string): Promise<boolean>;
  /**
   * Newest `updatedAt` first. Prefix on whole labels; `filter` as `matchesFilter` has it. With `near`,
   * the nearest first, each item by the nearest of its vectors; those without a vector of that model
   * come behind, without a score.
   */
  search(params: ItemSearch): Promise<FoundItem[]>;
  /** Distinct, sorted. */
  namespaces(now: number): Promise<string[][]>;
  /** How searches with `near` are done here, and how many items have only vectors of other models. */
  describeVectors(model: string): Promise<VectorSearch>;
  /** Begins the time to live of those that have one and are there anew. */
  refresh(items: Pick<Item, "namespace" | "key">[], now: number): Promise<void>;
  /** Removes items that are over, `limit` at most. Returns how many. */
  removeExpired(params: { now: number; limit: number }): Promise<number>;
}

export interface ItemSearch {
  prefix: string[];
  filter?: JsonObject;
  near?: Vector;
  page: Page;
  now: number;
}

export interface VectorSearch {
  /** Null, or one sentence about what the database lacks: then searches are slower. */
  slowBecause: string | null;
  strangers: number;
}
