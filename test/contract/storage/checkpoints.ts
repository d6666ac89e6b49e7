import { describe, expect } from "vitest";
import { HeadMoved, LeaseLost, LineageTaken, SpansFreed } from "../../../src/core/error.ts";
import { randomIds, type ThreadId } from "../../../src/core/ids.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import { mintLineage } from "../../../src/core/lineage.ts";
import type {
  CheckpointTuple,
  Shortened,
  StoredCheckpoint,
} from "../../../src/core/ports/checkpoints.ts";
import type { Storage } from "../../../src/core/ports/storage.ts";
import type { Run } from "../../../src/core/run.ts";
import {
  checkpointId,
  claim,
  collect,
  end,
  itemsAfter,
  itemTexts,
  itStores,
  newItems,
  newRun,
  newThread,
  type OpenStorage,
  putStep,
  spansOfItems,
  start,
  storeRunning,
  storeRuns,
  texts,
  textValue,
  write,
  writeTexts,
} from "./fixtures.ts";

export function describeCheckpoints(open: OpenStorage): void {
  describe("checkpoints", () => {
    describeReading(open);
    describeItems(open);
    describeListing(open);
    describeWrites(open);
    describeFences(open);
    describeShortening(open);
    describeNaming(open);
    describeRollback(open);
    describeSharing(open);
    describePruning(open);
  });
}

