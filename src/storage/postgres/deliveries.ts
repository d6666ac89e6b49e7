import type { DeliveryId, RunId } from "../../core/ids.ts";
import { type DeliveryStorage, givenUpKeptMs } from "../../core/ports/deliveries.ts";
import type { Delivery } from "../../core/webhook.ts";
import { type DeliveryRow, deliveryOf } from "./codec.ts";
import { type Database, json, type TransactionConnection } from "./database.ts";

export class PostgresDeliveries implements DeliveryStorage {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async claim(params: { now: number; leaseUntil: number }): Promise<Delivery | null> {
    const [row] = await this.#database.rows<DeliveryRow>(
      `update deliveries set attempts = attempts + 1, next_attempt_at = $2 where delivery_id = (
         select delivery_id from deliveries where next_attempt_at <= $1
         order by next_attempt_at, delivery_id limit 1 for update skip locked)
       returning *`,
      [params.now, params.leaseUntil],
      "delivery_claim",
    );
    return row ? deliveryOf(row) : null;
  }

  async fail(params: {
    deliveryId: DeliveryId;
    attempts: number;
    at: number | null;
    error: string;
  }): Promise<void> {
    await this.#database.rows(
      `update deliveries set next_attempt_at = $3, last_error = $4
       where delivery_id = $1 and attempts = $2`,
      [params.deliveryId, params.attempts, params.at, params.error],
    );
  }

  async delete(deliveryId: DeliveryId): Promise<void> {
    await this.#database.rows("delete from deliveries where delivery_id = $1", [deliveryId]);
  }

  async ofRun(runId: RunId): Promise<Delivery | null> {
    const [row] = await this.#database.rows<DeliveryRow>(
      "select * from deliveries where run_id = $1",
      [runId],
    );
    return row ? deliveryOf(row) : null;
  }

  async nextDue(): Promise<number | null> {
    const [row] = await this.#database.rows<{ due: number | null }>(
      "select min(next_attempt_at) as due from deliveries",
      [],
      "delivery_next_due",
    );
    return row!.due;
  }
}

/** Also removes what was given up long ago, unless another transaction does so. */
export function insertDelivery(connection: TransactionConnection, delivery: Delivery): void {
  connection.run(
    `delete from deliveries where delivery_id in (
       select delivery_id from deliveries where next_attempt_at is null and created_at < $1
       for update skip locked)`,
    [delivery.createdAt - givenUpKeptMs],
    "delivery_clean",
  );
  connection.run(
    `insert into deliveries (delivery_id, run_id, url, run, temporary, last_state,
       created_at, attempts, next_attempt_at, last_error)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      delivery.deliveryId,
      delivery.run.runId,
      delivery.url,
      json(delivery.run),
      delivery.temporary,
      delivery.values,
      delivery.createdAt,
      delivery.attempts,
      delivery.nextAttemptAt,
      delivery.lastError,
    ],
    "delivery_insert",
  );
}
