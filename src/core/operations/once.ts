import { conflict } from "../error.ts";
import { fingerprintOf, keysOf, KeyTaken, type RunKey } from "../idempotency.ts";
import type { RunId } from "../ids.ts";
import type { Ports } from "../ports/ports.ts";
import type { Run } from "../run.ts";

/** What makes a creation repeatable; without both it makes a run each time. */
export interface Repeatable {
  idempotencyKey?: string | null;
  /** The caller's own id for the run. */
  runId?: RunId | null;
}

/** The keys to store with the run that is made. */
export type Remember = (run: Run) => RunKey[];

/**
 * Makes a run, or finds the one that the same request made within `idempotencyTtlMs`: also another
 * server's, and one whose answer never reached the caller. `said` is what makes requests the same.
 *
 * @throws conflict when the key or the id belongs to another request.
 */
export async function once(
  ports: Ports,
  request: Repeatable,
  said: object,
  make: (remember: Remember) => Promise<Run>,
): Promise<{ run: Run; repeated: boolean }> {
  const keys = keysOf(request);
  if (keys.length === 0) return { run: await make(() => []), repeated: false };
  const fingerprint = fingerprintOf({ ...said, runId: request.runId ?? null });
  const first = await firstRun(ports, keys, fingerprint);
  if (first) return { run: first, repeated: true };
  if (request.runId && (await ports.storage.runs.get(request.runId))) throw idTaken(request.runId);
  const createdAt = ports.clock.now();
  const expiresAt = createdAt + ports.limits.idempotencyTtlMs;
  try {
    const remember: Remember = (run) =>
      keys.map((key) => ({ key, fingerprint, run, createdAt, expiresAt }));
    return { run: await make(remember), repeated: false };
  } catch (thrown) {
    // The same request may have been quicker, here or on another server, and may have made this one fail.
    const other = await firstRun(ports, keys, fingerprint);
    if (other) return { run: other, repeated: true };
    if (thrown instanceof KeyTaken) {
      throw conflict(`${thrown.message} It ends just now; send the request again.`);
    }
    throw thrown;
  }
}

async function firstRun(ports: Ports, keys: string[], fingerprint: string): Promise<Run | null> {
  for (const key of keys) {
    const found = await ports.storage.runs.remembered(key, ports.clock.now());
    if (!found) continue;
    if (found.fingerprint !== fingerprint) throw otherRequest(key, found.run.runId);
    return (await ports.storage.runs.get(found.run.runId)) ?? found.run;
  }
  return null;
}

function otherRequest(key: string, runId: RunId) {
  return key.startsWith("run:")
    ? idTaken(runId)
    : conflict(
        `This Idempotency-Key has made run ${runId} from a different request. Use a new key for a new run.`,
      );
}

function idTaken(runId: RunId) {
  return conflict(`Run ${runId} exists already. Use another run_id, or none to be given one.`);
}
