import type { SweepStorage } from "../../core/ports/sweeps.ts";
import type { Connection } from "./connection.ts";

export class SqliteSweeps implements SweepStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async take(params: {
    name: string;
    now: number;
    intervalMs: number;
  }): Promise<{ taken: boolean; nextAt: number }> {
    const { name, now, intervalMs } = params;
    return this.#connection.transaction(() => {
      const taken = this.#connection.run(
        `insert into sweeps (name, next_at) values (?1, ?2 + ?3)
         on conflict (name) do update set next_at = excluded.next_at
         where next_at <= ?2 or next_at > excluded.next_at`,
        name,
        now,
        intervalMs,
      );
      const { next_at: nextAt } = this.#connection.row<{ next_at: number }>(
        "select next_at from sweeps where name = ?",
        name,
      )!;
      return { taken: taken > 0, nextAt };
    });
  }
}
