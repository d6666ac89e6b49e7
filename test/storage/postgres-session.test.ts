import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database } from "../../src/storage/postgres/database.ts";
import { Group, patience } from "../../src/storage/postgres/group.ts";
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
    const group = new Group(
      (statements) => {
        sent.push(statements.filter(({ text }) => text !== patience.text).length);
        return database.batch(statements);
      },
      { first: patience },
    );
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

  test("who needs a lock that somebody holds waits for it alone", async () => {
    await database.batch(["a", "b", "c"].map((key) => ({ text: insert, values: [key, 0] })));
    const group = new Group((statements) => database.batch(statements), { first: patience });
    const set = (key: string, value: number) =>
      group.rows("update things set value = $2 where key = $1 returning value", [key, value]);
    const released = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const holder = database.transaction(async (connection) => {
      await connection.rows("select 1 from things where key = 'b' for update");
      locked.resolve();
      await released.promise;
    });
    await locked.promise;
    const held: unknown[] = [];
    const shared = [set("a", 1), set("b", 1).then((rows) => held.push(rows)), set("c", 1)];
    expect(await Promise.all([shared[0], shared[2]])).toEqual([[{ value: 1 }], [{ value: 1 }]]);
    // Neither does one that is asked for by itself hold up those behind it.
    const lone = set("b", 2).then((rows) => held.push(rows));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await set("a", 2)).toEqual([{ value: 2 }]);
    expect(held).toEqual([]);
    released.resolve();
    await Promise.all([holder, lone, ...shared]);
    expect(held).toHaveLength(2);
    await schema.query("delete from things");
  });

  test("a group locks in one order, and does not grow beyond its limits", async () => {
    const sent: unknown[][] = [];
    const group = new Group(
      (statements) => {
        sent.push(statements.map(({ values }) => values[0]));
        return Promise.resolve(statements.map(() => []));
      },
      { first: null },
    );
    const large = new Uint8Array(700_000);
    const asked = [["c"], ["b"], ["d", [large]], ["a", large], ["e"]];
    await Promise.all(asked.map((values) => group.rows("", values)));
    expect(sent).toEqual([
      ["b", "c", "d"],
      ["a", "e"],
    ]);
    await Promise.all(Array.from({ length: 51 }, () => group.rows("", ["x"])));
    expect(sent.slice(2).map(({ length }) => length)).toEqual([50, 1]);
  });

  test("after a group whose connection broke none is done again", async () => {
    let sent = 0;
    const group = new Group(
      () => {
        sent += 1;
        return Promise.reject(new Error("Connection terminated unexpectedly"));
      },
      { first: null },
    );
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

  test("a statement that is outdated on every connection is prepared anew on every one", async () => {
    const all = () => database.rows("select * from things", [], "things_all");
    const both = () =>
      database.transaction(async (connection) => [
        ...(await connection.rows("select * from things", [], "things_all")),
        ...(await connection.rows("select * from things limit 1", [], "things_one")),
      ]);
    const atOnce = <Result>(one: () => Promise<Result>) =>
      Promise.all(Array.from({ length: 8 }, one));
    await database.rows(insert, ["here", 1]);
    await atOnce(all);
    await atOnce(both);
    await schema.query("alter table things add column later integer");
    const row = { key: "here", value: 1, later: null };
    for (const rows of await atOnce(all)) expect(rows).toEqual([row]);
    for (const rows of await atOnce(both)) expect(rows).toEqual([row, row]);
    await schema.query("alter table things drop column later");
    expect(await atOnce(both)).toHaveLength(8);
    await schema.query("delete from things");
  });

  test("statements that something between us and the server discarded are prepared again", async () => {
    const one = () => database.rows("select 1 as one", [], "one");
    await one();
    await database.rows("deallocate all");
    expect(await one()).toEqual([{ one: 1 }]);
  });

  test("a transaction in which a statement failed does not commit, though its work goes on", async () => {
    const done = database.transaction(async (connection) => {
      connection.run(insert, ["swallowed", 1]);
      await connection.rows("select 1 / 0").catch(() => {});
      return "done";
    });
    await expect(done).rejects.toMatchObject({ code: "22012" });
    expect(await keys()).toEqual([]);
  });

  test("a connection that breaks in use fails its statement, not the process", async () => {
    const end = "select pg_terminate_backend(pg_backend_pid())";
    const unavailable = {
      code: "unavailable",
      message: expect.stringMatching(/lost \(.*terminat/),
    };
    await expect(database.rows(end)).rejects.toMatchObject(unavailable);
    const inside = database.transaction((connection) => connection.rows(end));
    await expect(inside).rejects.toMatchObject(unavailable);
    expect(await database.rows("select 1 as one")).toEqual([{ one: 1 }]);
  });
});
