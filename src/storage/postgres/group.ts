import { DatabaseError } from "pg";
import type { Statement } from "./batch.ts";

/** Statements of one group: they hold their locks until the last of them is done. */
const groupMax = 50;

interface Asked {
  statement: Statement;
  resolve: (rows: object[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Statements of one kind, asked for by many at once, that share a round trip and a commit: those of one
 * turn of the event loop, and those that come while a group is on its way. Each must be a whole unit
 * of work. What one of them fails with undoes the group; then each is done by itself, so that it fails
 * alone. Nobody hears that his is done before the commit.
 */
export class Group {
  readonly #send: (statements: Statement[]) => Promise<object[][]>;
  #waiting: Asked[] = [];
  #busy = false;

  /** `send` does all in one transaction. */
  constructor(send: (statements: Statement[]) => Promise<object[][]>) {
    this.#send = send;
  }

  rows<Row extends object>(text: string, values: unknown[], name?: string): Promise<Row[]> {
    const { promise, resolve, reject } = Promise.withResolvers<object[]>();
    this.#waiting.push({ statement: { text, values, name }, resolve, reject });
    if (!this.#busy) {
      this.#busy = true;
      setImmediate(() => void this.#sendAll());
    }
    return promise as Promise<Row[]>;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendGroup(this.#waiting.splice(0, groupMax));
    this.#busy = false;
  }

  async #sendGroup(asked: Asked[]): Promise<void> {
    try {
      const results = await this.#send(asked.map(({ statement }) => statement));
      asked.forEach(({ resolve }, at) => resolve(results[at]!));
    } catch (error) {
      // Where the connection broke nobody knows what was done.
      if (asked.length === 1 || !(error instanceof DatabaseError)) {
        for (const { reject } of asked) reject(error);
      } else await Promise.all(asked.map((one) => this.#sendGroup([one])));
    }
  }
}
