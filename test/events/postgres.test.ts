import { afterAll, afterEach, describe, expect, test } from "vitest";
import { firstPosition } from "../../src/core/event.ts";
import { randomIds } from "../../src/core/ids.ts";
import { defaultLimits } from "../../src/core/limits.ts";
import type { Signal } from "../../src/core/ports/events.ts";
import type { Log } from "../../src/core/ports/ports.ts";
import { channelOf } from "../../src/events/postgres/database.ts";
import type { PostgresEventLog } from "../../src/events/postgres/log.ts";
import { openPostgresEventLog, openPostgresEvents } from "../../src/events/postgres/open.ts";
import { PostgresSignals } from "../../src/events/postgres/signals.ts";
import { describeEventLog, numbered, readAll, success, take } from "../contract/events/suite.ts";
import { freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";

const uri = await postgresUri();
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const clock = { now: () => Date.now() };
const never = new AbortController().signal;

/** Ends the server's side of connections, as a restart of the database would. */
const breakConnections = `select pg_terminate_backend(pid) from pg_stat_activity
  where query = 'listen "' || $1 || '"' and pid <> pg_backend_pid()`;

describe.skipIf(uri === null)(`postgres${skippedBecause(uri)}`, () => {
  const place = freshSchema(uri ?? "");
  const opened: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
  });
  afterAll(() => (uri === null ? undefined : place.drop()));

  async function openLog(): Promise<PostgresEventLog> {
    const log = await openPostgresEventLog({ ...place, limits: defaultLimits, clock, log: silent });
    opened.push(log);
    return log;
  }

  async function openSignals(): Promise<PostgresSignals> {
    const signals = new PostgresSignals({ place, log: silent });
    opened.push(signals);
    await signals.start();
    return signals;
  }

  describeEventLog("postgres", async ({ limits, clock: given }) => {
    const log = await openPostgresEventLog({
      ...place,
      limits: { ...defaultLimits, ...limits },
      clock: given,
      log: silent,
    });
    return {
      log,
      forget: async () => {
        await log.idle();
        await log.forget();
      },
      close: () => log[Symbol.asyncDispose](),
    };
  });

  describe("event log on two servers", () => {
    test("a reader follows what another server appends, to its end", async () => {
      const [writer, readers] = [await openLog(), await openLog()];
      const runId = randomIds.run();
      const parts = readers.follow(runId, "start", never)[Symbol.asyncIterator]();
      const first = take(parts, 2);
      writer.append({ runId, attempt: 1 }, numbered(0, 2));
      expect((await first).map((event) => event.position)).toEqual([0, 1]);
      const next = take(parts, 1);
      writer.append({ runId, attempt: 1 }, numbered(2, 1));
      expect((await next).map((event) => event.data)).toEqual(['{"number":2}']);
      const end = parts.next();
      writer.end(runId, success);
      expect((await end).value).toEqual({ end: success });
      await writer.idle();
      expect(await readers.ended(runId)).toEqual(success);
    });

    test("a reader comes back on another server behind the last position it saw", async () => {
      const [writer, readers] = [await openLog(), await openLog()];
      const runId = randomIds.run();
      writer.append({ runId, attempt: 1 }, numbered(0, 5));
      const rest = readAll(readers.follow(runId, { after: 2 }, never));
      writer.append({ runId, attempt: 1 }, numbered(5, 1));
      writer.end(runId, success);
      const { events, ends } = await rest;
      expect(events.map((event) => event.position)).toEqual([3, 4, 5]);
      expect(ends).toEqual([success]);
    });

    test("events and end outlive the server that wrote them", async () => {
      const runId = randomIds.run();
      const before = await openLog();
      before.append({ runId, attempt: 1 }, numbered(0, 3000));
      before.end(runId, success);
      await before[Symbol.asyncDispose]();
      const after = await openLog();
      expect(await after.ended(runId)).toEqual(success);
      const { events, ends } = await readAll(after.follow(runId, "start", never));
      expect(events.map((event) => event.data)).toEqual(
        numbered(0, 3000).map((event) => event.data),
      );
      expect(ends).toEqual([success]);
    });

    test("readers of the first attempt's server go on with the attempt that took over", async () => {
      const [one, other] = [await openLog(), await openLog()];
      const runId = randomIds.run();
      one.append({ runId, attempt: 1 }, numbered(0, 2));
      const parts = one.follow(runId, "start", never)[Symbol.asyncIterator]();
      await take(parts, 2);
      await one.idle();
      const second = take(parts, 2);
      other.append({ runId, attempt: 2 }, numbered(0, 2));
      expect((await second).map((event) => event.position)).toEqual([
        firstPosition(2),
        firstPosition(2) + 1,
      ]);
      one.append({ runId, attempt: 1 }, numbered(2, 1));
      other.end(runId, success);
      expect((await parts.next()).value).toEqual({ end: success });
      await one.idle();
      const { events } = await readAll(other.follow(runId, "start", never));
      expect(events.map((event) => event.position)).toEqual([
        0,
        1,
        firstPosition(2),
        firstPosition(2) + 1,
      ]);
    });

    test("an end from another server reaches readers where the run executes", async () => {
      const [worker, canceller] = [await openLog(), await openLog()];
      const runId = randomIds.run();
      worker.append({ runId, attempt: 1 }, numbered(0, 1));
      const parts = worker.follow(runId, "start", never)[Symbol.asyncIterator]();
      await take(parts, 1);
      await worker.idle();
      const end = parts.next();
      canceller.end(runId, { ...success, status: "interrupted" });
      expect((await end).value).toEqual({ end: { ...success, status: "interrupted" } });
      worker.append({ runId, attempt: 1 }, numbered(1, 1));
      await worker.idle();
      const { events } = await readAll(worker.follow(runId, "start", never));
      expect(events).toHaveLength(1);
    });

    test("readers catch up after their connection was lost", async () => {
      const [writer, readers] = [await openLog(), await openLog()];
      const runId = randomIds.run();
      const all = readAll(readers.follow(runId, "start", never));
      await place.query(breakConnections, [channelOf(place, "events")]);
      writer.append({ runId, attempt: 1 }, numbered(0, 3));
      writer.end(runId, success);
      const { events, ends } = await all;
      expect(events).toHaveLength(3);
      expect(ends).toEqual([success]);
    });

    test("events of a run that nobody will end are removed in time", async () => {
      let now = Date.now();
      const params = { limits: defaultLimits, clock: { now: () => now }, log: silent };
      const log = await openPostgresEventLog({ ...place, ...params });
      opened.push(log);
      const runId = randomIds.run();
      log.append({ runId, attempt: 1 }, numbered(0, 1));
      await log.idle();
      now += defaultLimits.runTimeoutMs + defaultLimits.eventLogTtlMs + 1;
      await log.forget();
      expect(await place.query("select 1 from run_events where run_id = $1", [runId])).toEqual([]);
    });
  });

  describe("signals on two servers", () => {
    function nextSignal(signals: PostgresSignals): Promise<Signal> {
      return new Promise((resolve) => {
        const stop = signals.subscribe((signal) => {
          stop();
          resolve(signal);
        });
      });
    }

    test("what one publishes both hear, the publisher once", async () => {
      const [one, other] = [await openSignals(), await openSignals()];
      const heard: Signal[] = [];
      one.subscribe((signal) => heard.push(signal));
      const runId = randomIds.run();
      const arrived = nextSignal(other);
      one.publish({ kind: "cancel", runId });
      expect(await arrived).toEqual({ kind: "cancel", runId });
      // Behind its own notification, if there were an echo.
      const answer = nextSignal(one);
      other.publish({ kind: "work" });
      await answer;
      expect(heard).toEqual([{ kind: "cancel", runId }, { kind: "work" }]);
    });

    test("who watches a thread hears of runs that another server made", async () => {
      const [one, other] = [await openSignals(), await openSignals()];
      const threadId = randomIds.thread();
      const heard = new Promise<string>((resolve) => {
        other.watch(threadId, () => resolve("heard"));
      });
      one.publish({ kind: "run", threadId });
      expect(await heard).toBe("heard");
    });

    test("after its connection was lost a server looks for work, and hears again", async () => {
      const [one, other] = [await openSignals(), await openSignals()];
      const hint = nextSignal(one);
      const hintOther = nextSignal(other);
      await place.query(breakConnections, [channelOf(place, "signals")]);
      expect(await hint).toEqual({ kind: "work" });
      expect(await hintOther).toEqual({ kind: "work" });
      const runId = randomIds.run();
      const arrived = nextSignal(other);
      one.publish({ kind: "cancel", runId });
      expect(await arrived).toEqual({ kind: "cancel", runId });
    });
  });

  test("opening gives both, and disposing stores what was appended first", async () => {
    const params = { limits: defaultLimits, clock, log: silent };
    const { events, signals } = await openPostgresEvents({ ...place, ...params });
    const runId = randomIds.run();
    events.append({ runId, attempt: 1 }, numbered(0, 1));
    events.end(runId, success);
    signals.publish({ kind: "work" });
    await signals[Symbol.asyncDispose]();
    await events[Symbol.asyncDispose]();
    expect(await place.query("select 1 from run_ends where run_id = $1", [runId])).toHaveLength(1);
  });
});

test("a server that refuses is named, without the password", async () => {
  const refused = openPostgresEvents({
    uri: "postgres://someone:hunter2@127.0.0.1:1/events",
    limits: defaultLimits,
    clock,
    log: silent,
  });
  await expect(refused).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/127\.0\.0\.1:1, database "events"(?!.*hunter2)/),
  });
});
