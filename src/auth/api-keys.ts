import { createHash, timingSafeEqual } from "node:crypto";
import { AdjutantError, invalid } from "../core/error.ts";
import type { Auth, Decision, User } from "../core/ports/auth.ts";

interface KnownKey {
  name: string;
  hash: Buffer;
}

/** Shorter keys can be guessed over the network. */
const keyLengthMin = 16;

/**
 * Keys that open everything. Only their hashes are kept, and all of them are compared, each in the same
 * time, so that neither a dump of memory nor a clock tells one.
 */
export class ApiKeys implements Auth {
  readonly #keys: KnownKey[];

  /**
   * @param list `key` or `name:key`, separated by commas (`ADJUTANT_API_KEYS`).
   * @throws invalid, which does not repeat the keys
   */
  constructor(list: string) {
    const entries = list
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
    this.#keys = entries.map((entry, at) => {
      const colon = entry.indexOf(":");
      const name = colon > 0 ? entry.slice(0, colon).trim() : `key-${at + 1}`;
      const key = entry.slice(colon > 0 ? colon + 1 : 0).trim();
      if (key.length < keyLengthMin) {
        throw invalid(
          `ADJUTANT_API_KEYS: the key "${name}" has fewer than ${keyLengthMin} characters. Make one with: openssl rand -hex 32`,
        );
      }
      return { name, hash: hashOf(key) };
    });
  }

  async authenticate(request: Request): Promise<User> {
    const given = keyOf(request.headers);
    if (given === null) {
      throw new AdjutantError(
        "unauthenticated",
        "This server needs an API key. Send it as `x-api-key: <key>` or `Authorization: Bearer <key>`.",
      );
    }
    const hash = hashOf(given);
    let found: KnownKey | null = null;
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hash)) found = key;
    if (!found) {
      throw new AdjutantError(
        "unauthenticated",
        "The API key is not one of this server's. Compare it with ADJUTANT_API_KEYS on the server.",
      );
    }
    return keyUser(found.name);
  }

  async authorize(): Promise<Decision> {
    return { kind: "allow" };
  }
}

function keyUser(name: string): User {
  const profile = { identity: name, display_name: name, is_authenticated: true, permissions: [] };
  return { identity: name, permissions: [], profile };
}

function keyOf(headers: Headers): string | null {
  const bearer = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  return headers.get("x-api-key") ?? bearer?.trim() ?? null;
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
