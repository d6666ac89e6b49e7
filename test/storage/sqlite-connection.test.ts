import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";

let directory: string;
let connection: Connection;
/** Another connection sees what is committed, and nothing else. */
let witness: Connection;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adjutant-connection-"));
  connection = new Connection(join(directory, "test.sqlite"));
  witness = new Connection(join(directory, "test.sqlite"));
  connection.execute(`
    create table numbers (number integer primary key);
    create table children (parent integer references numbers deferrable initially deferred);
  `);
});

afterEach(() => {
  connection.close();
  witness.close();
  rmSync(directory, { recursive: true, force: true });
});

function insert(number: number): void {
  connection.run("insert into numbers values (?)", number);
}

function numbers(from: Connection): number[] {
  return from
    .rows<{ number: number }>("select number from numbers order by number")
    .map((row) => row.number);
}

describe("work that shares a commit", () => {
  test("is done at once, and committed with the others of this turn", async () => {
    const first = connection.grouped(() => insert(1));
    const second = connection.grouped(() => insert(2));
    expect(numbers(witness)).toEqual([]);
    await first;
    expect(numbers(witness)).toEqual([1, 2]);
    await second;
  });

  test("sees what the others did before it", async () => {
    const first = connection.grouped(() => insert(1));
    await expect(connection.grouped(() => numbers(connection))).resolves.toEqual([1]);
    await first;
  });

  test("is undone alone when it throws, before it is committed or after", async () => {
    const kept = connection.grouped(() => insert(1));
    const failed = connection.grouped(() => {
      insert(2);
      throw new Error("no");
    });
    const later = connection.grouped(() => insert(3));
    await expect(failed).rejects.toThrow("no");
    await Promise.all([kept, later]);
    expect(numbers(witness)).toEqual([1, 3]);
  });

  test("leaves a usable connection when the only one of a group throws", async () => {
    const failed = connection.grouped(() => {
      throw new Error("no");
    });
    await expect(failed).rejects.toThrow("no");
    await connection.grouped(() => insert(1));
    expect(numbers(witness)).toEqual([1]);
  });

  test("has not happened, and says so to each, when the commit fails", async () => {
    const results = await Promise.allSettled([
      connection.grouped(() => insert(1)),
      connection.grouped(() => connection.run("insert into children values (99)")),
      connection.seen(() => numbers(connection)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(numbers(witness)).toEqual([]);
    await connection.grouped(() => insert(2));
    expect(numbers(witness)).toEqual([2]);
  });
});

describe("what is not part of the group", () => {
  test("a look at uncommitted work is told when that is committed", async () => {
    const work = connection.grouped(() => insert(1));
    const seen = connection.seen(() => numbers(connection));
    expect(numbers(witness)).toEqual([]);
    await expect(seen).resolves.toEqual([1]);
    expect(numbers(witness)).toEqual([1]);
    await work;
  });

  test("a transaction that throws leaves the group as it is", async () => {
    const work = connection.grouped(() => insert(1));
    const failing = () =>
      connection.transaction(() => {
        insert(2);
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    await work;
    expect(numbers(witness)).toEqual([1]);
  });

  test("a transaction whose commit fails has not happened, and the group neither", async () => {
    const work = connection.grouped(() => insert(1));
    const failing = () =>
      connection.transaction(() => connection.run("insert into children values (99)"));
    expect(failing).toThrow("FOREIGN KEY");
    await expect(work).rejects.toThrow("FOREIGN KEY");
    expect(numbers(witness)).toEqual([]);
  });

  test.for<[string, () => unknown]>([
    ["a statement", () => numbers(connection)],
    ["a change", () => insert(2)],
    ["a transaction", () => connection.transaction(() => insert(2))],
    ["closing", () => connection.close()],
  ])("%s ends the group", async ([, act]) => {
    const work = connection.grouped(() => insert(1));
    act();
    expect(numbers(witness)).toContain(1);
    await work;
  });
});
