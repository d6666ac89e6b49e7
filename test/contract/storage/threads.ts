import { describe, expect } from "vitest";
import { randomIds, type ThreadId } from "../../../src/core/ids.ts";
import type { JsonObject } from "../../../src/core/json.ts";
import type { ThreadChange, ThreadSnapshot } from "../../../src/core/ports/storage.ts";
import type { Run } from "../../../src/core/run.ts";
import type { Thread, ThreadSortField, ThreadStatus } from "../../../src/core/thread.ts";
import {
  allPages,
  checkpointId,
  claim,
  collect,
  end,
  itemsAfter,
  itStores,
  newItems,
  newRun,
  newThread,
  type OpenStorage,
  putStep,
  sortedIds,
  spansOfItems,
  start,
  storeRunning,
  storeRuns,
  texts,
  write,
  writeTexts,
} from "./fixtures.ts";

const page = { limit: 100, offset: 0 };

/** A decision that changes nothing and hands out what it saw. */
function look(snapshot: ThreadSnapshot): ThreadChange & { snapshot: ThreadSnapshot } {
  return { snapshot };
}

export function describeThreads(open: OpenStorage): void {
  describe("threads", () => {
    describeTransactions(open);
    describeCopying(open);
    describeSearch(open);
    describeContainment(open);
  });
}