function describeReading(open: OpenStorage): void {
  itStores(open, "a checkpoint reads back byte for byte", async (storage) => {
    const threadId = randomIds.thread();
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    const lineage = mintLineage();
    const stored = [bytes, new Uint8Array(), new Uint8Array(70_000).fill(7)].map(
      (one, position) => ({
        lineage,
        position,
        value: { type: position === 0 ? "bytes" : "json", bytes: one },
      }),
    );
    const checkpoint = {
      threadId,
      namespace: "child:1|leaf:2",
      checkpointId: "not a UUID, 한글",
      parentId: checkpointId(1),
      content: '{"channel \\u0000 näme":"\\ud800 🙂"}',
      spans: [
        { lineage, first: 1, end: 3 },
        { lineage, first: 0, end: 2 },
      ],
      metadata: { source: "loop", step: 1, parents: { "": "x" }, writes: null },
    };
    const params = { checkpoint, origin: {}, items: stored, generation: null, writer: null };
    const generation = await storage.checkpoints.put(params);
    const read = await storage.checkpoints.get(checkpoint);
    expect(read).toEqual({ ...checkpoint, writes: [], texts: [], generation });
    const held = await storage.checkpoints.items(read!.spans);
    expect(held.map(({ position }) => position)).toEqual([1, 2, 0, 1]);
    for (const { position, value } of held) {
      expect(value.type).toBe(stored[position]!.value.type);
      expect(Buffer.compare(value.bytes, stored[position]!.value.bytes)).toBe(0);
    }
  });

  itStores(open, "what many checkpoints' metadata share comes back merged", async (storage) => {
    const threadId = randomIds.thread();
    const origin = { run_id: "r1", thread_id: threadId, nested: { a: [1] }, step: 0 };
    const origins: JsonObject[] = [
      origin,
      { ...origin, run_id: "r2" },
      { run_id: "r3" },
      {},
      origin,
    ];
    for (const [at, one] of origins.entries()) {
      await putStep(storage, { threadId, number: at + 1, origin: one, metadata: { step: at + 1 } });
    }
    const listed = await collect(storage.checkpoints.list({ threadId }));
    expect(listed.map(({ metadata }) => metadata).toReversed()).toEqual(
      origins.map((one, at) => ({ ...one, step: at + 1 })),
    );
    const found = storage.checkpoints.list({ threadId, metadata: { nested: { a: [1] } } });
    expect(await collect(found)).toHaveLength(3);
    // What a checkpoint says itself counts.
    const none = storage.checkpoints.list({ threadId, metadata: { step: 0 } });
    expect(await collect(none)).toEqual([]);
  });

  itStores(open, "names get numbers that stay, also when asked for at once", async (storage) => {
    const { checkpoints } = storage;
    const names = ["messages", "branch:to:한글", 'O\'Brien "x"'];
    const asked = await Promise.all(
      Array.from({ length: 5 }, (_, at) => checkpoints.numbersOf(names.slice(at % 2))),
    );
    const numbers = new Map(asked.flat().map(({ name, number }) => [name, number]));
    expect([...numbers.keys()].toSorted()).toEqual(names.toSorted());
    expect(new Set(asked.flat().map(({ number }) => number)).size).toBe(3);
    const [first] = names;
    const again = await checkpoints.numbersOf([first!, "new"]);
    expect(again.find(({ name }) => name === first)?.number).toBe(numbers.get(first!));
    const found = await checkpoints.namesOf([...numbers.values(), 999_999]);
    expect(found.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  itStores(open, "the latest of a namespace is the one with the highest id", async (storage) => {
    const threadId = randomIds.thread();
    await putStep(storage, { threadId, number: 2 });
    await putStep(storage, { threadId, number: 1 });
    await putStep(storage, { threadId, number: 9, namespace: "child:1" });
    const latest = async (namespace: string) =>
      (await storage.checkpoints.get({ threadId, namespace }))?.checkpointId;
    expect(await latest("")).toBe(checkpointId(2));
    expect(await latest("child:1")).toBe(checkpointId(9));
    expect(await latest("child")).toBeUndefined();
    const address = { threadId, namespace: "", checkpointId: checkpointId(9) };
    expect(await storage.checkpoints.get(address)).toBeNull();
  });

  itStores(open, "putting a checkpoint again replaces it and keeps its writes", async (storage) => {
    const threadId = randomIds.thread();
    const address = await putStep(storage, { threadId, number: 1, metadata: { step: 1 } });
    await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: null });
    await putStep(storage, {
      threadId,
      number: 1,
      metadata: { step: 2 },
      items: newItems("new"),
    });
    const read = await storage.checkpoints.get(address);
    expect(read?.metadata).toEqual({ step: 2 });
    expect([await texts(storage, read), writeTexts(read)]).toEqual([["new"], ["w"]]);
    expect(await collect(storage.checkpoints.list({ threadId }))).toHaveLength(1);
  });

  itStores(
    open,
    "the head is the latest root checkpoint and the run that wrote it",
    async (storage) => {
      const run = await storeRunning(storage);
      const { threadId, runId } = run;
      expect(await storage.checkpoints.head(threadId)).toBeNull();
      await putStep(storage, { threadId, number: 1, writer: run });
      await putStep(storage, { threadId, number: 5, namespace: "child:1", writer: run });
      expect(await storage.checkpoints.head(threadId)).toEqual({
        checkpointId: checkpointId(1),
        runId,
      });
      await end(storage, run);
      await putStep(storage, { threadId, number: 2, writer: "edit" });
      const head = { checkpointId: checkpointId(2), runId: null };
      expect(await storage.checkpoints.head(threadId)).toEqual(head);
    },
  );

  itStores(
    open,
    "deleting a thread's checkpoints leaves the thread and its runs",
    async (storage) => {
      const run = await storeRunning(storage);
      const { threadId } = run;
      const other = randomIds.thread();
      await putStep(storage, { threadId, number: 1 });
      await putStep(storage, { threadId, number: 1, namespace: "child:1" });
      await putStep(storage, { threadId: other, number: 1 });
      await storage.checkpoints.deleteThread(threadId);
      expect(await collect(storage.checkpoints.list({ threadId }))).toEqual([]);
      expect(await collect(storage.checkpoints.list({ threadId: other }))).toHaveLength(1);
      expect(await storage.threads.get(threadId)).not.toBeNull();
      expect(await storage.runs.get(run.runId)).toEqual(run);
    },
  );
}

function describeItems(open: OpenStorage): void {
  itStores(open, "checkpoints share items, and each holds its own", async (storage) => {
    const threadId = randomIds.thread();
    const list = newItems("a", "b", "c");
    const more = itemsAfter(list, "d");
    const edit = newItems("B");
    const { generation } = await putStep(storage, { threadId, number: 1, items: list });
    const step = { threadId, generation };
    await putStep(storage, {
      ...step,
      number: 2,
      items: more,
      spans: spansOfItems([...list, ...more]),
    });
    const [a, b, c] = list;
    const edited = spansOfItems([a!, edit[0]!, c!, b!]);
    await putStep(storage, { ...step, number: 3, parent: 1, items: edit, spans: edited });
    const at = async (number: number) => {
      const address = { threadId, namespace: "", checkpointId: checkpointId(number) };
      return texts(storage, await storage.checkpoints.get(address));
    };
    expect(await at(1)).toEqual(["a", "b", "c"]);
    expect(await at(2)).toEqual(["a", "b", "c", "d"]);
    expect(await at(3)).toEqual(["a", "B", "c", "b"]);
    expect(await storage.checkpoints.items([])).toEqual([]);
  });

  itStores(
    open,
    "a position of a lineage is taken once, and the second is told",
    async (storage) => {
      const threadId = randomIds.thread();
      const list = newItems("a");
      const { generation } = await putStep(storage, { threadId, number: 1, items: list });
      await putStep(storage, { threadId, number: 2, generation, items: itemsAfter(list, "b") });
      const fork = { threadId, number: 3, generation, items: itemsAfter(list, "fork", "longer") };
      await expect(putStep(storage, fork)).rejects.toThrow(LineageTaken);
      // Neither the checkpoint nor the item behind the taken one was kept.
      expect(await collect(storage.checkpoints.list({ threadId }))).toHaveLength(2);
      const { lineage } = list[0]!;
      expect(await itemTexts(storage, [{ lineage, first: 0, end: 9 }])).toEqual(["a", "b"]);
    },
  );

  itStores(open, "a generation passes when items may have been freed", async (storage) => {
    const run = await storeRunning(storage);
    const { threadId } = run;
    const list = newItems("a");
    const { generation } = await putStep(storage, {
      threadId,
      number: 1,
      items: list,
      writer: run,
    });
    const refused = async () => {
      const step = { threadId, number: 2, spans: spansOfItems(list), generation };
      await expect(putStep(storage, step)).rejects.toThrow(SpansFreed);
    };
    await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
    await refused();
    await storage.checkpoints.deleteThread(threadId);
    await refused();
    expect(await storage.checkpoints.head(threadId)).toBeNull();
    const again = await putStep(storage, { threadId, number: 3 });
    expect(again.generation).not.toBe(generation);
    await refused();
  });
}

function oddOrEven(step: number): StoredCheckpoint["metadata"] {
  return { step, kind: { odd: step % 2 === 1 } };
}

function describeListing(open: OpenStorage): void {
  itStores(
    open,
    "a list under way never shows what came in the place of what went",
    async (storage) => {
      const threadId = randomIds.thread();
      for (const number of [1, 2, 3]) await putStep(storage, { threadId, number });
      const listed: CheckpointTuple[] = [];
      for await (const tuple of storage.checkpoints.list({ threadId })) {
        if (listed.push(tuple) > 1) continue;
        await storage.checkpoints.deleteThread(threadId);
        const other = randomIds.thread();
        for (const number of [4, 5, 6]) await putStep(storage, { threadId: other, number });
      }
      const others = new Set([4, 5, 6].map(checkpointId));
      expect(listed.filter((tuple) => others.has(tuple.checkpointId))).toEqual([]);
      expect(listed[0]!.checkpointId).toBe(checkpointId(3));
    },
  );

  itStores(open, "a list is newest first and narrows by every parameter", async (storage) => {
    const threadId = randomIds.thread();
    const other = randomIds.thread();
    for (const number of [3, 1, 4, 2]) {
      await putStep(storage, { threadId, number, metadata: oddOrEven(number) });
    }
    await putStep(storage, { threadId, number: 6, namespace: "child:1", metadata: oddOrEven(6) });
    await putStep(storage, { threadId: other, number: 5, metadata: oddOrEven(5) });
    const list = async (params: Parameters<typeof storage.checkpoints.list>[0]) =>
      (await collect(storage.checkpoints.list(params))).map(({ metadata: { step } }) => step);
    expect(await list({ threadId, namespace: "" })).toEqual([4, 3, 2, 1]);
    expect(await list({ threadId })).toEqual([6, 4, 3, 2, 1]);
    expect(await list({})).toEqual([6, 5, 4, 3, 2, 1]);
    expect(await list({ namespace: "" })).toEqual([5, 4, 3, 2, 1]);
    expect(await list({ threadId, namespace: "", before: checkpointId(3) })).toEqual([2, 1]);
    expect(await list({ threadId, limit: 2 })).toEqual([6, 4]);
    expect(await list({ threadId, checkpointId: checkpointId(2) })).toEqual([2]);
    expect(await list({ metadata: { kind: { odd: true } } })).toEqual([5, 3, 1]);
    expect(await list({ threadId, metadata: { kind: { odd: true } }, limit: 1 })).toEqual([3]);
    expect(await list({ metadata: { step: 9 } })).toEqual([]);
    expect(await list({ threadId: randomIds.thread() })).toEqual([]);
  });

  itStores(open, "a list carries spans and writes", async (storage) => {
    const threadId = randomIds.thread();
    const list = newItems("x");
    const spans = spansOfItems(list);
    const address = await putStep(storage, { threadId, number: 1, items: list });
    await putStep(storage, { threadId, number: 2, parent: 1, spans });
    await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: null });
    const listed = await collect(storage.checkpoints.list({ threadId }));
    expect(listed.map((tuple) => tuple.spans)).toEqual([spans, spans]);
    expect(listed.map(writeTexts)).toEqual([[], ["w"]]);
    expect(listed.map(({ parentId }) => parentId)).toEqual([checkpointId(1), null]);
  });

  itStores(open, "a list may be left early and written to while it is read", async (storage) => {
    const threadId = randomIds.thread();
    for (const number of [1, 2, 3]) await putStep(storage, { threadId, number });
    const seen: string[] = [];
    for await (const tuple of storage.checkpoints.list({ threadId })) {
      seen.push(tuple.checkpointId);
      await putStep(storage, { threadId, number: 10 + seen.length });
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([checkpointId(3), checkpointId(2)]);
    expect(await collect(storage.checkpoints.list({ threadId }))).toHaveLength(5);
  });
}

