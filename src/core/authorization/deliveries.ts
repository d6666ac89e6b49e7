import type { RunId } from "../ids.ts";
import type { DeliveryStorage } from "../ports/deliveries.ts";
import type { Storage } from "../ports/storage.ts";
import type { GuardedRuns } from "./runs.ts";

/** Of runs the caller sees. Deliveries themselves are the sender's. */
export class GuardedDeliveries implements Pick<DeliveryStorage, "ofRun"> {
  readonly #storage: DeliveryStorage;
  readonly #runs: GuardedRuns;

  constructor({ deliveries }: Storage, runs: GuardedRuns) {
    this.#storage = deliveries;
    this.#runs = runs;
  }

  async ofRun(runId: RunId): ReturnType<DeliveryStorage["ofRun"]> {
    return (await this.#runs.isVisible(runId)) ? this.#storage.ofRun(runId) : null;
  }
}
