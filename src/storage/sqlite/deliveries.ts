import type { DeliveryId, RunId } from "../../core/ids.ts";
import { type DeliveryStorage, givenUpKeptMs } from "../../core/ports/deliveries.ts";
import type { Delivery } from "../../core/webhook.ts";
import { type DeliveryRow, deliveryOf } from "./codec.ts";
import type { Connection } from "./connection.ts";

export class SqliteDeliveries implements DeliveryStorage {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async claim(params: { now: number; leaseUntil: number }): Promise<Delivery | null> {
    const row = this.#connection.row<DeliveryRow>(
      `update deliveries set attempts = attempts + 1, next_attempt_at = ?2 where delivery_id = (
         select delivery_id from deliveries where next_attempt_at <= ?1
         order by next_attempt_at, delivery_id limit 1)
       returning *`,
      params.now,
      params.leaseUntil,
    );
    return row ? deliveryOf(row) : null;
  }

  async fail(params: {
    deliveryId: DeliveryId;
    attempts: number;
    at: number | null;
    error: string;
  }): Promise<void> {
    this.#connection.run(
      `update deliveries set next_attempt_at = ?, last_error = ?
       where delivery_id = ? and attempts = ?`,
      params.at,
      params.error,
      params.deliveryId,
      params.attempts,
    );
  }

  async delete(deliveryId: DeliveryId): Promise<void> {
    this.#connection.run("delete from deliveries where delivery_id = ?", deliveryId);
  }

  async ofRun(runId: RunId): Promise<Delivery | null> {
    const row = this.#connection.row<DeliveryRow>(
      "select * from deliveries where run_id = ?",
      runId,
    );
    return row ? deliveryOf(row) : null;
  }

  async nextDue(): Promise<number | null> {
    return this.#connection.row<{ due: number | null }>(
      "select min(next_attempt_at) as due from deliveries",
    )!.due;
  }
}

/** Also removes what was given up long ago. */
export function insertDelivery(connection: Connection, delivery: Delivery): void {
  connection.run(
    "delete from deliveries where next_attempt_at is null and created_at < ?",
    delivery.createdAt - givenUpKeptMs,
  );
  connection.run(
    `insert into deliveries (delivery_id, run_id, url, run, temporary, last_state,
       created_at, attempts, next_attempt_at, last_error)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    delivery.deliveryId,
    delivery.run.runId,
    delivery.url,
    JSON.stringify(delivery.run),
    Number(delivery.temporary),
    delivery.values,
    delivery.createdAt,
    delivery.attempts,
    delivery.nextAttemptAt,
    delivery.lastError,
  );
}
