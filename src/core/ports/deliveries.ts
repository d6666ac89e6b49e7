import type { DeliveryId, RunId } from "../ids.ts";
import type { Delivery } from "../webhook.ts";

/** Deliveries are created by `ThreadChange.deliver`, with the end they tell of. */
export interface DeliveryStorage {
  /**
   * Takes the delivery that has been due longest, with `attempts + 1`, and keeps it from others until
   * `leaseUntil`: should its server die, another tries again then.
   */
  claim(params: { now: number; leaseUntil: number }): Promise<Delivery | null>;
  /** Ends the try number `attempts`: again at `at`, or, with null, never. Ignored when another try has begun. */
  fail(params: {
    deliveryId: DeliveryId;
    attempts: number;
    at: number | null;
    error: string;
  }): Promise<void>;
  /** It has arrived. */
  delete(deliveryId: DeliveryId): Promise<void>;
  /** The delivery of a run, if it has not arrived. */
  ofRun(runId: RunId): Promise<Delivery | null>;
  /** The next moment at which `claim` may find something, in ms since 1970. */
  nextDue(): Promise<number | null>;
}

/** How long a delivery that was given up can still be looked at. */
export const givenUpKeptMs = 24 * 60 * 60 * 1000;
