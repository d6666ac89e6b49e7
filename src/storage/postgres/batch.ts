import { type ClientBase, type Connection, type Submittable, types } from "pg";
import { parameterOf } from "./parameters.ts";

export interface Statement {
  text: string;
  values: unknown[];
  /**
   * Of its prepared statement, which each connection parses once and may plan once for all values.
   * Without a name it is planned anew for its values, as searches must be.
   */
  name?: string | undefined;
}

interface Column {
  name: string;
  parse: (text: string) => unknown;
}

interface Sent {
  text: string;
  values: (string | Buffer | null)[];
  prepared: Prepared;
  parse: boolean;
}

/** A statement that one connection has prepared, or is about to. */
interface Prepared {
  /** Empty: it is parsed anew each time. */
  name: string;
  parsed: boolean;
  columns: Column[];
}

/**
 * What a bind fails with when a statement is not what it was when it was prepared: a newer server has
 * added a column meanwhile; something between us and the server has discarded it.
 */
export const preparationLost = new Set(["0A000", "26000"]);

let preparedBy = new WeakMap<ClientBase, Map<string, Prepared>>();

/**
 * Statements that go to the server together, and whose answers come together: one round trip. The
 * server takes all up to the end as one transaction, unless they begin or end one themselves; after
 * one that fails it does none of the rest.
 *
 * What has a name is parsed once per connection, and what columns it gives is asked once.
 */
class Batch implements Submittable {
  readonly results: object[][] = [];
  readonly #statements: Sent[];
  readonly #settle: (error: unknown) => void;
  #failed = false;

  constructor(client: ClientBase, statements: Statement[], settle: (error: unknown) => void) {
    const known = preparedOn(client);
    const parsing = new Set<Prepared>();
    this.#statements = statements.map((statement) => {
      const prepared = preparedFor(known, statement);
      const parse = prepared.name === "" || !(prepared.parsed || parsing.has(prepared));
      parsing.add(prepared);
      // Before the first byte is sent: a value that cannot be sent must not leave half a message behind.
      const values = statement.values.map(parameterOf);
      return { text: statement.text, values, prepared, parse };
    });
    this.#settle = settle;
    for (const _ of statements) this.results.push([]);
  }

  submit(connection: Connection): void {
    connection.stream.cork();
    try {
      for (const { text, values, prepared, parse } of this.#statements) {
        const { name } = prepared;
        if (parse) {
          // An attempt at it before may have failed, behind its parsing or in it.
          connection.close({ type: "S", name }, true);
          connection.parse({ name, text, types: [] }, true);
          connection.describe({ type: "S", name }, true);
        }
        connection.bind({ statement: name, values }, true);
        connection.execute(null, true);
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  }

  /** How many are done. */
  #done = 0;

  handleRowDescription({ fields }: { fields: { name: string; dataTypeID: number }[] }): void {
    this.#statements[this.#done]!.prepared.columns = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: parserOf(dataTypeID),
    }));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const { columns } = this.#statements[this.#done]!.prepared;
    const row: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at++) {
      const text = fields[at]!;
      const { name, parse } = columns[at]!;
      row[name] = text === null ? null : parse(text);
    }
    this.results[this.#done]!.push(row);
  }

  handleCommandComplete(): void {
    this.#statements[this.#done]!.prepared.parsed = true;
    this.#done += 1;
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.#settle(null);
  }

  handleError(error: unknown): void {
    this.#failed = true;
    // Its plan may be what is wrong: then the next try makes another.
    const failed = this.#statements[this.#done];
    if (failed) failed.prepared.parsed = false;
    // On other connections and in the next statements it would fail the same.
    if (preparationLost.has((error as { code?: string }).code ?? "")) preparedBy = new WeakMap();
    this.#settle(error);
  }
}

/** The rows of each. @throws what the first of them that failed did. */
export async function send(client: ClientBase, statements: Statement[]): Promise<object[][]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = (error: unknown) => (error === null ? resolve() : reject(error));
  const batch = client.query(new Batch(client, statements, settle));
  await promise;
  return batch.results;
}

function preparedOn(client: ClientBase): Map<string, Prepared> {
  let known = preparedBy.get(client);
  if (!known) preparedBy.set(client, (known = new Map()));
  return known;
}

function preparedFor(known: Map<string, Prepared>, { text, name }: Statement): Prepared {
  const existing = known.get(text);
  if (existing) return existing;
  const prepared = { name: name ?? "", parsed: false, columns: [] };
  if (name === undefined) return prepared;
  // A text that differs needs a name of its own.
  const others = [...known.values()].filter((one) => one.name.startsWith(name));
  if (others.some((one) => one.name === name)) prepared.name = `${name}_${others.length}`;
  known.set(text, prepared);
  return prepared;
}

/** `int8` as a number: times in milliseconds and counts stay far below 2^53. */
function parserOf(oid: number): (text: string) => unknown {
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.BYTEA) return parseBytes;
  return types.getTypeParser(oid, "text") as (text: string) => unknown;
}

function parseBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}
