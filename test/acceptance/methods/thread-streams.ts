import { expect } from "vitest";
import { dataOf, logOf, newThread, type Scenarios, type StreamPart } from "./scenarios.ts";

/** Takes parts until one of the name has come as often as that. */
async function take(
  stream: AsyncIterator<unknown>,
  event: string,
  times: number,
): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  while (parts.filter((part) => part.event === event).length < times) {
    const { value, done } = await stream.next();
    if (done) throw new Error(`The stream ended after ${parts.length} parts.`);
    parts.push(value as StreamPart);
  }
  return parts;
}

function statusesOf(parts: StreamPart[]): unknown[] {
  return dataOf(parts, "run_done").map(({ status }) => status);
}

export const threadStreamScenarios: Scenarios = {
  joinStream: {
    "brings every run from now on, each with its beginning and its end": async (setting) => {
      const { client, answered } = setting;
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "steps", { input: { input: "before" } });
      const ended = new AbortController();
      const options = { streamMode: "run_modes", signal: ended.signal } as const;
      const stream = client.threads.joinStream(threadId, options);
      const parts = take(stream, "run_done", 2);
      await answered(`/threads/${threadId}/stream`);
      const runs = [];
      for (const streamMode of ["updates", "values"] as const) {
        const input = { input: "x" };
        runs.push(await client.runs.create(threadId, "steps", { input, streamMode }));
      }
      const got = await parts;
      ended.abort();
      expect(dataOf(got, "metadata").map(({ run_id }) => run_id)).toEqual(
        runs.map(({ run_id }) => run_id),
      );
      expect(statusesOf(got)).toEqual(["success", "success"]);
      expect(dataOf(got, "updates")).toHaveLength(3);
      expect(dataOf(got, "values")).toHaveLength(4);
    },
    "from the beginning, and behind an event of any of the runs": async ({ client }) => {
      const threadId = await newThread(client);
      for (const input of ["one", "two"]) {
        await client.runs.wait(threadId, "steps", { input: { input } });
      }
      const read = async (lastEventId: string, times: number) => {
        const ended = new AbortController();
        const options = { lastEventId, signal: ended.signal };
        const parts = await take(client.threads.joinStream(threadId, options), "run_done", times);
        ended.abort();
        return parts;
      };
      const whole = await read("-", 2);
      expect(statusesOf(whole)).toEqual(["success", "success"]);
      for (const at of [1, whole.findIndex(({ event }) => event === "run_done")]) {
        const rest = whole.slice(at + 1);
        const times = statusesOf(rest).length;
        expect(await read(whole[at]!.id!, times)).toEqual(rest);
      }
    },
    "the state after each run, or only their beginnings and ends": async ({ client }) => {
      const threadId = await newThread(client);
      await client.runs.wait(threadId, "steps", { input: { input: "x" } });
      const read = async (streamMode: "lifecycle" | "state_update", last: string) => {
        const ended = new AbortController();
        const options = { streamMode, lastEventId: "-", signal: ended.signal };
        const parts = await take(client.threads.joinStream(threadId, options), last, 1);
        ended.abort();
        return parts;
      };
      const ends = await read("lifecycle", "run_done");
      expect(ends.map(({ event }) => event)).toEqual(["metadata", "run_done"]);
      const [update] = dataOf(await read("state_update", "state_update"), "state_update");
      expect(logOf(update!["values"])).toEqual(["one", "two", "three"]);
    },
  },

  stream: {
    "is told in test/acceptance/thread-stream.test.ts; here it reads one run": async (setting) => {
      const { client } = setting;
      const thread = client.threads.stream(crypto.randomUUID(), { assistantId: "steps" });
      await thread.run.start({ input: { input: "x" } });
      expect(logOf(await thread.output)).toEqual(["one", "two", "three"]);
      await thread.close();
    },
  },
};