function describeTransactions(open: OpenStorage): void {
  itStores(open, "a thread reads back as it was created", async (storage) => {
    const thread = newThread({
      stateUpdatedAt: start + 2,
      metadata: { a: ["b", { c: null }] },
      config: { tags: ["t"], configurable: { x: 1 } },
      status: "error",
      interrupts: { task: [{ id: "i", value: { ask: "?" } }, {}] },
      error: { error: "TypeError", message: "no" },
      temporary: true,
    });
    expect(await storage.threads.create(thread)).toEqual({ thread, created: true });
    expect(await storage.threads.get(thread.threadId)).toEqual(thread);
    expect(await storage.threads.get(randomIds.thread())).toBeNull();
  });

  itStores(
    open,
    "creating an id again changes nothing and shows what is there",
    async (storage) => {
      const thread = newThread();
      await storage.threads.create(thread);
      const again = { ...thread, metadata: { other: 1 } };
      expect(await storage.threads.create(again)).toEqual({ thread, created: false });
      expect(await storage.threads.get(thread.threadId)).toEqual(thread);
    },
  );

  itStores(open, "two creations of one id at once create one thread", async (storage) => {
    const thread = newThread();
    const results = await Promise.all([
      storage.threads.create(thread),
      storage.threads.create(thread),
    ]);
    expect(results.map(({ created }) => created).toSorted()).toEqual([false, true]);
  });

  itStores(open, "a decision sees null for a thread that is not there", async (storage) => {
    const seen = await storage.threads.transact(randomIds.thread(), look);
    expect(seen.snapshot).toEqual({ thread: null, inFlight: [] });
  });

  itStores(
    open,
    "a decision sees the thread and its runs in flight, oldest first",
    async (storage) => {
      const [first, second, third] = await storeRuns(storage, {}, {}, {});
      await storeRuns(storage, {});
      await end(storage, (await claim(storage))!);
      const { threadId } = first!;
      const change = await storage.threads.transact(threadId, look);
      expect(change.snapshot.thread).toEqual(await storage.threads.get(threadId));
      expect(change.snapshot.inFlight).toEqual([second, third]);
    },
  );

  itStores(open, "a decision stores thread, new runs and changed runs", async (storage) => {
    const running = await storeRunning(storage);
    const { threadId } = running;
    const thread = newThread({
      threadId,
      status: "busy",
      metadata: { n: 1 },
      updatedAt: start + 3,
    });
    const failed: Run = {
      ...running,
      status: "error",
      error: { error: "E", message: "m" },
      metadata: { changed: true },
      request: { ...running.request, input: "other" },
      updatedAt: start + 3,
    };
    const next = newRun(threadId);
    const change = { thread, update: [failed], insert: [next] };
    expect(await storage.threads.transact(threadId, () => change)).toBe(change);
    expect(await storage.threads.get(threadId)).toEqual(thread);
    expect(await storage.runs.get(running.runId)).toEqual(failed);
    expect(await storage.runs.get(next.runId)).toEqual(next);
  });

  itStores(open, "a decision that changes nothing leaves everything as it is", async (storage) => {
    const running = await storeRunning(storage);
    const before = await storage.threads.get(running.threadId);
    await storage.threads.transact(running.threadId, () => ({}));
    expect(await storage.threads.get(running.threadId)).toEqual(before);
    expect(await storage.runs.inFlight("all")).toEqual([running]);
  });

  itStores(open, "what a decision throws is thrown on and nothing is changed", async (storage) => {
    const running = await storeRunning(storage);
    const refusal = new Error("refused");
    await expect(
      storage.threads.transact(running.threadId, () => {
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    expect(await storage.runs.inFlight("all")).toEqual([running]);
    const thread = await storage.threads.get(running.threadId);
    await storage.threads.transact(running.threadId, () => ({
      thread: { ...thread!, metadata: {} },
    }));
  });

  itStores(open, "a change that fails half-way leaves nothing behind", async (storage) => {
    const [run] = await storeRuns(storage, {});
    const thread = newThread({ threadId: run!.threadId, metadata: { half: "written" } });
    await expect(
      storage.threads.transact(run!.threadId, () => ({
        thread,
        insert: [newRun(run!.threadId), run!],
      })),
    ).rejects.toThrow(/unique/i);
    expect((await storage.threads.get(run!.threadId))?.metadata).toEqual({});
    expect(await storage.runs.inFlight("all")).toEqual([run]);
  });

  itStores(open, "decisions on one thread at the same time follow one another", async (storage) => {
    const { thread } = await storage.threads.create(newThread({ metadata: { count: 0 } }));
    const increment = () =>
      storage.threads.transact(thread.threadId, (snapshot) => {
        const count = Number(snapshot.thread!.metadata["count"]) + 1;
        return { thread: { ...snapshot.thread!, metadata: { count } } };
      });
    await Promise.all(Array.from({ length: 10 }, increment));
    expect((await storage.threads.get(thread.threadId))?.metadata).toEqual({ count: 10 });
  });

  itStores(
    open,
    "decisions that create one thread at the same time follow one another",
    async (storage) => {
      const threadId = randomIds.thread();
      const seen = await Promise.all(
        [1, 2, 3, 4].map(() =>
          storage.threads.transact(threadId, ({ thread, inFlight }) => ({
            thread: thread ?? newThread({ threadId }),
            insert: [newRun(threadId)],
            found: inFlight.length,
          })),
        ),
      );
      expect(seen.map(({ found }) => found).toSorted()).toEqual([0, 1, 2, 3]);
    },
  );

  itStores(
    open,
    "rolling a run back removes it and frees the thread for the next",
    async (storage) => {
      const [first, second] = await storeRuns(storage, {}, {});
      const running = (await claim(storage))!;
      await putStep(storage, { threadId: first!.threadId, number: 1, writer: running });
      const third = newRun(first!.threadId);
      await storage.threads.transact(first!.threadId, () => ({
        rollback: [running.runId, second!.runId],
        insert: [third],
      }));
      expect(await storage.runs.get(running.runId)).toBeNull();
      expect(await storage.checkpoints.head(first!.threadId)).toBeNull();
      expect((await claim(storage))?.runId).toBe(third.runId);
    },
  );

  itStores(
    open,
    "deleting a thread removes all that was on it and nothing else",
    async (storage) => {
      const run = await storeRunning(storage);
      const other = await storeRunning(storage);
      for (const { threadId } of [run, other]) {
        const held = newItems("x");
        const address = await putStep(storage, { threadId, number: 1, items: held });
        const spans = spansOfItems(held);
        await putStep(storage, { threadId, number: 1, namespace: "child:1", spans });
        await storage.checkpoints.putWrites({ address, writes: [write(0, "w")], writer: null });
      }
      await storage.threads.transact(run.threadId, () => ({ deleteThread: true }));
      expect(await storage.threads.get(run.threadId)).toBeNull();
      expect(await storage.runs.get(run.runId)).toBeNull();
      expect(await collect(storage.checkpoints.list({ threadId: run.threadId }))).toEqual([]);
      expect(await storage.threads.get(other.threadId)).not.toBeNull();
      expect(await storage.runs.inFlight("all")).toEqual([other]);
      const kept = await storage.checkpoints.get({ threadId: other.threadId, namespace: "" });
      expect(await texts(storage, kept)).toEqual(["x"]);
      expect(writeTexts(kept)).toEqual(["w"]);
      // Nothing of the old thread shows through when the id is used again.
      const { threadId } = run;
      await putStep(storage, { threadId, number: 1 });
      const again = await storage.checkpoints.get({ threadId, namespace: "" });
      expect([await texts(storage, again), writeTexts(again)]).toEqual([[], []]);
    },
  );
}

function describeCopying(open: OpenStorage): void {
  itStores(open, "a copy has every checkpoint and write and its own life", async (storage) => {
    const run = await storeRunning(storage);
    const { threadId } = run;
    const list = newItems("one", "b");
    const origin = { run_id: run.runId };
    const step = { threadId, writer: run, origin };
    await putStep(storage, { ...step, number: 1, items: list, metadata: { step: 1 } });
    const more = itemsAfter(list, "two");
    const address = await putStep(storage, {
      ...step,
      number: 2,
      parent: 1,
      items: more,
      spans: spansOfItems([...list, ...more]),
    });
    const spans = spansOfItems(list);
    await putStep(storage, { ...step, number: 3, namespace: "child:1", spans });
    const writes = [write(0, "w"), write(-1, "special")];
    await storage.checkpoints.putWrites({ address, writes, writer: run });

    const thread = newThread({ metadata: { copied: true }, status: "interrupted" });
    await storage.threads.copy({ from: threadId, thread });
    expect(await storage.threads.get(thread.threadId)).toEqual(thread);
    const original = await collect(storage.checkpoints.list({ threadId }));
    expect(original).toHaveLength(3);
    const copied = async () => collect(storage.checkpoints.list({ threadId: thread.threadId }));
    const expected = original.map((tuple) => ({
      ...tuple,
      threadId: thread.threadId,
      generation: expect.any(Number),
    }));
    const unharmed = async () => {
      expect(await copied()).toEqual(expected);
      const latest = await storage.checkpoints.get({ threadId: thread.threadId, namespace: "" });
      expect(await texts(storage, latest)).toEqual(["one", "b", "two"]);
    };
    await unharmed();

    await storage.threads.transact(threadId, () => ({ rollback: [run.runId] }));
    await unharmed();
    await storage.threads.transact(threadId, () => ({ deleteThread: true }));
    await unharmed();
    const head = { checkpointId: checkpointId(2), runId: null };
    expect(await storage.checkpoints.head(thread.threadId)).toEqual(head);
  });

  itStores(open, "runs are not copied", async (storage) => {
    const [run] = await storeRuns(storage, {});
    const thread = newThread();
    await storage.threads.copy({ from: run!.threadId, thread });
    expect(await storage.runs.list({ threadId: thread.threadId, page })).toEqual([]);
    expect(await storage.runs.counts()).toEqual({ pending: 1, running: 0 });
  });

  itStores(open, "a copy onto a thread that exists is refused", async (storage) => {
    const { thread: from } = await storage.threads.create(newThread());
    const { thread } = await storage.threads.create(newThread());
    await putStep(storage, { threadId: from.threadId, number: 1 });
    await expect(storage.threads.copy({ from: from.threadId, thread })).rejects.toMatchObject({
      code: "conflict",
    });
    expect(await storage.checkpoints.head(thread.threadId)).toBeNull();
  });
}

function describeSearch(open: OpenStorage): void {
  itStores(open, "search filters by ids, status and metadata together", async (storage) => {
    const [first, second, third] = sortedIds(3, randomIds.thread);
    const store = (threadId: ThreadId | undefined, change: Partial<Thread>) =>
      storage.threads.create(newThread({ threadId: threadId!, ...change }));
    await store(first, { status: "idle", metadata: { graph_id: "agent", user: "u1" } });
    await store(second, { status: "busy", metadata: { graph_id: "agent", user: "u2" } });
    await store(third, { status: "idle", metadata: { graph_id: "tax", user: "u1" } });
    const found = async (filter: object) => {
      const { items, total } = await storage.threads.search({
        filter,
        sort: { by: "thread_id", order: "asc" },
        page,
      });
      expect(total).toBe(items.length);
      expect(await storage.threads.count(filter)).toBe(total);
      return items.map(({ threadId }) => threadId);
    };
    expect(await found({})).toEqual([first, second, third]);
    expect(await found({ ids: [third, first, randomIds.thread()] })).toEqual([first, third]);
    expect(await found({ ids: [] })).toEqual([]);
    expect(await found({ status: "idle" })).toEqual([first, third]);
    expect(await found({ status: "interrupted" })).toEqual([]);
    expect(await found({ metadata: { graph_id: "agent" } })).toEqual([first, second]);
    expect(await found({ metadata: { user: "u1", graph_id: "tax" } })).toEqual([third]);
    expect(await found({ status: "idle", metadata: { graph_id: "agent" } })).toEqual([first]);
    expect(await found({ ids: [second], status: "idle" })).toEqual([]);
  });

  itStores(open, "search sees what a decision stored", async (storage) => {
    const { thread } = await storage.threads.create(newThread({ metadata: { user: "before" } }));
    const changed: Thread = { ...thread, metadata: { user: "after" }, status: "error" };
    await storage.threads.transact(thread.threadId, () => ({ thread: changed }));
    expect(await storage.threads.count({ metadata: { user: "before" } })).toBe(0);
    expect(await storage.threads.count({ metadata: { user: "after" }, status: "error" })).toBe(1);
    await storage.threads.transact(thread.threadId, () => ({ deleteThread: true }));
    expect(await storage.threads.count({ metadata: { user: "after" } })).toBe(0);
    expect(await storage.threads.count({})).toBe(0);
  });

  const statuses: ThreadStatus[] = ["busy", "error", "idle", "interrupted"];
  const values: Record<ThreadSortField, (at: number) => Partial<Thread>> = {
    thread_id: () => ({}),
    status: (at) => ({ status: statuses[at]! }),
    created_at: (at) => ({ createdAt: start + at }),
    updated_at: (at) => ({ updatedAt: start + at }),
    state_updated_at: (at) => ({ stateUpdatedAt: start + at }),
  };
  for (const by of Object.keys(values) as ThreadSortField[]) {
    itStores(open, `search sorts by ${by} in both directions`, async (storage) => {
      const ids = sortedIds(4, randomIds.thread);
      const threads = ids.map((threadId, at) => newThread({ threadId, ...values[by](at) }));
      for (const at of [2, 0, 3, 1]) await storage.threads.create(threads[at]!);
      const found = async (order: "asc" | "desc") =>
        (await storage.threads.search({ filter: {}, sort: { by, order }, page })).items;
      expect(await found("asc")).toEqual(threads);
      expect(await found("desc")).toEqual(threads.toReversed());
    });
  }

  itStores(open, "pages of equal sort values neither repeat nor miss any", async (storage) => {
    const ids: string[] = [];
    for (let at = 0; at < 7; at++) {
      ids.push((await storage.threads.create(newThread())).thread.threadId);
    }
    for (const by of ["status", "updated_at", "created_at"] as const) {
      const found = await allPages(3, async (part) => {
        const sort = { by, order: "desc" } as const;
        const { items, total } = await storage.threads.search({ filter: {}, sort, page: part });
        expect(total).toBe(7);
        return items.map(({ threadId }) => threadId);
      });
      expect(found.toSorted()).toEqual(ids.toSorted());
    }
  });
}

function describeContainment(open: OpenStorage): void {
  const cases: [metadata: JsonObject, filter: JsonObject, matches: boolean][] = [
    [{ a: 1 }, {}, true],
    [{}, { a: null }, false],
    [{ a: null }, { a: null }, true],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1 }, { a: "1" }, false],
    [{ a: "1" }, { a: 1 }, false],
    [{ a: 1 }, { a: true }, false],
    [{ a: true }, { a: true }, true],
    [{ a: 0 }, { a: false }, false],
    [{ a: "" }, { a: null }, false],
    [{ a: 1.5 }, { a: 1.5 }, true],
    [{ a: 1e30 }, { a: 1e30 }, true],
    [{ a: -3 }, { a: 3 }, false],
    [{ a: "x" }, { a: "X" }, false],
    [{ a: 'q"\\\n\u0001한🙂' }, { a: 'q"\\\n\u0001한🙂' }, true],
    [{ a: "<&>/é" }, { a: "<&>/é" }, true],
    [{ a: "null" }, { a: null }, false],
    [{ a: '{"b":1}' }, { a: { b: 1 } }, false],
    [{ a: { b: 1 } }, { a: '{"b":1}' }, false],
    [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }, true],
    [{ a: { b: { c: "d", e: 1 } } }, { a: { b: { c: "d" } } }, true],
    [{ a: { b: 1 } }, { a: { b: 2 } }, false],
    [{ a: { b: 1 } }, { a: {} }, true],
    [{ a: [] }, { a: {} }, false],
    [{ a: 1 }, { a: {} }, false],
    [{}, { a: {} }, false],
    [{ a: [1, 2, 3] }, { a: [3, 1] }, true],
    [{ a: [1, 2, 3] }, { a: [4] }, false],
    [{ a: [1, 2] }, { a: [] }, true],
    [{ a: {} }, { a: [] }, false],
    [{ a: [1] }, { a: [1, 1] }, true],
    [{ a: ["x"] }, { a: "x" }, false],
    [{ a: "x" }, { a: ["x"] }, false],
    [{ a: [[1, 2]] }, { a: [[2]] }, true],
    [{ a: [[1], [2]] }, { a: [[1, 2]] }, false],
    [{ a: [{ b: 1, c: 2 }] }, { a: [{ c: 2 }] }, true],
    [{ a: [{ b: 1 }, { c: 2 }] }, { a: [{ b: 1, c: 2 }] }, false],
    [{ a: { b: [1, { c: [2] }] } }, { a: { b: [{ c: [2] }] } }, true],
    [{ a: [{ b: 1 }] }, { a: { b: 1 } }, false],
    [{ a: ["x", "y"] }, { a: { 0: "x" } }, false],
    [{ "a.b": 1 }, { "a.b": 1 }, true],
    [{ a: { b: 1 } }, { "a.b": 1 }, false],
    [{ 'a"b': 1 }, { 'a"b': 1 }, true],
    [{ "": 1 }, { "": 1 }, true],
    [{ "$[0]": 1 }, { "$[0]": 1 }, true],
    [{ "a'b": "it's" }, { "a'b": "it's" }, true],
    [{ 키: "값" }, { 키: "값" }, true],
    [{ 키: "값" }, { 키: "다른" }, false],
    [{ "\u0001": "x" }, { "\u0001": "x" }, true],
    [{ a: 1, graph_id: "agent" }, { graph_id: "agent", a: 1 }, true],
    [{ graph_id: ["agent"] }, { graph_id: "agent" }, false],
    [{ graph_id: { a: 1, b: 2 } }, { graph_id: { b: 2 } }, true],
    [{ graph_id: null }, { graph_id: null }, true],
    [{}, { graph_id: null }, false],
    [{ constructor: "x" }, { constructor: "x" }, true],
    [{}, { constructor: {} }, false],
    [{ a: "x".repeat(3000) }, { a: "x".repeat(3000) }, true],
    [{ a: "x".repeat(3000) }, { a: "x".repeat(3001) }, false],
  ];
  itStores(open, "a metadata filter is deep containment", async (storage) => {
    for (const [metadata, filter, matches] of cases) {
      const { thread } = await storage.threads.create(newThread({ metadata }));
      const params = { ids: [thread.threadId], metadata: filter };
      const shown = `${JSON.stringify(filter)} in ${JSON.stringify(metadata)}`.slice(0, 100);
      expect(await storage.threads.count(params), shown).toBe(matches ? 1 : 0);
    }
  });

  itStores(open, "stored metadata reads back with its keys whatever they are", async (storage) => {
    for (const [metadata] of cases) {
      const { thread } = await storage.threads.create(newThread({ metadata }));
      expect((await storage.threads.get(thread.threadId))?.metadata).toEqual(metadata);
    }
  });
}
