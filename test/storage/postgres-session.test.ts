import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database } from "../../src/storage/postgres/database.ts";
import { Group } from "../../src/storage/postgres/group.ts";
import { type FreshSchema, freshSchema, postgresUri, skippedBecause } from "../support/postgres.ts";

const uri = await postgresUri();

describe.skipIf(uri === null)(`statements on postgres${skippedBecause(uri)}`, () => {
  let schema: FreshSchema;
  let database: Database;

  beforeAll(async () => {
    schema = freshSchema(uri!);
    await schema.query(`create schema ${schema.schema}`);
    await schema.query("create table things (key text primary key, value integer not null)");
    database = new Database(schema);
  });
  afterAll(async () => {
    await database?.close();
    await schema?.drop();
  });

  const keys = async (): Promise<unknown[]> =>
    (await schema.query("select key from things order by key")).map(({ key }) => key);

  const insert = "insert into things (key, value) values ($1, $2)";

  test("values come back as they went in", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
    const texts = ["", "NULL", 'a "quoted" \\ one', "{,}", "한국어", null];
    const [row] = await database.rows(
      `select $1::text as text, $2::bigint as number, $3::boolean as flag, $4::bytea as bytes,
         $5::text[] as texts, array_to_json($6::integer[]) as numbers, $7::json as json,
         $8::text as nothing`,
      ["x", 2 ** 52, true, bytes, texts, [1, -2], '{"a":[1]}', null],
    );
    expect(row).toEqual({
      text: "x",
      number: 2 ** 52,
      flag: true,
      bytes,
      texts,
      numbers: [1, -2],
      json: { a: [1] },
      nothing: null,
    });
  });

  test("arrays of bytes arrive whole, also empty ones and none", async () => {
    const lengths = async (all: Uint8Array[]) =>
      (
        await database.rows<{ hex: string }>(
          "select encode(one, 'hex') as hex from unnest($1::bytea[]) as one",
          [all],
        )
      ).map(({ hex }) => hex);
    expect(await lengths([new Uint8Array(), Uint8Array.of(0, 255), Uint8Array.of(7)])).toEqual([
      "",
      "00ff",
      "07",
    ]);
    expect(await lengths([])).toEqual([]);
  });

  test("a transaction's statements are done in the order in which they were put", async () => {
    const found = await database.transaction(async (connection) => {
      connection.run(insert, ["order 1", 1]);
      const before = connection.rows("select key from things where key like 'order%'");
      connection.run(insert, ["order 2", 2]);
      const [first, second] = await Promise.all([
        before,
        connection.rows("select key from things where key like 'order%' order by key"),
      ]);
      connection.run("delete from things where key like 'order%'");
      return { first, second };
    });
    expect(found.first).toEqual([{ key: "order 1" }]);
    expect(found.second).toEqual([{ key: "order 1" }, { key: "order 2" }]);
    expect(await keys()).toEqual([]);
  });

  test("what nobody waits for fails the commit, and all is undone", async () => {
    const failing = database.transaction(async (connection) => {
      connection.run(insert, ["twice", 1]);
      connection.run(insert, ["twice", 2]);
    });
    await expect(failing).rejects.toMatchObject({ code: "23505" });
    const late = database.transaction(async (connection) => {
      await connection.rows("select 1");
      connection.run(insert, ["late", 1]);
      connection.run(insert, ["late", 2]);
    });
    await expect(late).rejects.toMatchObject({ code: "23505" });
    expect(await keys()).toEqual([]);
  });

  test("what the work throws undoes what it wrote, sent or not", async () => {
    const failing = database.transaction(async (connection) => {
      connection.run(insert, ["sent", 1]);
      await connection.rows("select 1");
      connection.run(insert, ["not sent", 1]);
      throw new Error("changed its mind");
    });
    await expect(failing).rejects.toThrow("changed its mind");
    expect(await keys()).toEqual([]);
  });

  test("a batch is one transaction, and its connection is good for the next", async () => {
    const put = (key: string) => ({ text: insert, values: [key, 1] });
    for (let time = 0; time < 2; time++) {
      await expect(database.batch([put("a"), put("a"), put("b")])).rejects.toMatchObject({
        code: "23505",
      });
    }
    await expect(database.rows("select nonsense from things")).rejects.toMatchObject({
      code: "42703",
    });
    expect(await keys()).toEqual([]);
    await database.batch([put("a"), put("b")]);
    expect(await keys()).toEqual(["a", "b"]);
    await schema.query("delete from things");
  });

  test("of those that share a commit one fails alone", async () => {
    const sent: number[] = [];
    const group = new Group((statements) => {
      sent.push(statements.length);
      return database.batch(statements);
    });
    const put = (key: string) => group.rows<{ key: string }>(`${insert} returning key`, [key, 1]);
    const outcomes = await Promise.allSettled(["a", "b", "a", "c"].map(put));
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(sent).toEqual([4, 1, 1, 1, 1]);
    expect(await keys()).toEqual(["a", "b", "c"]);
    expect((await Promise.all(["d", "e"].map(put))).flat()).toEqual([{ key: "d" }, { key: "e" }]);
    expect(sent.at(-1)).toBe(2);
    await schema.query("delete from things");
  });

  test("after a group whose connection broke none is done again", async () => {
    let sent = 0;
    const group = new Group(() => {
      sent += 1;
      return Promise.reject(new Error("Connection terminated unexpectedly"));
    });
    const outcomes = await Promise.allSettled(
      [1, 2].map((value) => group.rows(insert, ["x", value])),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(sent).toBe(1);
  });

  test("a column that a newer server adds does not fail the older one's statements", async () => {
    const all = () => database.rows("select * from things");
    await database.rows(insert, ["here", 1]);
    expect(await all()).toEqual([{ key: "here", value: 1 }]);
    await schema.query("alter table things add column later integer");
    expect(await all()).toEqual([{ key: "here", value: 1, later: null }]);
    const within = await database.transaction((connection) =>
      connection.rows("select * from things where key = 'here'"),
    );
    expect(within).toEqual([{ key: "here", value: 1, later: null }]);
    await schema.query("alter table things drop column later; delete from things");
  });

  test("a connection that breaks in use fails its statement, not the process", async () => {
    const broken = database.rows("select pg_terminate_backend(pg_backend_pid())");
    await expect(broken).rejects.toMatchObject({ code: "57P01" });
    expect(await database.rows("select 1 as one")).toEqual([{ one: 1 }]);
  });
});
