import { createHash } from "node:crypto";
import type { RunId } from "./ids.ts";
import { isObject } from "./json.ts";
import type { Run } from "./run.ts";

/**
 * Remembers which run a request made, so that the same request sent again finds it (`Idempotency-Key`,
 * or the caller's own run id). Stored in the transaction that stores the run.
 */
export interface RunKey {
  key: string;
  /** Of the request; the same key with another one is a mistake. */
  fingerprint: string;
  /** The run as it was created: a stateless one is gone once it has ended. */
  run: Run;
  createdAt: number;
  expiresAt: number;
}

/** Somebody else stored a run under the key meanwhile: nothing was stored. */
export class KeyTaken extends Error {
  constructor(key: string) {
    super(`The key ${key} names another run.`);
    this.name = "KeyTaken";
  }
}

/** The keys a request may be recognised by. Header and id are kept apart, or one could name the other. */
export function keysOf(request: {
  idempotencyKey?: string | null;
  runId?: RunId | null;
}): string[] {
  const keys = [];
  if (request.idempotencyKey) keys.push(`key:${request.idempotencyKey}`);
  if (request.runId) keys.push(`run:${request.runId}`);
  return keys;
}

/** Equal for requests that say the same, in whatever order their keys come. */
export function fingerprintOf(request: object): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(request)))
    .digest("base64url");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  // Pairs, since keys such as `1` would not keep their place; in an object, or a list could say the same.
  return { pairs: entries.map(([key, inner]) => [key, sorted(inner)]) };
}
