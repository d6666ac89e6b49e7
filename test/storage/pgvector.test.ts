import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPostgres } from "../../src/storage/postgres/open.ts";
import { describeItems } from "../contract/storage/items.ts";
import { FreshDatabase } from "../support/fresh-database.ts";
import { type FreshSchema, freshSchema, pgvectorUri } from "../support/postgres.ts";

/** What the store promises, with the vectors of Postgres's own extension: test/storage/postgres.test.ts may run without. */
const uri = await pgvectorUri();
const why =
  uri === null ? " (skipped: no PostgreSQL with pgvector; see test/support/postgres.ts)" : "";

describe.skipIf(uri === null)(`pgvector${why}`, () => {
  let database: FreshDatabase;
  let shared: FreshSchema;
  beforeAll(async () => {
    database = await FreshDatabase.on(uri!);
    shared = freshSchema(database.uri);
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  describeItems(async () => {
    const storage = await openPostgres(shared);
    await shared.query("delete from items");
    return storage;
  });

  test("the server creates the extension, and searches with it", async () => {
    await using storage = await openPostgres(shared);
    const { slowBecause } = await storage.items.describeVectors("m");
    expect(slowBecause).toBeNull();
    expect(await shared.query("select extname from pg_extension where extname = 'vector'")).toEqual(
      [{ extname: "vector" }],
    );
  });
});
