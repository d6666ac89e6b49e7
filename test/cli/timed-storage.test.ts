import { afterAll, beforeAll, expect, test } from "vitest";
import { timedStorage } from "../../src/cli/timed-storage.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { randomIds } from "../../src/core/ids.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";

const taken: string[] = [];
let storage: Storage;
beforeAll(async () => {
  const untimed = await openSqlite({ directory: null });
  storage = timedStorage(untimed, (operation) => (tookMs) => {
    if (tookMs >= 0) taken.push(operation);
  });
});
afterAll(() => storage[Symbol.asyncDispose]());

test("operations are timed under their names, also those that fail, and answer as before", async () => {
  expect(await storage.runs.get(randomIds.run())).toBeNull();
  await expect(
    storage.threads.transact(randomIds.thread(), () => {
      throw new RangeError("no");
    }),
  ).rejects.toThrow("no");
  for await (const _ of storage.checkpoints.list({})) throw new Error("There is none.");
  await storage.check();
  expect(taken).toEqual(["runs.get", "threads.transact"]);
});
