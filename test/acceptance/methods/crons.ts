import type { Client, Cron } from "@langchain/langgraph-sdk";
import { expect } from "vitest";
import { newThread, unique, unknownId, type Scenarios } from "./scenarios.ts";

/** Years away: none of these crons fires while the tests run. */
const schedule = "0 9 29 2 *";

/** Types of the client say a run comes back; what comes back is the cron. */
async function newCron(client: Client, changes: object = {}): Promise<Cron> {
  const payload = { schedule, input: { input: "x" }, ...changes };
  return (await client.crons.create("steps", payload)) as unknown as Cron;
}

export const cronScenarios: Scenarios = {
  create: {
    "makes a stateless cron that knows its next date": async ({ client }) => {
      const cron = await newCron(client, { metadata: { owner: "지민" } });
      expect(cron).toMatchObject({ schedule, thread_id: null, metadata: { owner: "지민" } });
      expect(cron).toMatchObject({ enabled: true, on_run_completed: "delete" });
      expect(cron.next_run_date).toMatch(/-02-29T09:00:00/);
      expect(cron.payload).toMatchObject({ input: { input: "x" } });
    },
    "refuses what is no schedule, and a graph nobody has": async ({ client }) => {
      await expect(newCron(client, { schedule: "often" })).rejects.toMatchObject({ status: 422 });
      await expect(client.crons.create("nobody's", { schedule })).rejects.toMatchObject({
        status: 404,
      });
    },
  },

  createForThread: {
    "makes a cron whose runs go on with a thread": async ({ client }) => {
      const threadId = await newThread(client);
      const made = (await client.crons.createForThread(threadId, "steps", {
        schedule,
        input: { input: "x" },
        multitaskStrategy: "reject",
      })) as unknown as Cron;
      expect(made).toMatchObject({ thread_id: threadId, schedule });
      expect(made.payload).toMatchObject({ multitask_strategy: "reject" });
      const found = await client.crons.search({ threadId });
      expect(found.map(({ cron_id }) => cron_id)).toEqual([made.cron_id]);
      await expect(
        client.crons.createForThread(unknownId, "steps", { schedule }),
      ).rejects.toMatchObject({ status: 404 });
    },
  },

  update: {
    "changes what is named, and the next date with it": async ({ client }) => {
      const cron = await newCron(client, { metadata: { a: 1 } });
      const changed = await client.crons.update(cron.cron_id, {
        schedule: "30 8 29 2 *",
        metadata: { b: 2 },
      });
      expect(changed).toMatchObject({ schedule: "30 8 29 2 *", metadata: { a: 1, b: 2 } });
      expect((changed as unknown as Cron).next_run_date).toMatch(/-02-29T08:30:00/);
      const paused = await client.crons.update(cron.cron_id, { enabled: false });
      expect(paused).toMatchObject({ enabled: false, next_run_date: null });
      await expect(client.crons.update(unknownId, { enabled: false })).rejects.toMatchObject({
        status: 404,
      });
    },
  },

  delete: {
    "takes it away, once": async ({ client }) => {
      const { cron_id } = await newCron(client);
      await client.crons.delete(cron_id);
      await expect(client.crons.delete(cron_id)).rejects.toMatchObject({ status: 404 });
    },
  },

  search: {
    "finds the crons of an assistant, sorted, a page at a time, with the fields that are named":
      async ({ client }) => {
        const { assistant_id } = await client.assistants.create({
          graphId: "steps",
          name: unique("cron"),
        });
        for (const minute of [1, 2, 3]) {
          await client.crons.create(assistant_id, { schedule: `${minute} 9 29 2 *` });
        }
        const sorted = { sortBy: "next_run_date", sortOrder: "asc" } as const;
        const first = await client.crons.search({
          assistantId: assistant_id,
          limit: 2,
          select: ["schedule"],
          ...sorted,
        });
        expect(first).toEqual([{ schedule: "1 9 29 2 *" }, { schedule: "2 9 29 2 *" }]);
        const rest = await client.crons.search({
          assistantId: assistant_id,
          offset: 2,
          ...sorted,
        });
        expect(rest.map((cron) => cron.schedule)).toEqual(["3 9 29 2 *"]);
      },
  },

  count: {
    "counts those of a thread": async ({ client }) => {
      const threadId = await newThread(client);
      expect(await client.crons.count({ threadId })).toBe(0);
      await client.crons.createForThread(threadId, "steps", { schedule });
      expect(await client.crons.count({ threadId })).toBe(1);
    },
  },
};