function describeWrites(open: OpenStorage): void {
  itStores(open, "writes come back by task and index, special ones first", async (storage) => {
    const address = await putStep(storage, { threadId: randomIds.thread(), number: 1 });
    const writes = [write(1, "b"), write(0, "a"), write(-3, "s")];
    await storage.checkpoints.putWrites({ address, writes, writer: null });
    const more = [write(0, "c", "task 2")];
    await storage.checkpoints.putWrites({ address, writes: more, writer: null });
    const read = await storage.checkpoints.get(address);
    expect(writeTexts(read)).toEqual(["s", "a", "b", "c"]);
    const { taskId, index, channel } = read!.writes[0]!;
    expect({ taskId, index, channel }).toEqual({
      taskId: "task",
      index: -3,
      channel: "__special__",
    });
  });

  itStores(
    open,
    "an ordinary write stays as it was first put, a special one is replaced",
    async (storage) => {
      const address = await putStep(storage, { threadId: randomIds.thread(), number: 1 });
      for (const round of ["first", "second"]) {
        const writes = [write(0, round), write(-1, round)];
        await storage.checkpoints.putWrites({ address, writes, writer: null });
      }
      expect(writeTexts(await storage.checkpoints.get(address))).toEqual(["second", "first"]);
    },
  );

  itStores(open, "writes belong to one checkpoint of one namespace", async (storage) => {
    const threadId = randomIds.thread();
    const address = await putStep(storage, { threadId, number: 1 });
    const child = await putStep(storage, { threadId, number: 1, namespace: "child:1" });
    const next = await putStep(storage, { threadId, number: 2, parent: 1 });
    await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: null });
    expect(writeTexts(await storage.checkpoints.get(address))).toEqual(["w"]);
    expect(writeTexts(await storage.checkpoints.get(child))).toEqual([]);
    expect(writeTexts(await storage.checkpoints.get(next))).toEqual([]);
  });

  itStores(open, "no writes at all are no error", async (storage) => {
    const address = await putStep(storage, { threadId: randomIds.thread(), number: 1 });
    await storage.checkpoints.putWrites({ address, writes: [], writer: null });
    expect(writeTexts(await storage.checkpoints.get(address))).toEqual([]);
  });
}

