import { describe, expect, test } from "vitest";
import { randomIds } from "../../src/core/ids.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import type { Signal } from "../../src/core/ports/events.ts";
import { MemoryEventLog } from "../../src/events/memory/log.ts";
import { MemorySignals } from "../../src/events/memory/signals.ts";
import { describeEventLog, numbered, take } from "../contract/events/suite.ts";

describeEventLog("memory", async (settings) => {
  const log = new MemoryEventLog(settings);
  return { log, forget: async () => {}, close: () => log[Symbol.asyncDispose]() };
});

test("events appended in one tick are one batch, read in the microtask after it", async () => {
  const log = new MemoryEventLog({ limits: defaultLimits, clock: { now: Date.now } });
  const runId = randomIds.run();
  const parts = log.follow(runId, "start", new AbortController().signal)[Symbol.asyncIterator]();
  const next = parts.next();
  let macrotask = false;
  setImmediate(() => (macrotask = true));
  for (let at = 0; at < 5; at++) log.append({ runId, attempt: 1 }, numbered(at, 1));
  const { value } = await next;
  expect(macrotask).toBe(false);
  expect(value.events).toHaveLength(5);
  await log[Symbol.asyncDispose]();
});

test("readers share the entries of the log", async () => {
  const log = new MemoryEventLog({ limits: defaultLimits, clock: { now: Date.now } });
  const runId = randomIds.run();
  log.append({ runId, attempt: 1 }, numbered(0, 1));
  const first = log.follow(runId, "start", new AbortController().signal)[Symbol.asyncIterator]();
  const second = log.follow(runId, "start", new AbortController().signal)[Symbol.asyncIterator]();
  expect((await take(first, 1))[0]).toBe((await take(second, 1))[0]);
  await log[Symbol.asyncDispose]();
});

describe("signals in memory", () => {
  test("every subscriber hears what is published until it stops", async () => {
    const signals = new MemorySignals();
    const heard: [string, Signal][] = [];
    const stop = signals.subscribe((signal) => heard.push(["a", signal]));
    signals.subscribe((signal) => heard.push(["b", signal]));
    const runId = randomIds.run();
    signals.publish({ kind: "cancel", runId });
    expect(heard).toEqual([]);
    await Promise.resolve();
    expect(heard).toEqual([
      ["a", { kind: "cancel", runId }],
      ["b", { kind: "cancel", runId }],
    ]);
    stop();
    signals.publish({ kind: "work" });
    await Promise.resolve();
    expect(heard.slice(2)).toEqual([["b", { kind: "work" }]]);
  });

  test("who watches a thread hears of its runs only, and others do not", async () => {
    const signals = new MemorySignals();
    const [threadId, other] = [randomIds.thread(), randomIds.thread()];
    const heard: string[] = [];
    signals.subscribe(({ kind }) => heard.push(kind));
    const stop = signals.watch(threadId, () => heard.push("watched"));
    signals.publish({ kind: "run", threadId: other });
    signals.publish({ kind: "run", threadId });
    await Promise.resolve();
    expect(heard).toEqual(["watched"]);
    stop();
    signals.publish({ kind: "run", threadId });
    await Promise.resolve();
    expect(heard).toEqual(["watched"]);
  });

  test("nobody hears anything after disposal", async () => {
    const signals = new MemorySignals();
    let heard = 0;
    signals.subscribe(() => heard++);
    signals.publish({ kind: "work" });
    await signals[Symbol.asyncDispose]();
    await Promise.resolve();
    expect(heard).toBe(0);
  });
});
