import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { validate } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, beforeAll, describe } from "vitest";
import type { Storage } from "../../src/core/ports/storage.ts";
import { Checkpointer } from "../../src/graphs/checkpointer.ts";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";
import { freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";

/**
 * The official suite for checkpoint savers, over each storage. Its tests must start from nothing, so
 * each saver has a storage of its own, which `open` gives with the means to remove it.
 */
function describeConformance(
  name: string,
  open: () => Promise<{ storage: Storage; remove?: () => Promise<void> }>,
): void {
  const opened = new Map<Checkpointer, () => Promise<void>>();
  validate<Checkpointer>({
    checkpointerName: name,
    async createCheckpointer() {
      const { storage, remove } = await open();
      const checkpointer = new Checkpointer(storage.checkpoints, null);
      opened.set(checkpointer, async () => {
        await storage[Symbol.asyncDispose]();
        await remove?.();
      });
      return checkpointer;
    },
    async destroyCheckpointer(checkpointer) {
      await opened.get(checkpointer)?.();
      opened.delete(checkpointer);
    },
  });
}

describeConformance("SQLite in memory", async () => ({
  storage: await openSqlite({ directory: null }),
}));

describe("on file", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "adjutant-"));
  });
  afterAll(async () => {
    await rm(root, { recursive: true, force: true });
  });
  describeConformance("SQLite on file", async () => ({
    storage: await openSqlite({ directory: await mkdtemp(join(root, "data-")) }),
  }));
});

const uri = await postgresUri();

describe.skipIf(uri === null)(`on a server${skippedBecause(uri)}`, () => {
  describeConformance("PostgreSQL", async () => {
    const schema = freshSchema(uri!);
    return { storage: await openPostgres(schema), remove: schema.drop };
  });
});
