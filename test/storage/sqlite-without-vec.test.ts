import { describe, expect, it, vi } from "vitest";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { describeItems } from "../contract/storage/items.ts";

vi.mock("sqlite-vec", () => ({
  getLoadablePath: () => {
    throw new Error("there is none for this platform");
  },
}));

const open = () => openSqlite({ directory: null });

describe("SQLite where sqlite-vec cannot be loaded", () => {
  describeItems(open);

  it("says so", async () => {
    await using storage = await open();
    const { slowBecause } = await storage.items.describeVectors("m");
    expect(slowBecause).toContain("there is none for this platform");
  });
});
