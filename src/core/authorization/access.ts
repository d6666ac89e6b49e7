import { allOf, type Condition } from "../condition.ts";
import { AdjutantError } from "../error.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { Action, Auth, AuthEvent, Resource, User } from "../ports/auth.ts";

/** What is done to an object of a resource that the request's own events did not name. */
export type Intent = "read" | "change" | "search" | "create";

/**
 * What one request may do, on whose behalf. The storage and the event log that operations get are
 * guarded by it (`guardPorts`), so no operation can forget to ask: what a caller may not see is not
 * there, and what a request creates carries the tags its handlers gave it.
 */
export class Access {
  readonly user: User;
  readonly #auth: Auth;
  #action: Action | null = null;
  /** Of the events the request stands for, by resource. */
  readonly #permitted = new Map<Resource, Permission>();
  /** Of objects it meets on the way. */
  readonly #further = new Map<string, Promise<Condition | null>>();
  readonly #furtherTags = new Map<Resource, JsonObject>();

  constructor(auth: Auth, user: User) {
    this.#auth = auth;
    this.user = user;
  }

  /** Asks the handlers what the request stands for. They may write into `value`. @throws forbidden, AuthRefusal */
  async permit(action: Action, value: JsonObject): Promise<void> {
    this.#action ??= action;
    const before = metadataOf(value);
    const condition = await this.#ask({ action, value, user: this.user });
    const resource = resourceOf(action);
    const permission = this.#permitted.get(resource) ?? { seen: [], created: [], tags: {} };
    const isCreation = action.endsWith(":create");
    permission[isCreation ? "created" : "seen"].push(condition);
    Object.assign(permission.tags, written(before, metadataOf(value)));
    this.#permitted.set(resource, permission);
  }

  /** Whether the request itself is about the resource, or only meets it on the way. */
  isAbout(resource: Resource): boolean {
    return this.#permitted.has(resource);
  }

  /**
   * What an object's metadata must be like for the caller. Objects of another resource than the
   * request's raise an event of their own, such as `assistants:read` when a run is created.
   */
  async condition(
    resource: Resource,
    intent: Intent,
    value: JsonObject,
  ): Promise<Condition | null> {
    const permission = this.#permitted.get(resource);
    if (permission) {
      const { seen, created } = permission;
      const [first, second] = intent === "create" ? [created, seen] : [seen, created];
      return allOf(first.length > 0 ? first : second);
    }
    const action = this.#furtherAction(resource, intent);
    const key = JSON.stringify([action, value]);
    let asked = this.#further.get(key);
    if (!asked) {
      asked = this.#meet(resource, action, value);
      this.#further.set(key, asked);
    }
    return asked;
  }

  async #meet(resource: Resource, action: Action, about: JsonObject): Promise<Condition | null> {
    const value = action.endsWith(":create") ? { ...about, metadata: {} } : { ...about };
    const condition = await this.#ask({ action, value, user: this.user });
    const tags = this.#furtherTags.get(resource) ?? {};
    this.#furtherTags.set(resource, { ...tags, ...metadataOf(value) });
    return condition;
  }

  /** What handlers wrote under `value.metadata`: it is kept with what the request creates. */
  tagged(resource: Resource, metadata: JsonObject): JsonObject {
    const tags = this.#permitted.get(resource)?.tags ?? this.#furtherTags.get(resource);
    return tags ? { ...metadata, ...tags } : metadata;
  }

  /** A caller's own idempotency keys must not meet another's. */
  ownKey(key: string): string {
    return `${JSON.stringify(this.user.identity)} ${key}`;
  }

  #furtherAction(resource: Resource, intent: Intent): Action {
    if (resource === "store") return intent === "search" ? "store:search" : "store:get";
    if (intent !== "change") return `${resource}:${intent}`;
    return this.#action?.endsWith(":delete") ? `${resource}:delete` : `${resource}:update`;
  }

  async #ask(event: AuthEvent): Promise<Condition | null> {
    const decision = await this.#auth.authorize(event);
    if (decision.kind === "deny") {
      throw new AdjutantError(
        "forbidden",
        `You may not do this: ${event.action} is denied to ${event.user.identity}.`,
      );
    }
    return decision.kind === "filter" ? decision.condition : null;
  }
}

interface Permission {
  seen: (Condition | null)[];
  created: (Condition | null)[];
  tags: JsonObject;
}

function resourceOf(action: Action): Resource {
  return action.split(":", 1)[0] as Resource;
}

/** A copy, as JSON keeps it: handlers change what they are shown. */
function metadataOf(value: JsonObject): JsonObject {
  const { metadata } = value;
  return isObject(metadata) ? (JSON.parse(JSON.stringify(metadata)) as JsonObject) : {};
}

function written(before: JsonObject, after: JsonObject): JsonObject {
  const entries = Object.entries(after).filter(
    ([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value),
  );
  return Object.fromEntries(entries);
}