function describeFences(open: OpenStorage): void {
  itStores(open, "an attempt that was taken over writes nothing any more", async (storage) => {
    const run = await storeRunning(storage);
    const { threadId } = run;
    const address = await putStep(storage, { threadId, number: 1, writer: run });
    const next = (await claim(storage, start + 5000))!;
    const late = newItems("x");
    await expect(
      putStep(storage, { threadId, number: 2, writer: run, items: late }),
    ).rejects.toThrow(LeaseLost);
    await expect(
      storage.checkpoints.putWrites({ address, writes: [write(0, "late")], writer: run }),
    ).rejects.toThrow(LeaseLost);
    expect(writeTexts(await storage.checkpoints.get(address))).toEqual([]);
    // Neither the checkpoint nor its item was kept.
    await putStep(storage, { threadId, number: 3, writer: next });
    const steps = await collect(storage.checkpoints.list({ threadId }));
    expect(steps.map((step) => step.checkpointId)).toEqual([checkpointId(3), checkpointId(1)]);
    expect(await itemTexts(storage, spansOfItems(late))).toEqual([]);
  });

  itStores(open, "a run that has ended, waits or is gone writes nothing", async (storage) => {
    const run = await storeRunning(storage);
    const { threadId } = run;
    const refused = async () =>
      expect(putStep(storage, { threadId, number: 1, writer: run })).rejects.toThrow(LeaseLost);
    await storage.threads.transact(threadId, () => ({ update: [{ ...run, status: "pending" }] }));
    await refused();
    await storage.threads.transact(threadId, () => ({ update: [{ ...run, status: "success" }] }));
    await refused();
    await storage.runs.delete(run.runId);
    await refused();
    expect(await storage.checkpoints.head(threadId)).toBeNull();
  });

  itStores(open, "an expired lease that nobody took over still writes", async (storage) => {
    const run = await storeRunning(storage);
    await storage.runs.extendLeases({ attempts: [run], leaseUntil: 1 });
    await putStep(storage, { threadId: run.threadId, number: 1, writer: run });
    expect(await storage.checkpoints.head(run.threadId)).not.toBeNull();
  });

  itStores(
    open,
    "an edit is refused while a run waits or runs, and passes after",
    async (storage) => {
      const [first] = await storeRuns(storage, {});
      const { threadId } = first!;
      const edit = () => putStep(storage, { threadId, number: 1, writer: "edit" });
      await expect(edit()).rejects.toMatchObject({ code: "thread_busy" });
      const running = (await claim(storage))!;
      await expect(edit()).rejects.toMatchObject({ code: "thread_busy" });
      expect(await storage.checkpoints.head(threadId)).toBeNull();
      await end(storage, running);
      await storeRunning(storage);
      const address = await edit();
      await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: "edit" });
      expect(writeTexts(await storage.checkpoints.get(address))).toEqual(["w"]);
    },
  );

  itStores(
    open,
    "an extension goes on from the latest checkpoint, and is refused from any other",
    async (storage) => {
      const run = await storeRunning(storage);
      const { threadId } = run;
      await end(storage, run);
      const extend = (number: number, parent?: number) =>
        putStep(storage, {
          threadId,
          number,
          writer: "extension",
          ...(parent !== undefined && { parent }),
        });
      await extend(1);
      await expect(extend(2)).rejects.toBeInstanceOf(HeadMoved);
      await extend(2, 1);
      await expect(extend(3, 1)).rejects.toBeInstanceOf(HeadMoved);
      expect((await storage.checkpoints.head(threadId))?.checkpointId).toBe(checkpointId(2));
      // Another namespace has a latest of its own.
      await putStep(storage, { threadId, number: 9, namespace: "child", writer: "extension" });
      await extend(3, 2);
      // An edit may fork.
      await putStep(storage, { threadId, number: 4, parent: 1, writer: "edit" });
    },
  );

  itStores(open, "of extensions of one checkpoint at once one is stored", async (storage) => {
    const run = await storeRunning(storage);
    const { threadId } = run;
    await end(storage, run);
    await putStep(storage, { threadId, number: 1, writer: "extension" });
    const tries = await Promise.allSettled(
      [2, 3, 4, 5].map((number) =>
        putStep(storage, { threadId, number, parent: 1, writer: "extension" }),
      ),
    );
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
}

/** A running run with a checkpoint and two writes to it, and what its next step shortens them to. */
async function stepToShorten(storage: Storage) {
  const run = await storeRunning(storage);
  const { threadId } = run;
  const address = await putStep(storage, { threadId, number: 1, writer: run });
  const writes = [write(0, "long text"), write(1, "short"), write(-4, "long resume")];
  await storage.checkpoints.putWrites({ address, writes, writer: run });
  const items = newItems("the long text", "the long resume");
  const [text, resume] = spansOfItems(items).map((span) => [span]);
  const shortened: Shortened = {
    checkpointId: checkpointId(1),
    content: { content: "{1}", texts: text! },
    writes: [
      { taskId: "task", index: 0, value: textValue("@0"), texts: text! },
      { taskId: "task", index: -4, value: textValue("@1"), texts: resume! },
    ],
  };
  const next = { threadId, number: 2, parent: 1, items, shortened };
  const read = async (id = threadId) => {
    const tuple = await storage.checkpoints.get({ ...address, threadId: id });
    const held = tuple!.texts.map(({ value }) => new TextDecoder().decode(value.bytes));
    return { content: tuple!.content, writes: writeTexts(tuple), texts: held };
  };
  const asFirst = {
    content: '{"step":1}',
    writes: ["long resume", "long text", "short"],
    texts: [],
  };
  return { run, threadId, address, items, next, read, asFirst };
}

function describeShortening(open: OpenStorage): void {
  itStores(
    open,
    "what is shortened comes with the items it has excerpts of, read alone and in a list",
    async (storage) => {
      const { run, threadId, next, read } = await stepToShorten(storage);
      await putStep(storage, { ...next, writer: run });
      expect(await read()).toEqual({
        content: "{1}",
        writes: ["@1", "@0", "short"],
        texts: ["the long text", "the long resume"],
      });
      const listed = await collect(storage.checkpoints.list({ threadId }));
      expect(listed.map((tuple) => tuple.texts.length)).toEqual([0, 2]);
    },
  );

  itStores(open, "nothing is shortened that failed to be put", async (storage) => {
    const { run, next, read, asFirst, threadId, items } = await stepToShorten(storage);
    await putStep(storage, { threadId, number: 9, items, writer: run });
    await expect(putStep(storage, { ...next, writer: run })).rejects.toThrow(LineageTaken);
    const late = { ...next, items: newItems("a", "b"), writer: { ...run, attempt: 0 } };
    await expect(putStep(storage, late)).rejects.toThrow(LeaseLost);
    expect(await read()).toEqual(asFirst);
  });

  itStores(open, "writes of others and what a copy has stay as they are", async (storage) => {
    const { run, threadId, next, read, asFirst } = await stepToShorten(storage);
    await putStep(storage, { ...next, number: 3, items: newItems("a", "b"), writer: null });
    expect((await read()).writes).toEqual(asFirst.writes);
    await putStep(storage, { threadId, number: 1, writer: run });
    const copy = newThread();
    await storage.threads.copy({ from: threadId, thread: copy });
    await putStep(storage, { ...next, writer: run });
    expect(await read()).toEqual(asFirst);
    expect(await read(copy.threadId)).toEqual(asFirst);
  });

  itStores(open, "of writes it is told which were stored", async (storage) => {
    const { run, address } = await stepToShorten(storage);
    const writes = [write(0, "again"), write(2, "new"), write(-4, "replaced")];
    const stored = await storage.checkpoints.putWrites({ address, writes, writer: run });
    expect(stored.map(({ index }) => index)).toEqual([2, -4]);
    expect(await storage.checkpoints.putWrites({ address, writes: [], writer: run })).toEqual([]);
  });

  itStores(
    open,
    "an item lives while something has an excerpt of it, also in copies",
    async (storage) => {
      const { run, threadId, items, next, read } = await stepToShorten(storage);
      const { generation } = await putStep(storage, { ...next, writer: run });
      const spans = spansOfItems([items[1]!]);
      await putStep(storage, { threadId, number: 3, parent: 2, spans, generation, writer: run });
      await end(storage, run);
      const shortened = await read();
      const copy = newThread();
      await storage.threads.copy({ from: threadId, thread: copy });
      await storage.checkpoints.prune({ threadId, keep: "latest" });
      expect(await read(copy.threadId)).toEqual(shortened);
      await storage.checkpoints.deleteThread(copy.threadId);
      expect(await itemTexts(storage, spansOfItems(items))).toEqual(["the long resume"]);
    },
  );

  itStores(
    open,
    "an item that only a write has an excerpt of goes when the write is rolled back",
    async (storage) => {
      const before = await storeRunning(storage);
      const { threadId } = before;
      const address = await putStep(storage, { threadId, number: 1, writer: before });
      const run = await nextRun(storage, before);
      const writes = [write(0, "long text")];
      await storage.checkpoints.putWrites({ address, writes, writer: run });
      const items = newItems("the long text");
      const spans = spansOfItems(items);
      const shortened = {
        checkpointId: checkpointId(1),
        content: null,
        writes: [{ taskId: "task", index: 0, value: textValue("@"), texts: spans }],
      };
      await putStep(storage, { threadId, number: 2, parent: 1, items, shortened, writer: run });
      expect((await storage.checkpoints.get(address))!.texts).toHaveLength(1);
      await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
      expect((await storage.checkpoints.get(address))!.texts).toEqual([]);
      expect(await itemTexts(storage, spans)).toEqual([]);
    },
  );
}

/** Three items of a thread, checkpoint 2 shortened by the first two, and a write to 1 by all of them. */
async function stepThatNames(storage: Storage) {
  const threadId = randomIds.thread();
  const items = newItems("one", "two", "three");
  const all = spansOfItems(items);
  const { generation } = await putStep(storage, { threadId, number: 1, items });
  const shortenedBy = spansOfItems(items.slice(0, 2));
  const step = { threadId, number: 2, parent: 1, spans: [], shortenedBy, generation };
  await putStep(storage, step);
  const address = { threadId, namespace: "", checkpointId: checkpointId(2) };
  const putWrites = (index: number, spans = all) => {
    const writes = [{ ...write(index, "@"), texts: spans }];
    return storage.checkpoints.putWrites({ address, writes, generation, writer: null });
  };
  const held = async (id = threadId) => {
    const tuple = await storage.checkpoints.get({ ...address, threadId: id });
    return tuple!.texts.map(({ value }) => new TextDecoder().decode(value.bytes));
  };
  return { threadId, items, step, putWrites, held };
}

function describeNaming(open: OpenStorage): void {
  itStores(
    open,
    "checkpoints and writes that are stored short come with their items, once each",
    async (storage) => {
      const { threadId, putWrites, held } = await stepThatNames(storage);
      expect(await held()).toEqual(["one", "two"]);
      await putWrites(-1);
      expect(await held()).toEqual(["one", "two", "three"]);
      const listed = await collect(storage.checkpoints.list({ threadId }));
      expect(listed.map(({ texts: own }) => own.length)).toEqual([3, 0]);
      // Replaced by what names nothing.
      const writes = [write(-1, "whole")];
      await storage.checkpoints.putWrites({ address: listed[0]!, writes, writer: null });
      expect(await held()).toEqual(["one", "two"]);
      await putStep(storage, { threadId, number: 2, parent: 1, items: [] });
      expect(await held()).toEqual([]);
    },
  );

  itStores(open, "what they name lives as long as they, also in a copy", async (storage) => {
    const { threadId, items, putWrites, held } = await stepThatNames(storage);
    const copy = newThread();
    await storage.threads.create({ ...copy, threadId });
    await storage.threads.copy({ from: threadId, thread: copy });
    // Into a book of its own, while the items are in one that is shared.
    await putWrites(0);
    await storage.checkpoints.deleteThread(copy.threadId);
    await storage.checkpoints.prune({ threadId, keep: "latest" });
    expect(await held()).toEqual(["one", "two", "three"]);
    await storage.checkpoints.deleteThread(threadId);
    expect(await itemTexts(storage, spansOfItems(items))).toEqual([]);
  });

  itStores(open, "nothing is written that names what may have been freed", async (storage) => {
    const { threadId, step, putWrites, held } = await stepThatNames(storage);
    await storage.checkpoints.prune({ threadId, keep: "latest" });
    expect(await held()).toEqual(["one", "two"]);
    await expect(putWrites(0)).rejects.toThrow(SpansFreed);
    await expect(putStep(storage, { ...step, number: 3 })).rejects.toThrow(SpansFreed);
    const [latest] = await collect(storage.checkpoints.list({ threadId }));
    expect([latest!.checkpointId, latest!.writes]).toEqual([checkpointId(2), []]);
  });
}

function describeRollback(open: OpenStorage): void {
  itStores(
    open,
    "rollback removes exactly the run's checkpoints and frees what only they held",
    async (storage) => {
      const before = await storeRunning(storage);
      const { threadId } = before;
      const list = newItems("a", "b");
      await putStep(storage, { threadId, number: 1, writer: before, items: list });
      const run = await nextRun(storage, before);
      const more = itemsAfter(list, "c");
      const { generation } = await putStep(storage, {
        threadId,
        number: 2,
        parent: 1,
        writer: run,
        items: more,
        spans: spansOfItems([...list, ...more]),
      });
      const step = { threadId, number: 3, namespace: "child:1", writer: run, generation };
      await putStep(storage, { ...step, spans: spansOfItems(list) });
      const elsewhere = newItems("elsewhere");
      await putStep(storage, { threadId: randomIds.thread(), number: 1, items: elsewhere });

      await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
      const left = await collect(storage.checkpoints.list({ threadId }));
      expect(left.map((tuple) => tuple.checkpointId)).toEqual([checkpointId(1)]);
      expect(await storage.runs.get(before.runId)).not.toBeNull();
      expect(await itemTexts(storage, spansOfItems([...list, ...more, ...elsewhere]))).toEqual([
        "a",
        "b",
        "elsewhere",
      ]);
    },
  );

  itStores(
    open,
    "an item that a later checkpoint of others holds outlives the rollback",
    async (storage) => {
      const run = await storeRunning(storage);
      const { threadId } = run;
      const list = newItems("kept", "gone");
      await putStep(storage, { threadId, number: 1, writer: run, items: list });
      await putStep(storage, { threadId, number: 2, parent: 1, spans: spansOfItems([list[0]!]) });
      await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
      expect(await itemTexts(storage, spansOfItems(list))).toEqual(["kept"]);
      const latest = await storage.checkpoints.get({ threadId, namespace: "" });
      expect(await texts(storage, latest)).toEqual(["kept"]);
    },
  );

  itStores(
    open,
    "a write that came before its checkpoint outlives the rollback of another run",
    async (storage) => {
      const before = await storeRunning(storage);
      const { threadId } = before;
      await putStep(storage, { threadId, number: 1, writer: before });
      const run = await nextRun(storage, before);
      const address = { threadId, namespace: "", checkpointId: checkpointId(2) };
      await storage.checkpoints.putWrites({ address, writes: [write(0, "early")], writer: run });
      await storage.runs.delete(before.runId);
      await putStep(storage, { threadId, number: 2, writer: run });
      expect(writeTexts(await storage.checkpoints.get(address))).toEqual(["early"]);
    },
  );

  itStores(
    open,
    "rollback takes back the run's writes on checkpoints of others",
    async (storage) => {
      const before = await storeRunning(storage);
      const { threadId } = before;
      const address = await putStep(storage, { threadId, number: 1, writer: before });
      const left = [write(0, "kept"), write(-3, "interrupt")];
      await storage.checkpoints.putWrites({ address, writes: left, writer: before });
      await end(storage, before);
      await storage.threads.transact(threadId, () => ({ insert: [newRun(threadId)] }));
      const run = (await claim(storage))!;
      const added = [write(0, "ignored"), write(-4, "resume"), write(-3, "second interrupt")];
      await storage.checkpoints.putWrites({ address, writes: added, writer: run });
      expect(writeTexts(await storage.checkpoints.get(address))).toEqual([
        "resume",
        "second interrupt",
        "kept",
      ]);
      await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
      expect(writeTexts(await storage.checkpoints.get(address))).toEqual(["interrupt", "kept"]);
    },
  );

  itStores(open, "rolling back a run that wrote nothing changes no checkpoint", async (storage) => {
    const thread = newThread();
    const run = newRun(thread.threadId);
    await storage.threads.transact(thread.threadId, () => ({ thread, insert: [run] }));
    await putStep(storage, { threadId: thread.threadId, number: 1 });
    await storage.threads.transact(thread.threadId, () => ({ rollback: [run.runId] }));
    expect(await storage.runs.get(run.runId)).toBeNull();
    expect(await storage.checkpoints.head(thread.threadId)).not.toBeNull();
  });
}

/** Ends `run` and starts another on its thread. */
async function nextRun(storage: Storage, run: Run): Promise<Run> {
  await end(storage, run);
  await storage.threads.transact(run.threadId, () => ({ insert: [newRun(run.threadId)] }));
  return (await claim(storage))!;
}

/** A thread with a run's checkpoint of two items, and a copy of it. */
async function copiedThread(storage: Storage) {
  const run = await storeRunning(storage);
  const { threadId } = run;
  const list = newItems("a", "b");
  const { generation } = await putStep(storage, { threadId, number: 1, writer: run, items: list });
  const copy = newThread();
  await storage.threads.copy({ from: threadId, thread: copy });
  const latest = async (id: ThreadId) =>
    texts(storage, await storage.checkpoints.get({ threadId: id, namespace: "" }));
  return { run, threadId, copyId: copy.threadId, list, generation, latest };
}

function describeSharing(open: OpenStorage): void {
  itStores(
    open,
    "thread and copy go on apart, and both may be written to at once",
    async (storage) => {
      const { threadId, copyId, list, generation, latest } = await copiedThread(storage);
      const more = itemsAfter(list, "c");
      const spans = spansOfItems([...list, ...more]);
      await putStep(storage, { threadId, number: 2, parent: 1, items: more, spans, generation });
      const copied = (await storage.checkpoints.get({ threadId: copyId, namespace: "" }))!;
      const other = { threadId: copyId, number: 2, parent: 1, generation: copied.generation };
      await expect(putStep(storage, { ...other, items: more, spans })).rejects.toThrow(
        LineageTaken,
      );
      const own = newItems("C");
      await putStep(storage, { ...other, items: own, spans: spansOfItems([...list, ...own]) });
      expect(await latest(threadId)).toEqual(["a", "b", "c"]);
      expect(await latest(copyId)).toEqual(["a", "b", "C"]);
      expect(await collect(storage.checkpoints.list({ threadId: copyId }))).toHaveLength(2);
    },
  );

  itStores(open, "writes on a copied checkpoint are seen by one thread only", async (storage) => {
    const { threadId, copyId } = await copiedThread(storage);
    const at = (id: ThreadId) => ({ threadId: id, namespace: "", checkpointId: checkpointId(1) });
    for (const [id, text] of [
      [threadId, "original"],
      [copyId, "copy"],
    ] as const) {
      const writes = [write(0, text), write(-4, text)];
      await storage.checkpoints.putWrites({ address: at(id), writes, writer: null });
      await storage.checkpoints.putWrites({
        address: at(id),
        writes: [write(0, "no")],
        writer: null,
      });
    }
    const read = async (id: ThreadId) => writeTexts(await storage.checkpoints.get(at(id)));
    expect(await read(threadId)).toEqual(["original", "original"]);
    expect(await read(copyId)).toEqual(["copy", "copy"]);
  });

  itStores(open, "items live until the last thread that holds them is gone", async (storage) => {
    const { threadId, copyId, list, latest } = await copiedThread(storage);
    const third = newThread();
    await storage.threads.copy({ from: copyId, thread: third });
    const more = itemsAfter(list, "c");
    const spans = spansOfItems([...list, ...more]);
    await putStep(storage, { threadId, number: 2, parent: 1, items: more, spans });
    await storage.checkpoints.deleteThread(threadId);
    expect(await itemTexts(storage, spans)).toEqual(["a", "b"]);
    await storage.checkpoints.deleteThread(copyId);
    expect(await latest(third.threadId)).toEqual(["a", "b"]);
    await storage.checkpoints.deleteThread(third.threadId);
    expect(await itemTexts(storage, spans)).toEqual([]);
  });

  itStores(open, "what is rolled back on a thread stays in its copy", async (storage) => {
    const { run, threadId, copyId, list, latest } = await copiedThread(storage);
    const next = await nextRun(storage, run);
    const address = await putStep(storage, { threadId, number: 2, parent: 1, writer: next });
    await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: next });
    await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
    expect(await latest(copyId)).toEqual(["a", "b"]);
    const left = await collect(storage.checkpoints.list({ threadId }));
    expect(left.map((tuple) => tuple.checkpointId)).toEqual([checkpointId(2)]);
    expect(left.map(writeTexts)).toEqual([["w"]]);
    await storage.checkpoints.deleteThread(copyId);
    expect(await itemTexts(storage, spansOfItems(list))).toEqual([]);
  });
}

