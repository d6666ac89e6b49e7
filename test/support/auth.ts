import { readFilter } from "../../src/core/condition.ts";
import { AdjutantError } from "../../src/core/error.ts";
import { isObject } from "../../src/core/json.ts";
import type { Auth, AuthEvent, Decision, User } from "../../src/core/ports/auth.ts";

/** Who asks is who the header `x-user` says; what they may do is what the test says at the moment. */
export class TestAuth implements Auth {
  /** All that was asked, in order. */
  readonly asked: AuthEvent[] = [];
  decide: (event: AuthEvent) => Decision = () => ({ kind: "allow" });

  async authenticate(request: Request): Promise<User> {
    const identity = request.headers.get("x-user");
    if (!identity) throw new AdjutantError("unauthenticated", "Say who you are in x-user.");
    const profile = { identity, display_name: identity, is_authenticated: true, permissions: [] };
    return { identity, permissions: [], profile };
  }

  async authorize(event: AuthEvent): Promise<Decision> {
    this.asked.push(event);
    return this.decide(event);
  }
}

/** The handler of the LangGraph documentation: everything belongs to who made it, items by their namespace. */
export function ownedByUser({ action, value, user }: AuthEvent): Decision {
  if (action.startsWith("store:")) {
    return { kind: "filter", condition: readFilter({ namespace: { $contains: user.identity } }) };
  }
  if ("metadata" in value) {
    value["metadata"] = {
      ...(isObject(value["metadata"]) ? value["metadata"] : {}),
      owner: user.identity,
    };
  }
  return { kind: "filter", condition: readFilter({ owner: user.identity }) };
}
