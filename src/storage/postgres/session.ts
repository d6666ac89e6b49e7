import type { ClientBase } from "pg";
import { send, type Statement } from "./batch.ts";

/** What statements run on: the pool, or the one connection of a transaction. */
export interface Connection {
  /** `name`: see `Statement`. */
  rows<Row extends object>(text: string, values?: unknown[], name?: string): Promise<Row[]>;
}

/** The connection of a transaction, in which statements need not wait for each other. */
export interface TransactionConnection extends Connection {
  /**
   * Puts a statement in its place, to be sent with the next whose rows are asked for, or with the
   * commit. Its failure is theirs.
   */
  run(text: string, values?: unknown[], name?: string): void;
  /** Several statements, separated by semicolons, without parameters. */
  script(text: string): Promise<void>;
}

interface Asked {
  statement: Statement;
  resolve: (rows: object[]) => void;
  reject: (error: unknown) => void;
}

const nobody = { resolve: () => {}, reject: () => {} };

/**
 * One transaction on one connection. Statements asked for in one turn of the event loop go to the
 * server together, those that nobody waits for with the ones after them: most transactions are two
 * round trips, what they look at and what they write, and one that only writes is one.
 */
export class Session implements TransactionConnection {
  readonly #client: ClientBase;
  #waiting: Asked[] = [];
  #sending: Promise<void> | null = null;
  #begun = false;
  /** What a statement failed with; there is nothing to commit then. */
  #failure: { error: unknown } | null = null;

  constructor(client: ClientBase) {
    this.#client = client;
  }

  rows<Row extends object>(text: string, values: unknown[] = [], name?: string): Promise<Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<object[]>();
    this.#waiting.push({ statement: { text, values, name }, resolve, reject });
    this.#sending ??= this.#send();
    return promise as Promise<Row[]>;
  }

  run(text: string, values: unknown[] = [], name?: string): void {
    this.#waiting.push({ statement: { text, values, name }, ...nobody });
  }

  async script(text: string): Promise<void> {
    // Begins the transaction and sends what waits.
    await this.rows("select 1");
    await this.#client.query(text);
  }

  /** Sends what is left. @throws what a statement failed with, though the work may have caught it. */
  async commit(): Promise<void> {
    await this.#sending;
    // Told to commit, the server would roll back and call that done.
    if (this.#failure) throw this.#failure.error;
    const rest = this.#waiting.map(({ statement }) => statement);
    this.#waiting = [];
    // What goes in one batch is a transaction without being told.
    if (this.#begun) rest.push(end("commit"));
    if (rest.length > 0) await send(this.#client, rest);
  }

  async rollback(): Promise<void> {
    await this.#sending;
    this.#waiting = [];
    if (this.#begun) await send(this.#client, [end("rollback")]);
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting;
      this.#waiting = [];
      const statements = asked.map(({ statement }) => statement);
      if (!this.#begun) statements.unshift(end("begin"));
      const first = this.#begun ? 0 : 1;
      this.#begun = true;
      try {
        const results = await send(this.#client, statements);
        asked.forEach(({ resolve }, at) => resolve(results[at + first]!));
      } catch (error) {
        this.#failure ??= { error };
        for (const { reject } of asked) reject(error);
      }
    }
    this.#sending = null;
  }
}

function end(text: "begin" | "commit" | "rollback"): Statement {
  return { text, values: [], name: text };
}
