import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  firstPosition,
  type EventContent,
  type RunEnd,
  type RunEvent,
} from "../../../src/core/event.ts";
import { randomIds, type RunId } from "../../../src/core/ids.ts";
import type { EventLog, LogPart } from "../../../src/core/ports/events.ts";
import type { Clock } from "../../../src/core/ports/ports.ts";

export interface EventLogSettings {
  limits: { eventLogTtlMs: number; eventLogBytesMax: number; eventLogsBytesMax: number };
  clock: Clock;
}

export interface OpenedEventLog {
  log: EventLog;
  /** Does what the log else does now and then: forget what is too old or too much. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

export const success: RunEnd = { status: "success", error: null, values: '{"a":1}' };

export function numbered(first: number, count: number): EventContent[] {
  return Array.from({ length: count }, (_, at) => ({
    name: "updates",
    data: JSON.stringify({ number: first + at }),
  }));
}

/** Reads to the end (or until the signal aborts); the events of all parts joined. */
export async function readAll(
  parts: AsyncIterable<LogPart>,
): Promise<{ events: RunEvent[]; ends: RunEnd[] }> {
  const all: { events: RunEvent[]; ends: RunEnd[] } = { events: [], ends: [] };
  for await (const part of parts) {
    if ("end" in part) all.ends.push(part.end);
    else all.events.push(...part.events);
  }
  return all;
}

/** Takes parts until it has `count` events. */
export async function take(
  parts: AsyncIterator<LogPart, unknown>,
  count: number,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  while (events.length < count) {
    const { value, done } = await parts.next();
    if (done || !("events" in value)) throw new Error(`Ended after ${events.length} events.`);
    events.push(...value.events);
  }
  return events;
}

function iterate(parts: AsyncIterable<LogPart>): AsyncIterator<LogPart, unknown> {
  return parts[Symbol.asyncIterator]();
}

function positions(events: RunEvent[]): number[] {
  return events.map((event) => event.position);
}

const never = new AbortController().signal;

/** What every event log does, whatever it keeps its events in. */
export function describeEventLog(
  name: string,
  open: (settings: EventLogSettings) => Promise<OpenedEventLog>,
): void {
  describe(`event log: ${name}`, () => {
    let now: number;
    let opened: OpenedEventLog;
    let log: EventLog;
    let runId: RunId;

    beforeEach(async () => {
      now = Date.now();
      runId = randomIds.run();
      opened = await open({
        limits: { eventLogTtlMs: 60_000, eventLogBytesMax: 1000, eventLogsBytesMax: 1500 },
        clock: { now: () => now },
      });
      log = opened.log;
    });
    afterEach(() => opened.close());

    test("a reader that comes after the end gets every event in order, then the end once", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 3));
      log.append({ runId, attempt: 1 }, numbered(3, 1));
      log.end(runId, success);
      const { events, ends } = await readAll(log.follow(runId, "start", never));
      expect(events).toEqual(numbered(0, 4).map((event, position) => ({ position, ...event })));
      expect(ends).toEqual([success]);
    });

    test("knows the position of its newest event", async () => {
      expect(await log.lastPosition(runId)).toBe(-1);
      log.append({ runId, attempt: 1 }, numbered(0, 3));
      await take(iterate(log.follow(runId, "start", never)), 3);
      expect(await log.lastPosition(runId)).toBe(2);
      log.append({ runId, attempt: 2 }, numbered(0, 1));
      expect(await log.lastPosition(runId)).toBe(firstPosition(2));
    });

    test("a reader that comes before the first event waits for it", async () => {
      const all = readAll(log.follow(runId, "start", never));
      await Promise.resolve();
      log.append({ runId, attempt: 1 }, numbered(0, 2));
      log.end(runId, success);
      expect(positions((await all).events)).toEqual([0, 1]);
    });

