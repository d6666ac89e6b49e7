import { expect, test } from "vitest";
import { randomIds } from "../../src/core/ids.ts";
import type { Entry, EventTables } from "../../src/events/postgres/tables.ts";
import { LogWriter } from "../../src/events/postgres/writer.ts";

const runId = randomIds.run();

function entry(position: number): Entry {
  return { runId, event: { position, name: "updates", data: "null" } };
}

function positionsOf(entries: Entry[]): number[] {
  return entries.map((one) => ("event" in one ? one.event.position : -1));
}

/** A writer over tables that fail as told, each failure once, and then note what they were given. */
function open(failures: Error[]) {
  const stored: number[][] = [];
  const trimmed: Map<string, number>[] = [];
  const complaints: string[] = [];
  const tables = {
    store: async ({ entries }: { entries: Entry[] }) => {
      const failure = failures.shift();
      if (failure) throw failure;
      stored.push(positionsOf(entries));
    },
    trim: async (firstKept: Map<string, number>) => void trimmed.push(firstKept),
  };
  const complain = (_: object, message: string): void => void complaints.push(message);
  const writer = new LogWriter({
    tables: tables as unknown as EventTables,
    clock: { now: Date.now },
    log: { debug: () => {}, info: complain, warn: complain, error: complain },
    onStored: () => {},
  });
  return { writer, stored, trimmed, complaints };
}

test("entries pushed in one tick are stored by one statement", async () => {
  const { writer, stored } = open([]);
  writer.push([entry(0)]);
  writer.push([entry(1), entry(2)]);
  await writer.idle();
  expect(stored).toEqual([[0, 1, 2]]);
});

test("what a lost connection kept from being stored is stored again, in order", async () => {
  const lost = Object.assign(new Error("Connection terminated"), { code: "ECONNRESET" });
  const { writer, stored, complaints } = open([lost]);
  writer.push([entry(0)]);
  await Promise.resolve();
  writer.push([entry(1)]);
  await writer.idle();
  expect(stored.flat()).toEqual([0, 1]);
  expect(complaints).toEqual([expect.stringContaining("trying again")]);
});

test("what the database refuses for its content does not hold up what follows", async () => {
  const { writer, stored, complaints } = open([Object.assign(new Error("bad"), { code: "22021" })]);
  writer.push([entry(0)]);
  await Promise.resolve();
  await Promise.resolve();
  writer.push([entry(1)]);
  await writer.idle();
  expect(stored).toEqual([[1]]);
  expect(complaints).toEqual([expect.stringContaining("cannot be stored")]);
});

test("queued events that their log has dropped are not stored in any statement", async () => {
  const { writer, stored, trimmed } = open([]);
  writer.push(Array.from({ length: 5000 }, (_, position) => entry(position)));
  writer.trim(runId, 4990);
  await writer.idle();
  expect(stored.flat()).toEqual([4990, 4991, 4992, 4993, 4994, 4995, 4996, 4997, 4998, 4999]);
  expect(trimmed).toEqual([new Map([[runId, 4990]])]);
});

test("disposing stores what is queued", async () => {
  const { writer, stored } = open([]);
  writer.push([entry(0)]);
  await writer[Symbol.asyncDispose]();
  expect(stored).toEqual([[0]]);
});
