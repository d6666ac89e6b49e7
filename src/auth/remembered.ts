/** `auth.cache` of langgraph.json. */
export interface CacheSettings {
  /** Names of the headers, in lower case, that alone decide who asks. At least one. */
  headers: string[];
  ttlMs: number;
  sizeMax: number;
}

/**
 * Whom requests with the same credentials were found to be, for a while. Only who was let in is
 * remembered, and only under credentials: a request without any of the headers is always asked about.
 */
export class RememberedUsers {
  readonly #settings: CacheSettings;
  readonly #now: () => number;
  /** Those found longest ago come first. */
  readonly #found = new Map<string, { user: object; until: number }>();

  constructor(settings: CacheSettings, now: () => number = Date.now) {
    this.#settings = settings;
    this.#now = now;
  }

  async find(request: Request, authenticate: () => Promise<object>): Promise<object> {
    const values = this.#settings.headers.map((name) => request.headers.get(name));
    if (values.every((value) => value === null)) return authenticate();
    const key = JSON.stringify(values);
    const known = this.#found.get(key);
    if (known && known.until > this.#now()) return known.user;
    this.#found.delete(key);
    const user = await authenticate();
    this.#found.set(key, { user, until: this.#now() + this.#settings.ttlMs });
    if (this.#found.size > this.#settings.sizeMax) {
      this.#found.delete(this.#found.keys().next().value!);
    }
    return user;
  }

  /** The rules have changed. */
  clear(): void {
    this.#found.clear();
  }
}