    test("a reader goes from what is there to what comes without a gap", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 2));
      const parts = iterate(log.follow(runId, "start", never));
      expect(positions(await take(parts, 2))).toEqual([0, 1]);
      const next = take(parts, 1);
      log.append({ runId, attempt: 1 }, numbered(2, 1));
      expect(positions(await next)).toEqual([2]);
      log.append({ runId, attempt: 1 }, numbered(3, 2));
      expect(positions(await take(parts, 2))).toEqual([3, 4]);
      log.end(runId, success);
      expect(await parts.next()).toEqual({ done: false, value: { end: success } });
      expect(await parts.next()).toEqual({ done: true, value: undefined });
    });

    test("a reader can begin behind a position", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 5));
      log.end(runId, success);
      const { events, ends } = await readAll(log.follow(runId, { after: 2 }, never));
      expect(positions(events)).toEqual([3, 4]);
      expect(ends).toEqual([success]);
      const nothing = await readAll(log.follow(runId, { after: 4 }, never));
      expect(nothing).toEqual({ events: [], ends: [success] });
    });

    test("a reader from now on gets what comes next", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 2));
      const all = readAll(log.follow(runId, "now", never));
      log.append({ runId, attempt: 1 }, numbered(2, 2));
      log.end(runId, success);
      expect(positions((await all).events)).toEqual([2, 3]);
    });

    test("a reader from now on gets just the end of a log that has ended", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 2));
      log.end(runId, success);
      expect(await readAll(log.follow(runId, "now", never))).toEqual({
        events: [],
        ends: [success],
      });
    });

    test("many readers of one log each get everything", async () => {
      const readers = Array.from({ length: 20 }, () => readAll(log.follow(runId, "start", never)));
      for (let at = 0; at < 10; at++) log.append({ runId, attempt: 1 }, numbered(at, 1));
      log.end(runId, success);
      for (const { events, ends } of await Promise.all(readers)) {
        expect(positions(events)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect(ends).toEqual([success]);
      }
    });

    test("logs of different runs do not mix", async () => {
      const other = randomIds.run();
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      log.append({ runId: other, attempt: 1 }, numbered(7, 2));
      log.end(other, success);
      const { events } = await readAll(log.follow(other, "start", never));
      expect(events.map((event) => event.data)).toEqual(['{"number":7}', '{"number":8}']);
      expect(await log.ended(runId)).toBeNull();
      expect(await log.ended(other)).toEqual(success);
    });

    test("a later attempt goes on behind the earlier one, which can no longer append", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 2));
      log.append({ runId, attempt: 2 }, numbered(0, 2));
      log.append({ runId, attempt: 1 }, numbered(2, 1));
      log.append({ runId, attempt: 2 }, numbered(2, 1));
      log.end(runId, success);
      const { events } = await readAll(log.follow(runId, "start", never));
      const second = firstPosition(2);
      expect(positions(events)).toEqual([0, 1, second, second + 1, second + 2]);
      const late = await readAll(log.follow(runId, { after: 1 }, never));
      expect(positions(late.events)).toEqual([second, second + 1, second + 2]);
    });

    test("after the end nothing can be said", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      log.end(runId, success);
      log.append({ runId, attempt: 1 }, numbered(1, 1));
      log.end(runId, { status: "interrupted", error: null, values: null });
      expect(await log.ended(runId)).toEqual(success);
      const { events, ends } = await readAll(log.follow(runId, "start", never));
      expect(positions(events)).toEqual([0]);
      expect(ends).toEqual([success]);
    });

    test("an end keeps its error", async () => {
      const failed: RunEnd = {
        status: "error",
        error: { error: "TypeError", message: "x is not a function" },
        threadMetadata: { owner: "ada", 이름: ["지민", null] },
        values: null,
      };
      log.end(runId, failed);
      expect(await log.ended(runId)).toEqual(failed);
    });

    test("abort ends a reader that waits and leaves no listener", async () => {
      const controller = new AbortController();
      const listeners = countListeners(controller.signal);
      const parts = iterate(log.follow(runId, "start", controller.signal));
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      await take(parts, 1);
      const next = parts.next();
      controller.abort();
      expect(await next).toEqual({ done: true, value: undefined });
      expect(listeners()).toBe(0);
    });

    test("a reader that is left or comes to the end leaves no listener", async () => {
      const controller = new AbortController();
      const listeners = countListeners(controller.signal);
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      for await (const _ of log.follow(runId, "start", controller.signal)) break;
      log.end(runId, success);
      await readAll(log.follow(runId, "start", controller.signal));
      expect(listeners()).toBe(0);
    });

    test("a reader whose signal has aborted before gets nothing", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      log.end(runId, success);
      const parts = log.follow(runId, "start", AbortSignal.abort());
      expect(await readAll(parts)).toEqual({ events: [], ends: [] });
    });

    test("a log over its limit drops its oldest events; a reader behind skips them", async () => {
      const data = JSON.stringify("x".repeat(98));
      const parts = iterate(log.follow(runId, "start", never));
      log.append({ runId, attempt: 1 }, [{ name: "values", data }]);
      expect(positions(await take(parts, 1))).toEqual([0]);
      for (let at = 1; at < 25; at++) log.append({ runId, attempt: 1 }, [{ name: "values", data }]);
      const kept = [15, 16, 17, 18, 19, 20, 21, 22, 23, 24];
      expect(positions(await take(parts, 10))).toEqual(kept);
      log.end(runId, success);
      const { events } = await readAll(log.follow(runId, { after: 3 }, never));
      expect(positions(events)).toEqual(kept);
    });

    test("an event over the limit still reaches readers", async () => {
      const parts = iterate(log.follow(runId, "start", never));
      const next = take(parts, 1);
      const data = JSON.stringify("x".repeat(5000));
      log.append({ runId, attempt: 1 }, [{ name: "values", data }]);
      expect((await next)[0]!.data).toBe(data);
    });

    test("a finished log is forgotten when its time is over", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      log.end(runId, success);
      now += 59_000;
      await opened.forget();
      expect(await log.ended(runId)).toEqual(success);
      now += 2_000;
      await opened.forget();
      expect(await log.ended(runId)).toBeNull();
      const controller = new AbortController();
      const next = iterate(log.follow(runId, "start", controller.signal)).next();
      controller.abort();
      expect(await next).toEqual({ done: true, value: undefined });
    });

    test("the oldest finished logs go first when all are too large together", async () => {
      const runs = [randomIds.run(), randomIds.run(), randomIds.run()] as const;
      const data = JSON.stringify("x".repeat(598));
      for (const one of runs) {
        log.append({ runId: one, attempt: 1 }, [{ name: "values", data }]);
        log.end(one, { ...success, values: null });
        now += 1;
      }
      await opened.forget();
      expect(await log.ended(runs[0])).toBeNull();
      expect(await log.ended(runs[1])).not.toBeNull();
      const { events } = await readAll(log.follow(runs[2], "start", never));
      expect(events.map((event) => event.data)).toEqual([data]);
    });

    test("names and data come back as they were written", async () => {
      const contents = [
        {
          name: "values|child:1",
          data: JSON.stringify({ text: 'quote " back \\ {a,b} null é 🎈' }),
        },
        { name: "custom", data: "null" },
        { name: "custom", data: JSON.stringify("\u0000 \ud800") },
      ];
      log.append({ runId, attempt: 1 }, contents);
      log.end(runId, success);
      const { events } = await readAll(log.follow(runId, "start", never));
      expect(events.map(({ name: kind, data }) => ({ name: kind, data }))).toEqual(contents);
    });

    test("disposing ends all readers", async () => {
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      const parts = iterate(log.follow(runId, "start", never));
      await take(parts, 1);
      const waiting = [parts.next(), iterate(log.follow(randomIds.run(), "now", never)).next()];
      await log[Symbol.asyncDispose]();
      for (const next of waiting) expect((await next).done).toBe(true);
    });
  });
}

/** How many abort listeners the signal has. */
function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    count++;
    add(...given);
  };
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    count--;
    remove(...given);
  };
  return () => count;
}
