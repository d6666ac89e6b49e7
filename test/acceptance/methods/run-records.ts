import { expect } from "vitest";
import { Gates } from "../../support/gates.ts";
import { finishedThread, logOf, newThread, unknownId, type Scenarios } from "./scenarios.ts";

const allLogs = ["one", "two", "three"];

/** Runs that are there: looking at them, waiting for them, ending and removing them. */
export const runRecordScenarios: Scenarios = {
  cancel: {
    "ends a run whose node obeys, and one whose node is deaf": async ({ client }) => {
      for (const graph of ["gated", "deaf"]) {
        await using gates = await Gates.listen();
        const threadId = await newThread(client);
        const run = await client.runs.create(threadId, graph, {
          input: { gates: gates.url },
          durability: "sync",
        });
        (await gates.arrival("one")).release();
        await gates.arrival("two");
        await client.runs.cancel(threadId, run.run_id, true);
        expect(await client.runs.get(threadId, run.run_id)).toMatchObject({
          status: "interrupted",
        });
        const thread = await client.threads.get(threadId);
        expect(thread).toMatchObject({ status: "interrupted", values: { log: ["one"] } });
      }
    },
    "with rollback nothing of the run is left": async ({ client }) => {
      await using gates = await Gates.listen();
      // Of another graph: afterwards the thread must be read through the first one again.
      const threadId = await finishedThread(client);
      const before = await client.threads.getHistory(threadId);
      const run = await client.runs.create(threadId, "gated", { input: { gates: gates.url } });
      (await gates.arrival("one")).release();
      await gates.arrival("two");
      await client.runs.cancel(threadId, run.run_id, true, "rollback");
      const gone = client.runs.get(threadId, run.run_id);
      await expect(gone).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.getHistory(threadId)).toEqual(before);
    },
    "of a run that has ended changes nothing; of an unknown one is 404": async ({ client }) => {
      const threadId = await finishedThread(client);
      const [run] = await client.runs.list(threadId);
      await client.runs.cancel(threadId, run!.run_id);
      expect(await client.runs.get(threadId, run!.run_id)).toEqual(run);
      const unknown = client.runs.cancel(threadId, unknownId);
      await expect(unknown).rejects.toMatchObject({ status: 404 });
    },
  },

  cancelMany: {
    "ends the runs that are named": async ({ client }) => {
      const threadId = await newThread(client);
      const runs = [];
      for (let at = 0; at < 3; at += 1) {
        runs.push(await client.runs.create(threadId, "steps", { input: {}, afterSeconds: 600 }));
      }
      const runIds = runs.slice(0, 2).map(({ run_id: id }) => id);
      await client.runs.cancelMany({ threadId, runIds });
      const statuses = (await client.runs.list(threadId)).map(({ status }) => status);
      expect(statuses).toEqual(["pending", "interrupted", "interrupted"]);
      await client.runs.cancelMany({ threadId, runIds: [runs[2]!.run_id], action: "rollback" });
      expect(await client.runs.list(threadId)).toHaveLength(2);
      const none = client.runs.cancelMany({ threadId, runIds: [unknownId] });
      await expect(none).rejects.toMatchObject({ status: 404 });
    },
  },

  join: {
    "waits for the last state, during the run and after it": async ({ client }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "gated", { input: { gates: gates.url } });
      const arrival = await gates.arrival("one");
      const joined = client.runs.join(threadId, run.run_id);
      gates.openAll();
      arrival.release();
      expect(logOf(await joined)).toEqual(allLogs);
      expect(logOf(await client.runs.join(threadId, run.run_id))).toEqual(allLogs);
    },
  },

  delete: {
    "removes an ended run with its checkpoints": async ({ client }) => {
      const threadId = await finishedThread(client);
      const before = await client.threads.getState(threadId);
      await client.runs.wait(threadId, "steps", { input: { input: "y" } });
      const [latest] = await client.runs.list(threadId);
      await client.runs.delete(threadId, latest!.run_id);
      const gone = client.runs.get(threadId, latest!.run_id);
      await expect(gone).rejects.toMatchObject({ status: 404 });
      expect(await client.threads.getState(threadId)).toEqual(before);
    },
  },

  list: {
    "newest first, by status, page and fields": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "steps", { input: {} });
      await client.runs.wait(threadId, "thrower", { input: {}, raiseError: false });
      const statuses = async (query?: object) =>
        (await client.runs.list(threadId, query)).map(({ status }) => status);
      expect(await statuses()).toEqual(["error", "success"]);
      expect(await statuses({ status: "success" })).toEqual(["success"]);
      expect(await statuses({ limit: 1, offset: 1 })).toEqual(["success"]);
      const selected = await client.runs.list(threadId, { select: ["status"], limit: 1 });
      expect(selected).toEqual([{ status: "error" }]);
    },
  },

  get: {
    "shows what the run was asked and what became of it": async ({ client }) => {
      const threadId = await finishedThread(client);
      const [listed] = await client.runs.list(threadId);
      const run = await client.runs.get(threadId, listed!.run_id);
      expect(run).toEqual(listed);
      expect(run).toMatchObject({ status: "success", kwargs: { input: { input: "x" } } });
      const elsewhere = client.runs.get(await newThread(client), run.run_id);
      await expect(elsewhere).rejects.toMatchObject({ status: 404 });
    },
  },
};
