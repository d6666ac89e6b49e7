import { expect, test } from "vitest";
import { getHistory } from "../../src/core/operations/state.ts";
import { openEngine, runCommand, runToEnd } from "../support/engine.ts";

test("a history without values says everything else, and reads no list", async () => {
  await using engine = await openEngine();
  engine.startWorker();
  const { ports } = engine;
  const input = { messages: [{ role: "user", content: "hello" }] };
  const { run } = await runToEnd(ports, runCommand("chat", { input }));
  const loaded: number[] = [];
  const { checkpoints } = ports.storage;
  const { items } = checkpoints;
  checkpoints.items = async (spans) => {
    const found = await items.call(checkpoints, spans);
    loaded.push(found.length);
    return found;
  };
  const query = { limit: 10 };
  const without = await getHistory(ports, run.threadId, { ...query, withValues: false });
  expect(loaded).toEqual([]);
  const states = await getHistory(ports, run.threadId, query);
  expect(states.length).toBeGreaterThan(2);
  expect(states[0]!.values).not.toBeNull();
  expect(without).toEqual(states.map((state) => ({ ...state, values: null })));
});
