import { readFilter } from "../core/condition.ts";
import { AdjutantError, invalid } from "../core/error.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import {
  AuthRefusal,
  type Auth,
  type AuthEvent,
  type Decision,
  type User,
} from "../core/ports/auth.ts";
import { RememberedUsers, type CacheSettings } from "./remembered.ts";

type Authenticate = (request: Request) => unknown;
type Handler = (event: object) => unknown;

/** What the SDK's `Auth` object collected: its server reads it under this name. */
interface HandlerCache {
  authenticate?: Authenticate;
  callbacks?: Record<string, Handler>;
}

/**
 * The `Auth` object that `auth.path` of langgraph.json names, of whichever copy of the SDK
 * (specification 3.9). Whatever a handler returns that cannot be understood lets nobody in.
 */
export class AuthHandlers implements Auth {
  readonly #keys: Auth | null;
  /** Users as `authenticate` returned them, with what JSON cannot hold, for the handlers. */
  readonly #originals = new WeakMap<User, object>();
  readonly #remembered: RememberedUsers | null;
  #handlers: HandlerCache;

  /**
   * @param keys who asks, when the object has handlers but no `authenticate`.
   * @param cache how long `authenticate` is not asked again; null: it always is.
   * @throws invalid when it is no `Auth` object, or both could tell who asks, or neither.
   */
  constructor(exported: unknown, keys: Auth | null, cache: CacheSettings | null = null) {
    this.#keys = keys;
    this.#remembered = cache && new RememberedUsers(cache);
    this.#handlers = readCache(exported, keys);
  }

  /** Takes over a changed object; what is wrong with it is thrown, and the one before stays. */
  replace(exported: unknown): void {
    this.#handlers = readCache(exported, this.#keys);
    this.#remembered?.clear();
  }

  async authenticate(request: Request): Promise<User> {
    const { authenticate } = this.#handlers;
    if (!authenticate) return this.#keys!.authenticate(request);
    const ask = () => recognised(authenticate, request);
    const original = await (this.#remembered ? this.#remembered.find(request, ask) : ask());
    const user = toUser(original);
    this.#originals.set(user, { ...user.profile, ...original, ...pick(user) });
    return user;
  }

  async authorize({ action, value, user }: AuthEvent): Promise<Decision> {
    const handler = this.#handlerOf(action);
    if (!handler) return { kind: "allow" };
    const [resource, verb] = action.split(":");
    const result = await refusing(() =>
      handler({
        event: action,
        resource,
        action: verb,
        value,
        user: this.#originals.get(user) ?? user.profile,
        permissions: user.permissions,
      }),
    );
    return readResult(action, result);
  }

  /** The most specific one. */
  #handlerOf(action: string): Handler | undefined {
    const { callbacks = {} } = this.#handlers;
    const [resource, verb] = action.split(":") as [string, string];
    const names = [action, resource, `*:${verb}`, "*"];
    const name = names.find((one) => Object.hasOwn(callbacks, one));
    return name === undefined ? undefined : callbacks[name];
  }
}

/** What `authenticate` says of the user. @throws unauthenticated, AuthRefusal */
async function recognised(authenticate: Authenticate, request: Request): Promise<object> {
  const result = await refusing(() => authenticate(request));
  const original = typeof result === "string" ? { identity: result } : result;
  if (!original || (typeof original === "object" && !("identity" in original))) {
    throw new AdjutantError(
      "unauthenticated",
      "The server's authentication recognised nobody in this request.",
    );
  }
  return original as object;
}

function readCache(exported: unknown, keys: Auth | null): HandlerCache {
  const cache = (exported as { "~handlerCache"?: HandlerCache } | null)?.["~handlerCache"];
  if (typeof cache !== "object" || cache === null) {
    throw invalid(
      '"auth.path" of langgraph.json must name an Auth object: `export const auth = new Auth().authenticate(…)`, with Auth from "@langchain/langgraph-sdk/auth".',
    );
  }
  if (cache.authenticate && keys) {
    throw invalid(
      "Both ADJUTANT_API_KEYS and the `authenticate` of auth.path would say who asks. Leave one of them out.",
    );
  }
  if (!cache.authenticate && !keys) {
    throw invalid(
      "The Auth object of auth.path has no `authenticate`, so nobody could come in. Give it one, or set ADJUTANT_API_KEYS.",
    );
  }
  return cache;
}

function readResult(action: string, result: unknown): Decision {
  if (result === undefined || result === null || result === true) return { kind: "allow" };
  if (result === false) return { kind: "deny" };
  if (!isObject(result)) {
    throw new TypeError(
      `The auth handler for ${action} returned a ${typeof result}: return nothing or true to allow, false to deny, or a filter.`,
    );
  }
  try {
    const isEmpty = Object.keys(result).length === 0;
    return isEmpty ? { kind: "allow" } : { kind: "filter", condition: readFilter(result) };
  } catch (thrown) {
    throw new TypeError(
      `The auth handler for ${action} returned what is no filter: ${(thrown as Error).message}.`,
      { cause: thrown },
    );
  }
}

/** Runs user code; its `HTTPException`, of whichever copy, becomes a refusal. */
async function refusing(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (thrown) {
    const { status, message, headers } = (thrown ?? {}) as Partial<Record<string, unknown>>;
    const isStatus = typeof status === "number" && status >= 400 && status <= 599;
    if (!isStatus || typeof message !== "string") throw thrown;
    const entries = Object.fromEntries(new Headers((headers ?? {}) as HeadersInit));
    throw new AuthRefusal(status, message, entries);
  }
}

/** Specification 3.9: what is missing gets its default. */
function toUser(original: object): User {
  const json = JSON.parse(JSON.stringify(original)) as JsonObject;
  const { identity, permissions } = json;
  if (typeof identity !== "string" || identity === "") {
    throw new TypeError("`authenticate` must return an identity that is a text and not empty.");
  }
  const granted = Array.isArray(permissions) ? permissions.map(String) : [];
  const profile = {
    display_name: identity,
    is_authenticated: true,
    ...json,
    identity,
    permissions: granted,
  };
  return { identity, permissions: granted, profile };
}

function pick({ identity, permissions }: User): object {
  return { identity, permissions };
}
