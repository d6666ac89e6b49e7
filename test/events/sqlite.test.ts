import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { firstPosition } from "../../src/core/event.ts";
import { randomIds, type RunId } from "../../src/core/ids.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import { SqliteEventLog } from "../../src/events/sqlite/log.ts";
import {
  describeEventLog,
  numbered,
  readAll,
  success,
  type EventLogSettings,
} from "../contract/events/suite.ts";
import { silentLog } from "../support/engine.ts";

let directory: string;
let path: string;
let runId: RunId;
let now: number;
let log: SqliteEventLog;
const logged: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adjutant-events-"));
  path = join(directory, "events.sqlite");
  runId = randomIds.run();
  now = Date.now();
  logged.length = 0;
  log = opened();
});
afterEach(async () => {
  await log[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function opened(limits: Partial<Limits> = {}): SqliteEventLog {
  const error = (_: object, message: string) => void logged.push(message);
  return new SqliteEventLog({
    path,
    limits: { ...defaultLimits, ...limits },
    clock: { now: () => now },
    log: { ...silentLog, error },
  });
}

/** What a crash leaves: the old process says no more. */
function restart(): void {
  log = opened();
}

function rows(table: "events" | "logs"): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare(`select count(*) as count from ${table}`).get();
    return row!["count"] as number;
  } finally {
    database.close();
  }
}

const never = new AbortController().signal;

for (const kept of [false, true]) {
  describeEventLog(`SQLite, ${kept ? "kept" : "not kept"}`, async (settings: EventLogSettings) => {
    const own = new SqliteEventLog({
      path,
      limits: { ...defaultLimits, ...settings.limits },
      clock: settings.clock,
      log: silentLog,
    });
    if (kept) {
      const append = own.append.bind(own);
      own.append = (attempt, events) => {
        own.keep(attempt.runId);
        append(attempt, events);
      };
    }
    return { log: own, forget: async () => {}, close: () => own[Symbol.asyncDispose]() };
  });
}

describe("a kept log after a restart", () => {
  test("has what it had, and goes on with the next attempt", async () => {
    log.keep(runId);
    log.append({ runId, attempt: 1 }, numbered(0, 3));
    restart();
    expect(await log.lastPosition(runId)).toBe(2);
    const reading = readAll(log.follow(runId, { after: 0 }, never));
    log.keep(runId);
    log.append({ runId, attempt: 2 }, numbered(3, 1));
    log.end(runId, success);
    const { events, ends } = await reading;
    expect(events.map(({ position }) => position)).toEqual([1, 2, firstPosition(2)]);
    expect(ends).toEqual([success]);
    // A lost attempt that wakes up late is heard no more.
    log.append({ runId, attempt: 1 }, numbered(9, 1));
    expect(await log.lastPosition(runId)).toBe(firstPosition(2));
  });

  test("twice, and both attempts' events are there, with the end", async () => {
    const error = { error: "Error", message: "it broke" };
    log.keep(runId);
    log.append({ runId, attempt: 1 }, numbered(0, 1));
    restart();
    log.keep(runId);
    log.append({ runId, attempt: 2 }, numbered(1, 1));
    log.end(runId, { status: "error", error, values: null });
    restart();
    expect(await log.ended(runId)).toEqual({ status: "error", error, values: null });
    const { events, ends } = await readAll(log.follow(runId, "start", never));
    expect(events.map(({ data }) => data)).toEqual(['{"number":0}', '{"number":1}']);
    expect(ends).toHaveLength(1);
  });

  test("goes when its time is over", async () => {
    log.keep(runId);
    log.append({ runId, attempt: 1 }, numbered(0, 1));
    log.end(runId, success);
    restart();
    expect(rows("events")).toBe(1);
    now += defaultLimits.eventLogTtlMs + 1;
    restart();
    expect(await log.ended(runId)).toBeNull();
    expect([rows("events"), rows("logs")]).toEqual([0, 0]);
  });

  test("of a run that never came to its end goes, too", async () => {
    log.keep(runId);
    log.append({ runId, attempt: 1 }, numbered(0, 1));
    restart();
    now += defaultLimits.eventLogTtlMs + defaultLimits.runTimeoutMs + 1;
    restart();
    expect(await log.lastPosition(runId)).toBe(-1);
    expect([rows("events"), rows("logs")]).toEqual([0, 0]);
  });

  test("over the limit has its newest events only", async () => {
    log = opened({ eventLogBytesMax: 60 });
    log.keep(runId);
    for (let at = 0; at < 20; at++) log.append({ runId, attempt: 1 }, numbered(at, 1));
    restart();
    expect(rows("events")).toBeLessThan(6);
    expect(await log.lastPosition(runId)).toBe(19);
  });
});

test("a run that is not kept touches no file", async () => {
  log.append({ runId, attempt: 1 }, numbered(0, 3));
  log.end(runId, success);
  restart();
  expect(existsSync(path)).toBe(false);
});

test("a file that cannot be read is begun anew", async () => {
  writeFileSync(path, "this is not a database, whatever its name says; ".repeat(100));
  log = opened();
  log.keep(runId);
  log.append({ runId, attempt: 1 }, numbered(0, 1));
  restart();
  expect(await log.lastPosition(runId)).toBe(0);
  expect(readFileSync(path).subarray(0, 6).toString()).toBe("SQLite");
});

test("a file that can be neither read nor written costs the copy only, and is told", async () => {
  log.keep(runId);
  log.append({ runId, attempt: 1 }, numbered(0, 1));
  restart();
  const other = new DatabaseSync(path);
  other.exec("drop table events; drop table logs");
  other.close();
  log.keep(runId);
  log.append({ runId, attempt: 2 }, numbered(1, 1));
  log.end(runId, success);
  const { ends } = await readAll(log.follow(runId, "now", never));
  expect(ends).toEqual([success]);
  const lost = "events of a run could not be kept";
  expect(logged).toEqual(["kept events could not be read", lost, lost]);
});
