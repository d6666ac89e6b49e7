import { Access } from "../core/authorization/access.ts";
import { guardPorts } from "../core/authorization/guard.ts";
import { AdjutantError } from "../core/error.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import type { User } from "../core/ports/auth.ts";
import type { Ports } from "../core/ports/ports.ts";
import type { Route, RouteEvent, RouteRequest } from "./route.ts";

type ReadRequest = RouteRequest<unknown, unknown, unknown>;

/**
 * Who may come in, and with what. Every request of every dialect passes here twice: before its body is
 * read, to say who asks; and before it is handled, to say what it may do. What it gets to work with
 * is guarded, so that nothing behind this gate has to ask again.
 */
export class Gate {
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** Null when the server asks nobody. @throws AuthRefusal, unauthenticated */
  async identify(request: Request): Promise<User | null> {
    if (!this.#ports.auth) return null;
    const { url, method, headers, signal } = request;
    // Without the body: reading it here would take it from the request's own handler.
    return this.#ports.auth.authenticate(new Request(url, { method, headers, signal }));
  }

  /** The ports for one request of a user, once for each thing it stands for. @throws forbidden, AuthRefusal */
  async admit(user: User | null, events: RouteEvent[]): Promise<Ports> {
    const { auth } = this.#ports;
    if (!auth) return this.#ports;
    if (!user) throw new AdjutantError("unauthenticated", "Nobody has asked who this is.");
    const access = new Access(auth, user);
    for (const { action, value, apply } of events) {
      await access.permit(action, value);
      checkMetadata(action, value);
      apply?.(value);
    }
    return guardPorts(this.#ports, access);
  }
}

/** What handlers are asked about a request: as its route says, or all that path, query and body say. */
export function eventsOf(route: Route, request: ReadRequest): RouteEvent[] {
  if (route.events) return route.events(request);
  const { action } = route;
  if (action === null || action === "member") return [];
  const { params, query, body } = request;
  const value: JsonObject = { ...part(query), ...part(body), ...part(params) };
  // What is made can always be tagged, also where the dialect's body has no metadata of its own.
  const takesMetadata = takes(route.body, "metadata") || /:create(_run)?$/.test(action);
  if (takesMetadata) value["metadata"] ??= {};
  const apply = (changed: JsonObject) => {
    if (!isObject(body)) return;
    for (const key of Object.keys(changed)) {
      if (key in body || (key === "metadata" && takes(route.body, key))) body[key] = changed[key]!;
    }
  };
  return [{ action, value, apply }];
}

function takes(schema: Route["body"], field: string): boolean {
  return field in ((schema as { shape?: object } | null)?.shape ?? {});
}

/** As it can be stored. */
function checkMetadata(action: string, value: JsonObject): void {
  const { metadata } = value;
  if (metadata === undefined || metadata === null) return;
  if (!isObject(metadata)) {
    throw new TypeError(`An auth handler for ${action} set value.metadata to what is no object.`);
  }
  value["metadata"] = JSON.parse(JSON.stringify(metadata)) as JsonObject;
}

function part(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
