import { expect, it } from "vitest";
import { openSqlite } from "../../src/storage/sqlite/open.ts";

// Elsewhere the contract holds with the function that takes its place.
const isBuilt = ["linux-x64", "linux-arm64", "win32-x64"].includes(
  `${process.platform}-${process.arch}`,
);

it.runIf(isBuilt)("sqlite-vec is loaded into the database, for its statements alone", async () => {
  await using storage = await openSqlite({ directory: null });
  expect(await storage.items.describeVectors("m")).toEqual({ slowBecause: null, strangers: 0 });
});
