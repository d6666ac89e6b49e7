// oxlint-disable vitest/no-standalone-expect, vitest/expect-expect -- the model expects, wherever it is asked to check
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import {
  type Checkpoint,
  DeltaSnapshot,
  MemorySaver,
  uuid6,
} from "@langchain/langgraph-checkpoint";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ThreadId } from "../../src/core/ids.ts";
import type { Span } from "../../src/core/lineage.ts";
import type { Writer } from "../../src/core/ports/checkpoints.ts";
import type { Run } from "../../src/core/run.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { ItemCache } from "../../src/graphs/item-cache.ts";
import { claim, collect, end, newRun, newThread } from "../contract/storage/fixtures.ts";
import { postgresUri, skippedBecause } from "../support/postgres.ts";
import {
  type OpenDatabase,
  postgresSchema,
  type Reopenable,
  sqliteFile,
} from "../support/savers.ts";
import { asText, OracleThread, tupleText } from "./saver-oracle.ts";

/**
 * Random histories of threads, against MemorySaver: whatever is done to a thread, every checkpoint of
 * it reads back, to the letter, as what MemorySaver would return, and the database holds no item that
 * no checkpoint holds.
 */

/** What is cached is for those with the same serializer. */
const { serde: serializer } = new MemorySaver();

const namespaces = ["", "", "", "node:1", "node:1|leaf:2", "stateful"];

/** A choice among what there is when the command is carried out. */
const pick = fc.nat({ max: 1000 });

const change = fc.record({
  kind: fc.constantFrom(
    ...([
      "append",
      "append",
      "append",
      "share",
      "share",
      "share",
      "edit",
      "mutate",
      "remove",
      "front",
    ] as const),
    ...(["replace", "scalar", "texts", "numbers", "binary", "odd", "delta", "drop"] as const),
  ),
  at: pick,
  size: fc.integer({ min: 1, max: 12 }),
});

const superstep = fc.record({
  namespace: fc.constantFrom(...namespaces),
  changes: fc.array(change, { maxLength: 3 }),
  writes: fc.boolean(),
  /** Reads the state again instead of going on with what is in memory. */
  reread: fc.boolean(),
});

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("run" as const),
      thread: pick,
      /** From an older checkpoint instead of the latest. */
      fork: fc.option(pick, { freq: 3 }),
      steps: fc.array(superstep, { minLength: 1, maxLength: 4 }),
      edit: fc.boolean(),
      /** An earlier run that is deleted while this one is under way. */
      meanwhile: fc.option(pick, { freq: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("copy" as const), thread: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("prune" as const), thread: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), thread: pick }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("rollback" as const), thread: pick, run: pick }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("crash" as const), keepCache: fc.boolean() }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer Kind> ? Kind : never;
type RunCommand = Extract<Command, { kind: "run" }>;
type Superstep = RunCommand["steps"][number];

interface ModelThread {
  id: ThreadId;
  oracle: OracleThread;
  runs: Run[];
  checkpoints: { id: string; namespace: string }[];
}

class World {
  readonly #database: OpenDatabase;
  readonly #threads: ModelThread[] = [];
  #cache: ItemCache;
  #clock = 1;
  #serial = 0;

  constructor(database: OpenDatabase, cacheBytes: number) {
    this.#database = database;
    this.#cache = new ItemCache(cacheBytes);
  }

  async do(one: Command): Promise<void> {
    if (one.kind === "run") await this.#run(one);
    else if (one.kind === "crash") {
      await this.#database.reopen();
      if (!one.keepCache) this.#cache = new ItemCache(1_000_000);
    } else {
      const thread = this.#threads[one.thread % this.#threads.length];
      if (thread) await this.#treat(thread, one);
    }
  }