function describePruning(open: OpenStorage): void {
  itStores(open, "pruning keeps the latest state and frees the rest", async (storage) => {
    const threadId = randomIds.thread();
    const list = newItems("old", "kept");
    const { generation } = await putStep(storage, { threadId, number: 1, items: list });
    const old = { threadId, number: 2, namespace: "done:1", items: newItems("done") };
    const done = await putStep(storage, { ...old, metadata: { parents: { "": checkpointId(1) } } });
    await storage.checkpoints.putWrites({ address: done, writes: [write(0, "w")], writer: null });
    await putStep(storage, { threadId, number: 3, namespace: "stateful", items: newItems("s1") });
    const stateful = newItems("s2");
    await putStep(storage, { threadId, number: 4, namespace: "stateful", items: stateful });
    const spans = spansOfItems([list[1]!]);
    const latest = { threadId, number: 5, parent: 1, spans, generation };
    await putStep(storage, { ...latest, origin: { run_id: "r" }, metadata: { step: 5 } });
    const parents = { parents: { "": checkpointId(5) } };
    await putStep(storage, { threadId, number: 6, namespace: "waits:2", metadata: parents });

    expect(await storage.checkpoints.prune({ threadId, keep: "latest" })).toBe(3);
    const left = await collect(storage.checkpoints.list({ threadId }));
    expect(left.map((tuple) => tuple.checkpointId)).toEqual([6, 5, 4].map(checkpointId));
    expect(await itemTexts(storage, spansOfItems([...list, ...old.items, ...stateful]))).toEqual([
      "kept",
      "s2",
    ]);
    expect(await storage.checkpoints.get(done)).toBeNull();
    expect(await storage.checkpoints.prune({ threadId, keep: "latest" })).toBe(0);
  });

  itStores(open, "pruning keeps what a delta channel's value is made of", async (storage) => {
    const threadId = randomIds.thread();
    const counters = { counters_since_delta_snapshot: { messages: [1, 1] } };
    const steps = [{}, {}, counters, counters];
    for (const [at, metadata] of steps.entries()) {
      await putStep(storage, { threadId, number: at + 1, ...(at > 0 && { parent: at }), metadata });
    }
    expect(await storage.checkpoints.prune({ threadId, keep: "latest" })).toBe(1);
    const left = await collect(storage.checkpoints.list({ threadId }));
    expect(left.map((tuple) => tuple.checkpointId)).toEqual([4, 3, 2].map(checkpointId));
  });

  itStores(open, "pruning a thread leaves its copy whole", async (storage) => {
    const { run, threadId, copyId, list, latest } = await copiedThread(storage);
    await expect(storage.checkpoints.prune({ threadId, keep: "latest" })).rejects.toMatchObject({
      code: "thread_busy",
    });
    await end(storage, run);
    await putStep(storage, { threadId, number: 2, parent: 1 });
    expect(await storage.checkpoints.prune({ threadId, keep: "latest" })).toBe(1);
    expect(await latest(copyId)).toEqual(["a", "b"]);
    await storage.checkpoints.deleteThread(copyId);
    expect(await itemTexts(storage, spansOfItems(list))).toEqual([]);
    expect(await latest(threadId)).toEqual([]);
  });
}
