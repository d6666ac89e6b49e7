import { expect } from "vitest";
import { Gates } from "../../support/gates.ts";
import { collect, dataOf, logOf, newThread, type Scenarios, type StreamPart } from "./scenarios.ts";

const allLogs = ["one", "two", "three"];

function names(parts: StreamPart[]): Set<string> {
  return new Set(parts.map(({ event }) => event));
}

/** Reading what happens in a run. */
export const runStreamScenarios: Scenarios = {
  stream: {
    "updates: metadata, one event a node, end, each with its data": async ({ client }) => {
      const threadId = await newThread(client);
      const parts = await collect(
        client.runs.stream(threadId, "steps", { input: { input: "x" }, streamMode: "updates" }),
      );
      const [run] = await client.runs.list(threadId);
      const runId = run!.run_id;
      // Newer SDKs keep the end to themselves.
      expect(
        parts.filter(({ event }) => event !== "end").map(({ event, data }) => [event, data]),
      ).toEqual([
        ["metadata", { run_id: runId, attempt: 1 }],
        ["updates", { one: { log: ["one"] } }],
        ["updates", { two: { log: ["two"] } }],
        ["updates", { three: { log: ["three"] } }],
      ]);
    },
    "every mode at once, each under its name": async ({ client }) => {
      const threadId = await newThread(client);
      const parts = await collect(
        client.runs.stream(threadId, "speaking", {
          input: { messages: [{ role: "user", content: "말해 봐" }] },
          streamMode: [
            "values",
            "updates",
            "messages",
            "messages-tuple",
            "events",
            "debug",
            "tasks",
            "checkpoints",
            "custom",
          ],
          streamSubgraphs: true,
        }),
      );
      const bare = new Set(parts.map(({ event }) => event.split("|")[0]!));
      expect(bare).toEqual(
        new Set([
          "metadata",
          "values",
          "updates",
          "messages/metadata",
          "messages/partial",
          "messages/complete",
          "messages",
          "events",
          "debug",
          "tasks",
          "checkpoints",
          "custom",
          ...(names(parts).has("end") ? ["end"] : []),
        ]),
      );
      const nested = parts.filter(({ event }) => /^updates\|speaker:[0-9a-f-]{36}$/.test(event));
      expect(nested).toHaveLength(1);
      const custom = parts.find(({ event }) => event.startsWith("custom"));
      expect(custom!.data).toEqual({ about: "to speak" });
    },
    "subgraphs stay out unless asked for": async ({ client }) => {
      const parts = await collect(
        client.runs.stream(null, "nested", { input: {}, streamMode: ["updates", "values"] }),
      );
      expect([...names(parts)].filter((name) => name.includes("|"))).toEqual([]);
      expect(dataOf(parts, "updates").map((data) => Object.keys(data)[0])).toEqual([
        "outside",
        "child",
      ]);
    },
    "messages grows a message; messages-tuple sends its pieces": async ({ client }) => {
      const parts = await collect(
        client.runs.stream(null, "agent", {
          input: { messages: [{ role: "user", content: "안녕하세요" }] },
          context: { llm_provider: "offline" },
          streamMode: ["messages", "messages-tuple", "values"],
        }),
      );
      const values = dataOf<{ messages: { content: string; type: string }[] }>(parts, "values");
      const answer = values.at(-1)!.messages.at(-1)!;
      expect(answer.type).toBe("ai");
      const pieces = dataOf<[{ content: string }, { langgraph_node: string }]>(parts, "messages");
      expect(pieces.length).toBeGreaterThan(3);
      expect(pieces.map(([piece]) => piece.content).join("")).toBe(answer.content);
      expect(new Set(pieces.map(([, metadata]) => metadata.langgraph_node))).toEqual(
        new Set(["call_model"]),
      );
      const grown = dataOf<[{ content: string }]>(parts, "messages/partial").map(
        ([one]) => one.content,
      );
      for (const [at, text] of grown.entries())
        expect(text.startsWith(grown[at - 1] ?? "")).toBe(true);
      expect(grown.at(-1)).toBe(answer.content);
    },
    "tools and lifecycle tell of tool calls and of the graph's beginning and end": async ({
      client,
    }) => {
      const parts = await collect(
        client.runs.stream(null, "agent", {
          input: { messages: [{ role: "user", content: "calculator 6 * 7" }] },
          context: { llm_provider: "offline" },
          streamMode: ["tools", "lifecycle" as "tools"],
        }),
      );
      expect(dataOf(parts, "tools")).toMatchObject([
        { event: "on_tool_start", name: "calculator" },
        { event: "on_tool_end", name: "calculator" },
      ]);
      expect(dataOf(parts, "lifecycle").map(({ event }) => event)).toEqual([
        "started",
        "completed",
      ]);
    },
    "a graph that throws: an error event with class and message": async ({ client }) => {
      const threadId = await newThread(client);
      const parts = await collect(client.runs.stream(threadId, "thrower", { input: {} }));
      expect(dataOf(parts, "error")).toEqual([{ error: "RangeError", message: "boom!" }]);
      expect(await client.threads.get(threadId)).toMatchObject({
        status: "error",
        values: { log: ["fine"] },
      });
      const values = await client.runs.wait(threadId, "steps", { input: {} });
      expect(logOf(values)).toEqual(["fine", ...allLogs]);
    },
    "an interrupt shows in updates and values": async ({ client }) => {
      const parts = await collect(
        client.runs.stream(await newThread(client), "asking", {
          input: {},
          streamMode: ["updates", "values"],
        }),
      );
      const interrupts = [{ id: expect.any(String), value: { question: "how old?" } }];
      expect(dataOf(parts, "updates").at(-1)).toEqual({ __interrupt__: interrupts });
      expect(dataOf(parts, "values").at(-1)).toMatchObject({ __interrupt__: interrupts });
    },
    "with onCompletion keep leaves the thread it made": async ({ client }) => {
      const { assistant_id: id } = await client.assistants.create({ graphId: "steps" });
      // The SDK's type for this option knows other words than the server.
      const payload = { input: {}, onCompletion: "keep" as never };
      await collect(client.runs.stream(null, id, payload));
      const threads = await client.threads.search({ metadata: { assistant_id: id } });
      expect(threads.map(({ values }) => logOf(values))).toEqual([allLogs]);
    },
    "tells the run's id when it begins": async ({ client }) => {
      const threadId = await newThread(client);
      const told: unknown[] = [];
      const parts = await collect(
        client.runs.stream(threadId, "steps", {
          input: {},
          onRunCreated: (created) => told.push(created),
        }),
      );
      const [{ run_id: runId }] = dataOf(parts, "metadata") as [{ run_id: string }];
      expect(told).toEqual([{ run_id: runId, thread_id: threadId }]);
    },
  },

  joinStream: {
    "from the start, or behind an event, gives what stream gave": async ({ client }) => {
      const threadId = await newThread(client);
      let runId = "";
      const streamed = await collect(
        client.runs.stream(threadId, "steps", {
          input: {},
          streamMode: ["updates", "values"],
          streamResumable: true,
          onRunCreated: ({ run_id: id }) => void (runId = id),
        }),
      );
      const join = (lastEventId: string) =>
        collect(client.runs.joinStream(threadId, runId, { lastEventId }));
      expect(await join("-1")).toEqual(streamed);
      const third = streamed[2]!;
      expect(await join(third.id!)).toEqual(streamed.slice(3));
    },
    "without a position gives what comes from now on, in the modes asked for": async ({
      client,
      answered,
    }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "gated", {
        input: { gates: gates.url },
        streamMode: ["updates", "values", "custom"],
      });
      (await gates.arrival("one")).release();
      const two = await gates.arrival("two");
      const reading = collect(
        client.runs.joinStream(threadId, run.run_id, { streamMode: "updates" }),
      );
      await answered(`/runs/${run.run_id}/stream`);
      gates.openAll();
      two.release();
      const parts = await reading;
      expect(dataOf(parts, "updates").map((data) => Object.keys(data)[0])).toEqual([
        "two",
        "three",
      ]);
      expect([...names(parts)].filter((name) => name !== "end")).toEqual(["updates"]);
    },
    "a stateless run is joined by its id alone": async ({ client }) => {
      await using gates = await Gates.listen();
      const run = await client.runs.create(null, "gated", {
        input: { gates: gates.url },
        streamMode: "updates",
      });
      const one = await gates.arrival("one");
      const parts = collect(client.runs.joinStream(null, run.run_id, { lastEventId: "-1" }));
      gates.openAll();
      one.release();
      expect(dataOf(await parts, "updates")).toHaveLength(3);
    },
    "with cancelOnDisconnect the run ends when the reader goes": async ({ client }) => {
      await using gates = await Gates.listen();
      const threadId = await newThread(client);
      const run = await client.runs.create(threadId, "gated", { input: { gates: gates.url } });
      await gates.arrival("one");
      const reader = new AbortController();
      const stream = client.runs.joinStream(threadId, run.run_id, {
        cancelOnDisconnect: true,
        lastEventId: "-1",
        signal: reader.signal,
      });
      for await (const part of stream) if (part.event === "metadata") break;
      reader.abort();
      await client.runs.join(threadId, run.run_id).catch(() => null);
      expect(await client.runs.get(threadId, run.run_id)).toMatchObject({ status: "interrupted" });
    },
  },
};
