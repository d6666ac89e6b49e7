import { setTimeout as delay } from "node:timers/promises";
import { isConnectionLost } from "./database.ts";

/** As long as a restart of Postgres takes, and shorter than a lease. */
const patienceMs = 5_000;
const firstPauseMs = 100;

/**
 * Does `work` again when the connection was lost, so that a restart of Postgres does not fail what runs.
 * Only for what may be done twice: the first time may have been done, and only its answer be lost.
 */
export async function throughRestart<Result>(work: () => Promise<Result>): Promise<Result> {
  const begun = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      const spent = performance.now() - begun + pauseMs;
      if (!isConnectionLost(error) || spent > patienceMs) throw error;
      await delay(pauseMs);
    }
  }
}
