import { describe } from "vitest";
import { describeAssistants } from "./assistants.ts";
import { describeCheckpoints } from "./checkpoints.ts";
import { describeCrons } from "./crons.ts";
import { describeDeliveries } from "./deliveries.ts";
import { describeExpiry } from "./expiry.ts";
import type { OpenStorage } from "./fixtures.ts";
import { describeItems } from "./items.ts";
import { describeRunKeys } from "./run-keys.ts";
import { describeRunSearch } from "./run-search.ts";
import { describeRuns } from "./runs.ts";
import { describeThreads } from "./threads.ts";
import { describeVisibility } from "./visibility.ts";

/**
 * What every storage does, whatever it is made of. `open` gives an empty storage each time; the suite
 * disposes it.
 */
export function describeStorage(name: string, open: OpenStorage): void {
  // oxlint-disable-next-line vitest/valid-title -- the storage's name comes from the caller
  describe(name, () => {
    describeAssistants(open);
    describeThreads(open);
    describeRuns(open);
    describeRunSearch(open);
    describeRunKeys(open);
    describeCheckpoints(open);
    describeItems(open);
    describeVisibility(open);
    describeCrons(open);
    describeDeliveries(open);
    describeExpiry(open);
  });
}
