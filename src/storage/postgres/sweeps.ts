import type { SweepStorage } from "../../core/ports/sweeps.ts";
import type { Database } from "./database.ts";

export class PostgresSweeps implements SweepStorage {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async take(params: {
    name: string;
    now: number;
    intervalMs: number;
  }): Promise<{ taken: boolean; nextAt: number }> {
    const { name, now, intervalMs } = params;
    return this.#database.transaction(async (connection) => {
      const taken = await connection.rows(
        `insert into sweeps (name, next_at) values ($1, $2::bigint + $3::bigint)
         on conflict (name) do update set next_at = excluded.next_at
         where sweeps.next_at <= $2 or sweeps.next_at > excluded.next_at
         returning name`,
        [name, now, intervalMs],
      );
      const [row] = await connection.rows<{ next_at: number }>(
        "select next_at from sweeps where name = $1",
        [name],
      );
      return { taken: taken.length > 0, nextAt: row!.next_at };
    });
  }
}
