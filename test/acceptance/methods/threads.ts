import type { Thread } from "@langchain/langgraph-sdk";
import { expect } from "vitest";
import {
  finishedThread,
  logOf,
  newThread,
  unique,
  unknownId,
  type Scenarios,
} from "./scenarios.ts";

interface ThreadTtl {
  strategy: string;
  ttl_minutes: number;
  expires_at: string;
}

export const threadScenarios: Scenarios = {
  create: {
    "makes an idle thread with its metadata": async ({ client }) => {
      const thread = await client.threads.create({ metadata: { owner: "지민" } });
      expect(thread).toMatchObject({ status: "idle", values: null, interrupts: {} });
      expect(thread.metadata).toEqual({ owner: "지민" });
      expect(await client.threads.get(thread.thread_id)).toEqual(thread);
    },
    "a taken id is a conflict, or with ifExists the thread that has it": async ({ client }) => {
      const threadId = crypto.randomUUID();
      const first = await client.threads.create({ threadId, metadata: { a: 1 } });
      await expect(client.threads.create({ threadId })).rejects.toMatchObject({ status: 409 });
      const same = await client.threads.create({ threadId, ifExists: "do_nothing" });
      expect(same).toEqual(first);
    },
    "supersteps give it a state and a history to begin with": async ({ client }) => {
      const step = (asNode: string) => ({ updates: [{ values: { log: [asNode] }, asNode }] });
      const thread = await client.threads.create({
        graphId: "steps",
        supersteps: [step("one"), step("two")],
      });
      expect(logOf(thread.values)).toEqual(["one", "two"]);
      const state = await client.threads.getState(thread.thread_id);
      expect(state.next).toEqual(["three"]);
      const values = await client.runs.wait(thread.thread_id, "steps", { input: null });
      expect(logOf(values)).toEqual(["one", "two", "three"]);
    },
  },

  get: {
    "shows the state a run left": async ({ client }) => {
      const thread = await client.threads.get(await finishedThread(client));
      expect(thread).toMatchObject({ status: "idle", metadata: { graph_id: "steps" } });
      expect(thread.values).toEqual({ log: ["one", "two", "three"], input: "x" });
    },
    "an unknown id is 404, one that is none 422": async ({ client }) => {
      await expect(client.threads.get(unknownId)).rejects.toMatchObject({ status: 404 });
      await expect(client.threads.get("mine")).rejects.toMatchObject({ status: 422 });
    },
  },

  copy: {
    "has the state and history, and goes its own way": async ({ client }) => {
      const threadId = await finishedThread(client);
      const copy = await client.threads.copy(threadId);
      expect(copy.thread_id).not.toBe(threadId);
      expect(logOf(copy.values)).toEqual(["one", "two", "three"]);
      const history = await client.threads.getHistory(threadId);
      expect(await client.threads.getHistory(copy.thread_id)).toHaveLength(history.length);
      await client.runs.wait(copy.thread_id, "steps", { input: { input: "y" } });
      expect((await client.threads.get(threadId)).values).toMatchObject({ input: "x" });
      expect((await client.threads.get(copy.thread_id)).values).toMatchObject({ input: "y" });
    },
    "of an unknown thread is 404": async ({ client }) => {
      await expect(client.threads.copy(unknownId)).rejects.toMatchObject({ status: 404 });
    },
  },

  update: {
    "gives a time to live, which get tells with include": async ({ client, sdk }) => {
      const id = await newThread(client);
      await client.threads.update(id, { ttl: 5 });
      // It is in the answer, but not in the SDK's type of a thread.
      const ttlOf = async (options?: { include: string[] }) =>
        ((await client.threads.get(id, options)) as Thread & { ttl?: ThreadTtl }).ttl;
      const first = await ttlOf({ include: ["ttl"] });
      // Version 2.0.0 of the SDK cannot ask for it.
      if (sdk === "1.x") {
        expect(first).toMatchObject({ strategy: "delete", ttl_minutes: 5 });
        const { updated_at: at } = await client.threads.get(id);
        expect(Date.parse(first!.expires_at) - Date.parse(at)).toBe(5 * 60_000);
        expect(await ttlOf()).toBeUndefined();
      }
    },
    "merges metadata key by key": async ({ client }) => {
      const { thread_id: id } = await client.threads.create({ metadata: { a: 1, b: { c: 1 } } });
      const updated = await client.threads.update(id, { metadata: { b: { d: 2 } } });
      expect(updated.metadata).toEqual({ a: 1, b: { d: 2 } });
    },
    "with returnMinimal answers nothing, where the SDK has it": async ({ client, sdk }) => {
      const id = await newThread(client);
      const answer = await client.threads.update(id, { metadata: { a: 1 }, returnMinimal: true });
      if (sdk === "1.x") expect(answer).toBeUndefined();
      expect((await client.threads.get(id)).metadata).toEqual({ a: 1 });
    },
  },

  delete: {
    "removes it with its runs and state": async ({ client }) => {
      const threadId = await finishedThread(client);
      await client.threads.delete(threadId);
      await expect(client.threads.get(threadId)).rejects.toMatchObject({ status: 404 });
      await expect(client.threads.getState(threadId)).rejects.toMatchObject({ status: 404 });
      await expect(client.runs.list(threadId)).rejects.toMatchObject({ status: 404 });
      await expect(client.threads.delete(threadId)).rejects.toMatchObject({ status: 404 });
    },
  },

  search: {
    "with extract picks values by path, where the SDK has it": async ({ client, sdk }) => {
      const threadId = await finishedThread(client);
      const [found] = await client.threads.search({
        ids: [threadId],
        select: ["status"],
        extract: { last: "values.log[-1]", graph: "metadata.graph_id", none: "values.log[9]" },
      });
      const extracted = { last: "three", graph: "steps", none: null };
      expect(found).toEqual({ status: "idle", ...(sdk === "1.x" && { extracted }) });
    },
    "by ids, metadata, status and values; sorted, paged and selected": async ({ client }) => {
      const group = unique("group");
      const ids: string[] = [];
      for (const [at, graphId] of ["steps", "asking", "thrower"].entries()) {
        const { thread_id: id } = await client.threads.create({ metadata: { group, at } });
        ids.push(id);
        await client.runs.wait(id, graphId, { input: { input: "x" }, raiseError: false });
      }
      const found = async (query: object) =>
        (await client.threads.search({ metadata: { group }, ...query })).map((one) =>
          ids.indexOf(one.thread_id),
        );
      expect(await found({ sortBy: "created_at", sortOrder: "asc" })).toEqual([0, 1, 2]);
      expect(await found({})).toEqual([2, 1, 0]);
      expect(await found({ limit: 1, offset: 1 })).toEqual([1]);
      expect(await found({ status: "idle" })).toEqual([0]);
      expect(await found({ status: "interrupted" })).toEqual([1]);
      expect(await found({ status: "error" })).toEqual([2]);
      expect(await found({ ids: [ids[2]] })).toEqual([2]);
      expect(await found({ metadata: { group, at: 1 } })).toEqual([1]);
      expect(await found({ values: { log: ["three"] } })).toEqual([0]);
      const selected = await client.threads.search({
        ids: [ids[0]!],
        select: ["thread_id", "status"],
      });
      expect(selected).toEqual([{ thread_id: ids[0], status: "idle" }]);
    },
  },

  prune: {
    "deletes threads with everything, and counts those that were there": async ({ client }) => {
      const [one, other] = [await finishedThread(client), await newThread(client)];
      const kept = await finishedThread(client);
      const answer = await client.threads.prune([one, other, unknownId, one]);
      expect(answer).toEqual({ pruned_count: 2 });
      for (const id of [one, other]) {
        await expect(client.threads.get(id)).rejects.toMatchObject({ status: 404 });
        await expect(client.runs.list(id)).rejects.toMatchObject({ status: 404 });
      }
      expect(logOf((await client.threads.get(kept)).values)).toEqual(["one", "two", "three"]);
    },
    "with keep_latest leaves the thread and its latest state, which goes on": async ({
      client,
    }) => {
      const threadId = await finishedThread(client);
      const copy = await client.threads.copy(threadId);
      const before = await client.threads.getState(threadId);
      const runs = await client.runs.list(threadId);
      const answer = await client.threads.prune([threadId], { strategy: "keep_latest" });
      expect(answer).toEqual({ pruned_count: 1 });
      const [latest, ...others] = await client.threads.getHistory(threadId);
      expect(others).toEqual([]);
      expect(latest!.checkpoint.checkpoint_id).toBe(before.checkpoint.checkpoint_id);
      expect((await client.threads.getState(threadId)).values).toEqual(before.values);
      expect(await client.runs.list(threadId)).toEqual(runs);
      const values = await client.runs.wait(threadId, "steps", { input: { input: "y" } });
      expect(logOf(values)).toHaveLength(6);
      expect(await client.threads.getHistory(copy.thread_id)).toHaveLength(5);
    },
    "with keep_latest passes over a thread with a run in flight; delete ends it": async ({
      client,
    }) => {
      const threadId = await finishedThread(client);
      const run = await client.runs.create(threadId, "steps", { input: {}, afterSeconds: 600 });
      const latest = await client.threads.prune([threadId], { strategy: "keep_latest" });
      expect(latest).toEqual({ pruned_count: 0 });
      expect(await client.threads.getHistory(threadId)).toHaveLength(5);
      expect((await client.runs.get(threadId, run.run_id)).status).toBe("pending");
      expect(await client.threads.prune([threadId])).toEqual({ pruned_count: 1 });
      await expect(client.threads.get(threadId)).rejects.toMatchObject({ status: 404 });
    },
  },

  count: {
    "counts what search would find": async ({ client }) => {
      const group = unique("group");
      for (const at of [1, 2, 3]) await client.threads.create({ metadata: { group, at } });
      expect(await client.threads.count({ metadata: { group } })).toBe(3);
      expect(await client.threads.count({ metadata: { group, at: 2 } })).toBe(1);
      expect(await client.threads.count({ metadata: { group }, status: "busy" })).toBe(0);
    },
  },

  getState: {
    "of a thread that never ran is empty": async ({ client }) => {
      const state = await client.threads.getState(await newThread(client));
      expect(state).toMatchObject({ values: {}, next: [], tasks: [], checkpoint: null });
    },
    "the latest, and at a checkpoint by id or by form": async ({ client }) => {
      const threadId = await finishedThread(client);
      const latest = await client.threads.getState(threadId);
      expect(latest).toMatchObject({ next: [], values: { log: ["one", "two", "three"] } });
      const history = await client.threads.getHistory(threadId);
      const afterOne = history.find(({ next }) => next[0] === "two")!;
      const byId = await client.threads.getState(threadId, afterOne.checkpoint.checkpoint_id!);
      expect(byId).toMatchObject({ next: ["two"], values: { log: ["one"] } });
      expect(await client.threads.getState(threadId, afterOne.checkpoint)).toEqual(byId);
    },
    "shows what a question waits for, in subgraphs when asked": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "asking", { input: {} });
      const { next, tasks } = await client.threads.getState(threadId);
      expect(next).toEqual(["ask"]);
      expect(tasks).toMatchObject([
        { name: "ask", interrupts: [{ value: { question: "how old?" } }] },
      ]);
      const nested = await newThread(client);
      await client.runs.wait(nested, "nestedQuestion", { input: {} });
      const whole = await client.threads.getState(nested, undefined, { subgraphs: true });
      expect(whole.tasks[0]).toMatchObject({ name: "child", state: { next: ["ask"] } });
      const flat = await client.threads.getState(nested);
      expect(flat.tasks[0]).toMatchObject({ name: "child", state: null });
      const { checkpoint } = flat.tasks[0]!;
      const inside = await client.threads.getState(nested, { ...checkpoint!, checkpoint_id: null });
      expect(inside).toMatchObject({ next: ["ask"], values: { log: ["one"] } });
    },
  },

  updateState: {
    "writes as a node, and the next run goes on from there": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "steps", { input: {}, interruptAfter: ["one"] });
      const written = await client.threads.updateState(threadId, {
        values: { log: ["by hand"] },
        asNode: "two",
      });
      const state = await client.threads.getState(threadId);
      expect(state.next).toEqual(["three"]);
      expect(state.checkpoint.checkpoint_id).toBe(written.configurable!["checkpoint_id"]);
      const values = await client.runs.wait(threadId, "steps", { input: null });
      expect(logOf(values)).toEqual(["one", "by hand", "three"]);
    },
    "at an older checkpoint makes a branch": async ({ client }) => {
      const threadId = await finishedThread(client);
      const history = await client.threads.getHistory(threadId);
      const afterOne = history.find(({ next }) => next[0] === "two")!;
      await client.threads.updateState(threadId, {
        values: { log: ["fork"] },
        checkpointId: afterOne.checkpoint.checkpoint_id!,
        asNode: "one",
      });
      expect(logOf((await client.threads.get(threadId)).values)).toEqual(["one", "fork"]);
    },
    "is refused while a run is in flight, and for an unknown node": async ({ client }) => {
      const threadId = await newThread(client);
      const busy = await client.runs.create(threadId, "steps", { input: {}, afterSeconds: 600 });
      const update = () => client.threads.updateState(threadId, { values: {} });
      await expect(update()).rejects.toMatchObject({ status: 409, message: /busy/ });
      await client.runs.cancel(threadId, busy.run_id, true);
      const unknown = client.threads.updateState(await finishedThread(client), {
        values: {},
        asNode: "nobody",
      });
      await expect(unknown).rejects.toMatchObject({ status: 422, message: /nobody/ });
    },
  },

  patchState: {
    "merges metadata, by thread id or by config": async ({ client }) => {
      const id = await newThread(client);
      await client.threads.patchState(id, { a: 1 });
      await client.threads.patchState({ configurable: { thread_id: id } }, { b: 2 });
      expect((await client.threads.get(id)).metadata).toEqual({ a: 1, b: 2 });
    },
  },

  getHistory: {
    "newest first; by limit, before, metadata and checkpoint": async ({ client }) => {
      const threadId = await finishedThread(client);
      const all = await client.threads.getHistory(threadId);
      expect(all.map(({ next }) => next[0] ?? "end")).toEqual([
        "end",
        "three",
        "two",
        "one",
        "__start__",
      ]);
      expect(all.map(({ metadata }) => metadata!["step"])).toEqual([3, 2, 1, 0, -1]);
      expect(await client.threads.getHistory(threadId, { limit: 2 })).toEqual(all.slice(0, 2));
      const before = { configurable: { checkpoint_id: all[1]!.checkpoint.checkpoint_id } };
      expect(await client.threads.getHistory(threadId, { before })).toEqual(all.slice(2));
      const inputs = await client.threads.getHistory(threadId, { metadata: { source: "input" } });
      expect(inputs).toEqual(all.slice(4));
      const from = { checkpoint_id: all[2]!.checkpoint.checkpoint_id! };
      const [first] = await client.threads.getHistory(threadId, { checkpoint: from, limit: 1 });
      expect(first).toEqual(all[2]);
    },
    "of a thread that never ran is empty": async ({ client }) => {
      expect(await client.threads.getHistory(await newThread(client))).toEqual([]);
    },
  },
};