  async #treat(
    thread: ModelThread,
    one: Exclude<Command, { kind: "run" | "crash" }>,
  ): Promise<void> {
    const { storage } = this.#database;
    if (one.kind === "copy") {
      const copy = newThread();
      await storage.threads.copy({ from: thread.id, thread: copy });
      this.#threads.push({
        id: copy.threadId,
        oracle: thread.oracle.copy(),
        runs: [],
        checkpoints: [...thread.checkpoints],
      });
    } else if (one.kind === "prune") {
      await storage.checkpoints.prune({ threadId: thread.id, keep: "latest" });
      thread.oracle.prune();
    } else if (one.kind === "delete") {
      await storage.checkpoints.deleteThread(thread.id);
      thread.oracle.clear();
    } else {
      await this.#rollBack(thread, one.run);
    }
  }

  async #rollBack(thread: ModelThread, choice: number): Promise<void> {
    const { storage } = this.#database;
    if (thread.runs.length === 0) return;
    const [run] = thread.runs.splice(choice % thread.runs.length, 1);
    await storage.threads.transact(thread.id, () => ({ rollback: [run!.runId] }));
    thread.oracle.rollBack(run!.runId);
  }

  async #run(one: RunCommand): Promise<void> {
    const thread = await this.#threadFor(one.thread);
    let writer: Writer = one.edit ? "edit" : null;
    let run: Run | null = null;
    if (!one.edit) {
      const { storage } = this.#database;
      await storage.threads.transact(thread.id, () => ({ insert: [newRun(thread.id)] }));
      run = (await claim(storage))!;
      writer = run;
    }
    const saver = new Checkpointer(this.#database.storage.checkpoints, writer, {
      cache: this.#cache,
      serializer,
    });
    const driver = new Driver({ saver, thread, run, next: () => this.#next() });
    for (const [at, step] of one.steps.entries()) {
      const meanwhile = async (): Promise<void> => {
        if (at === 0 && one.meanwhile !== null) await this.#rollBack(thread, one.meanwhile);
      };
      await driver.step(step, at === 0 ? one.fork : null, meanwhile);
    }
    if (run) {
      await end(this.#database.storage, run);
      thread.runs.push(run);
    }
  }

  #next(): { serial: number; clock: number } {
    this.#serial += 1;
    this.#clock += 1;
    return { serial: this.#serial, clock: this.#clock };
  }

  /** One of those that are there, or a new one. */
  async #threadFor(choice: number): Promise<ModelThread> {
    const known = this.#threads[choice % 4];
    if (known) return known;
    const { thread } = await this.#database.storage.threads.create(newThread());
    const created = { id: thread.threadId, oracle: new OracleThread(), runs: [], checkpoints: [] };
    this.#threads.push(created);
    return created;
  }

  /** Everything is as the oracle has it, read twice: from the cache and past it. */
  async check(): Promise<void> {
    const { checkpoints } = this.#database.storage;
    for (const { id, oracle } of this.#threads) {
      const expected = await listed(await oracle.saver(id), id);
      const cached = new Checkpointer(checkpoints, null, { cache: this.#cache, serializer });
      const fresh = new Checkpointer(checkpoints, null);
      expect(await listed(cached, id)).toEqual(expected);
      expect(await listed(fresh, id)).toEqual(expected);
    }
    expect(await this.#database.count("lineage_items")).toBe(await this.#heldItems());
  }

  async #heldItems(): Promise<number> {
    const held = new Set<string>();
    const tuples = await collect(this.#database.storage.checkpoints.list({}));
    for (const { lineage, first, end: behind } of tuples.flatMap(({ spans }): Span[] => spans)) {
      for (let at = first; at < behind; at++) held.add(`${lineage} ${at}`);
    }
    for (const { lineage, position } of tuples.flatMap(({ texts }) => texts)) {
      held.add(`${lineage} ${position}`);
    }
    return held.size;
  }

  async clear(): Promise<void> {
    const { checkpoints } = this.#database.storage;
    for (const { id } of this.#threads) await checkpoints.deleteThread(id);
    for (const table of ["lineage_items", "lineage_books", "checkpoints", "checkpoint_writes"]) {
      expect([table, await this.#database.count(table)]).toEqual([table, 0]);
    }
  }
}

async function listed(saver: Pick<Checkpointer, "list">, threadId: ThreadId): Promise<string[]> {
  const tuples = await collect(saver.list({ configurable: { thread_id: threadId } }));
  const all = await Promise.all(tuples.map(tupleText));
  return all.toSorted();
}

/** Plays the graph library: keeps the state in memory from superstep to superstep. */
class Driver {
  readonly #saver: Checkpointer;
  readonly #thread: ModelThread;
  readonly #run: Run | null;
  readonly #next: () => { serial: number; clock: number };
  readonly #states = new Map<string, Checkpoint | null>();

  constructor(params: {
    saver: Checkpointer;
    thread: ModelThread;
    run: Run | null;
    next: () => { serial: number; clock: number };
  }) {
    this.#saver = params.saver;
    this.#thread = params.thread;
    this.#run = params.run;
    this.#next = params.next;
  }

  /** `meanwhile` happens between reading the state and storing the next. */
  async step(step: Superstep, fork: number | null, meanwhile: () => Promise<void>): Promise<void> {
    const { namespace } = step;
    if (step.reread || fork !== null || !this.#states.has(namespace)) {
      this.#states.set(namespace, await this.#read(namespace, fork));
    }
    const before = this.#states.get(namespace) ?? null;
    await meanwhile();
    const { serial, clock } = this.#next();
    const { values, changed } = changeValues(before?.channel_values ?? {}, step.changes, serial);
    // As the library does: a run's input is a channel's value for one checkpoint.
    const input = inputOf(values, serial);
    if (input === undefined) delete values["__start__"];
    else values["__start__"] = input;
    changed.add("__start__");
    const newVersions: Record<string, number> = {};
    for (const channel of changed) {
      const last = before?.channel_versions[channel] as number | undefined;
      newVersions[channel] = this.#saver.getNextVersion(last);
    }
    const versions = { ...before?.channel_versions, ...newVersions };
    const checkpoint: Checkpoint = {
      v: 4,
      id: uuid6(clock),
      ts: new Date(clock).toISOString(),
      channel_values: values,
      channel_versions: versions,
      versions_seen: { node: { ...before?.channel_versions } as Record<string, number> },
    };
    const root = this.#thread.checkpoints.findLast((one) => one.namespace === "");
    const parents: Record<string, string> = root && namespace ? { "": root.id } : {};
    const metadata = { source: "loop" as const, step: serial, parents };
    const { oracle, id: threadId } = this.#thread;
    const run = this.#run?.runId ?? null;
    const parentId = before?.id;
    const configurable = { thread_id: threadId, checkpoint_ns: namespace };
    const config = { configurable: { ...configurable, checkpoint_id: parentId } };
    const writes = step.writes ? writesOf(values, serial) : [];
    const taskId = `task ${serial % 3}`;
    const own = { configurable: { ...configurable, checkpoint_id: checkpoint.id } };
    // As with durability `async`: writes may be there before their checkpoint.
    if (serial % 2 === 0) await this.#saver.putWrites(own, writes, taskId);
    await oracle.put({ run, namespace, parentId, checkpoint, metadata, newVersions });
    await this.#saver.put(config, checkpoint, metadata, newVersions);
    if (serial % 2 === 1) await this.#saver.putWrites(own, writes, taskId);
    await oracle.putWrites({ run, namespace, checkpointId: checkpoint.id, writes, taskId });
    this.#thread.checkpoints.push({ id: checkpoint.id, namespace });
    this.#states.set(namespace, checkpoint);
  }

  async #read(namespace: string, fork: number | null): Promise<Checkpoint | null> {
    const known = this.#thread.checkpoints.filter((one) => one.namespace === namespace);
    const checkpointId = fork === null ? undefined : known[fork % known.length]?.id;
    const configurable = {
      thread_id: this.#thread.id,
      checkpoint_ns: namespace,
      ...(checkpointId ? { checkpoint_id: checkpointId } : {}),
    };
    const tuple = await this.#saver.getTuple({ configurable });
    const oracle = await this.#thread.oracle.saver(this.#thread.id);
    const expected = await oracle.getTuple({ configurable });
    expect(tuple && (await tupleText(tuple))).toBe(expected && (await tupleText(expected)));
    return tuple?.checkpoint ?? null;
  }
}

/** As a graph is given, or as a subgraph that shares its parent's messages is. */
function inputOf(values: Record<string, unknown>, serial: number): unknown {
  const { messages, shared, documents = null } = values;
  switch (serial % 4) {
    case 0:
      return { messages: [longText(`${serial + 1}-0`), "more"] };
    case 1:
      return { messages, shared, documents, deep: { shared }, text: longText(`${serial + 1}-1`) };
    case 2:
      return Array.isArray(shared) ? [...(shared as unknown[]), element(serial + 1, 3)] : null;
    default:
      return undefined;
  }
}

/** Of the superstep after this one are what the next changes say, so a write foretells its messages. */
function writesOf(values: Record<string, unknown>, serial: number): [string, unknown][] {
  const next = serial + 1;
  const { shared } = values;
  const writes: [string, unknown][] = [
    ["messages", values["messages"] ?? null],
    ["all", { ...values, again: values["shared"] }],
    ["shared", Array.isArray(shared) ? [...(shared as unknown[]), object(next, 0)] : null],
    ["reordered", Array.isArray(shared) ? (shared as unknown[]).toReversed() : {}],
    ["next", [element(next, 0), { of: element(next, 1), text: longText(`${next}-2`) }]],
    // MemorySaver itself cannot read a write that is nothing but bytes.
    ["bytes", { bytes: new Uint8Array([serial]) }],
  ];
  return serial % 5 === 0
    ? [["__interrupt__", { value: serial, text: longText(`${next}-0`) }]]
    : writes;
}

function changeValues(
  before: Record<string, unknown>,
  changes: Superstep["changes"],
  serial: number,
): { values: Record<string, unknown>; changed: Set<string> } {
  const values = { ...before };
  const changed = new Set<string>();
  for (const { kind, at, size } of changes) {
    const channel = channelOf[kind] ?? listChannels[at % listChannels.length]!;
    changed.add(channel);
    if (kind === "drop") delete values[channel];
    else {
      const make = channel === "shared" ? object : element;
      values[channel] = changedValue(values[channel], { kind, at, size, serial, make });
    }
  }
  return { values, changed };
}

/** `shared` has objects only, which are always stored one by one. */
const listChannels = ["documents", "messages", "messages", "shared"];

const channelOf: Record<string, string> = {
  share: "shared",
  scalar: "scalar",
  texts: "log",
  numbers: "numbers",
  binary: "binary",
  odd: "odd",
  delta: "delta",
  drop: "scalar",
};

function changedValue(
  value: unknown,
  {
    kind,
    at,
    size,
    serial,
    make,
  }: Superstep["changes"][number] & {
    serial: number;
    make: typeof element;
  },
): unknown {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  const index = list.length > 0 ? at % list.length : 0;
  switch (kind) {
    case "append":
    case "share":
      return [...list, ...Array.from({ length: size }, (_, more) => make(serial, more))];
    case "edit":
      return list.toSpliced(index, 1, make(serial, at));
    case "mutate":
      if (list.length > 0) mutate(list[index], serial);
      return [...list];
    case "remove":
      return list.toSpliced(index, size);
    case "front":
      return [...list.slice(index), ...list.slice(0, 1)];
    case "replace":
      return Array.from({ length: size % 4 }, (_, more) => make(serial, more));
    case "texts":
      return [...(Array.isArray(value) ? (value as string[]) : []), "x".repeat(size * 20)];
    case "numbers":
      return Array.from({ length: size * 30 }, (_, more) => more / serial);
    case "binary":
      return new Uint8Array(size * 20).fill(serial);
    case "delta":
      return new DeltaSnapshot([element(serial, 0), "x".repeat(200)]);
    case "odd":
      return oddValues[serial % oddValues.length];
    default:
      return `${"text".repeat(size * 10)} ${serial}`;
  }
}

const oddValues = [
  undefined,
  null,
  [],
  [[1], [], [[undefined]]],
  [undefined, "mixed", { a: undefined }],
  new Map<unknown, unknown>([["k", new Set([1, "two"])]]),
  { nested: [new Uint8Array([1, 2]), new Date(0), /re/g, new Error("message")], __proto: 1 },
  "\ud800 half, \u0000 and 🙂",
];

/** Long enough to be shared, with what JSON escapes and what takes several bytes. */
function longText(id: string): string {
  return `question ${id} "\\" \u0001 한글 🙂 ${"?".repeat(300)}\\`;
}

function element(serial: number, more: number): unknown {
  const id = `${serial}-${more}`;
  switch ((serial + more) % 7) {
    case 0:
      return { id, tags: new Set([id]), bytes: new Uint8Array([serial % 256]), gone: undefined };
    case 1:
      return [id, [serial]];
    case 2:
      return id;
    case 3:
      return new HumanMessage({ id, content: longText(id) });
    case 4:
      return new AIMessage({
        id,
        content: [{ type: "text", text: id }],
        tool_calls: [{ id, name: "tool", args: { deep: { n: serial } } }],
      });
    default:
      return new AIMessage({ id, content: `answer ${id}` });
  }
}

function object(serial: number, more: number): unknown {
  const made = element(serial, more);
  return typeof made === "object" && !Array.isArray(made) ? made : { made };
}

/** As a node may do that changes what it was given. */
function mutate(target: unknown, serial: number): void {
  if (Array.isArray(target)) target.push(serial);
  else if (target instanceof AIMessage && (target.tool_calls?.length ?? 0) > 0) {
    target.tool_calls![0]!.args["deep"] = { n: -serial };
  } else if (target instanceof HumanMessage || target instanceof AIMessage) {
    target.content = `changed ${serial}`;
  } else if (typeof target === "object" && target !== null) {
    Object.assign(target, { changed: serial });
    (target as { tags?: Set<unknown> }).tags?.add(serial);
  }
}

const commandList = fc.array(command, { minLength: 4, maxLength: 25 });
const cacheBytes = fc.constantFrom(2_000, 1_000_000);

function describeModel(database: Reopenable, numRuns: number): void {
  // oxlint-disable-next-line vitest/valid-title -- the database's name
  describe(database.name, () => {
    it("reads back what MemorySaver would, and frees what nobody holds", async () => {
      await fc.assert(
        fc.asyncProperty(commandList, cacheBytes, async (commands, bytes) => {
          await using opened = await database.create();
          const world = new World(opened, bytes);
          for (const one of commands) {
            await world.do(one);
            if (one.kind !== "run") await world.check();
          }
          await world.check();
          await world.clear();
        }),
        { numRuns },
      );
    }, 120_000);
  });
}

describeModel(sqliteFile, 25);

const uri = await postgresUri();
describe.skipIf(uri === null)(`on a server${skippedBecause(uri)}`, () => {
  describeModel(postgresSchema(uri ?? ""), 6);
});

describe("the oracle", () => {
  it("tells apart what differs by a letter, a class or an undefined", async () => {
    const one = new HumanMessage({ id: "1", content: "a" });
    const texts = [one, { ...one }, new AIMessage({ id: "1", content: "a" }), {}, { a: undefined }];
    expect(new Set(await Promise.all(texts.map(asText))).size).toBe(texts.length);
  });
});
