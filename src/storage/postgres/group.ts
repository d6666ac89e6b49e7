import { DatabaseError } from "pg";
import type { Statement } from "./batch.ts";
import { sizeOf } from "./parameters.ts";

/** Statements of one group: they hold their locks until the last of them is done. */
const groupMax = 50;
/** Of their parameters: a large one is not what all others wait for. */
const groupBytesMax = 1_000_000;

/**
 * How long a group waits for a lock that somebody else holds. Then it is given up, and only the one that
 * needs the lock waits on. Shorter than `deadlock_timeout` (1 s): of two groups, or a group and a
 * transaction, that wait for each other the group yields, and nobody is chosen as the victim.
 */
export const lockPatience = "set_config('lock_timeout', '200ms', true)";
export const patience: Statement = {
  text: `select ${lockPatience}`,
  values: [],
  name: "patience",
};
const lockNotAvailable = "55P03";

interface Asked {
  statement: Statement;
  resolve: (rows: object[]) => void;
  reject: (error: unknown) => void;
}

/**
 * Statements of one kind, asked for by many at once, that share a round trip and a commit: those of one
 * turn of the event loop, and those that come while a group is on its way. Each must be a whole unit
 * of work. What one of them fails with undoes the group; then each is done by itself, so that it fails
 * alone, and the next group does not wait for it. Nobody hears that his is done before the commit.
 *
 * They are done in the order of their first values, which name what they lock: two groups, also of two
 * servers, do not lock the same in different orders.
 */
export class Group {
  readonly #send: (statements: Statement[]) => Promise<object[][]>;
  readonly #first: Statement | null;
  #waiting: Asked[] = [];
  #busy = false;

  /**
   * `send` does all in one transaction. `first` is done before the statements of a group (not of one
   * that is done by itself), and contains `lockPatience`; null for statements that lock nothing.
   */
  constructor(
    send: (statements: Statement[]) => Promise<object[][]>,
    { first }: { first: Statement | null },
  ) {
    this.#send = send;
    this.#first = first;
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
    while (this.#waiting.length > 0) await this.#sendGroup(this.#nextGroup());
    this.#busy = false;
  }

  /** The oldest that wait, as many as the limits allow and one at least. */
  #nextGroup(): Asked[] {
    let bytes = 0;
    const within = ({ statement }: Asked, at: number): boolean => {
      bytes += statement.values.reduce((sum: number, value) => sum + sizeOf(value), 0);
      return at === 0 || (at < groupMax && bytes <= groupBytesMax);
    };
    const behind = this.#waiting.findIndex((asked, at) => !within(asked, at));
    const group = this.#waiting.splice(0, behind < 0 ? this.#waiting.length : behind);
    return group.toSorted((one, other) => compare(keyOf(one), keyOf(other)));
  }

  async #sendGroup(asked: Asked[]): Promise<void> {
    const statements = asked.map(({ statement }) => statement);
    try {
      const results = await this.#send(this.#first ? [this.#first, ...statements] : statements);
      const skipped = this.#first ? 1 : 0;
      asked.forEach(({ resolve }, at) => resolve(results[at + skipped]!));
    } catch (error) {
      // Where the connection broke nobody knows what was done.
      const undone = error instanceof DatabaseError;
      if (undone && (asked.length > 1 || error.code === lockNotAvailable)) {
        for (const one of asked) void this.#sendAlone(one);
      } else for (const { reject } of asked) reject(error);
    }
  }

  async #sendAlone({ statement, resolve, reject }: Asked): Promise<void> {
    try {
      const [rows] = await this.#send([statement]);
      resolve(rows!);
    } catch (error) {
      reject(error);
    }
  }
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function keyOf({ statement }: Asked): string {
  return String(statement.values[0]);
}
