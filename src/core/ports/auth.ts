import type { Condition } from "../condition.ts";
import { AdjutantError } from "../error.ts";
import type { JsonObject } from "../json.ts";

export type Resource = "assistants" | "threads" | "crons" | "store";

/** What a request does to what, in the words of authorization handlers (LangGraph API specification 3.9). */
export type Action =
  | `${Exclude<Resource, "store">}:${"create" | "read" | "update" | "delete" | "search"}`
  | "threads:create_run"
  | `store:${"put" | "get" | "delete" | "search" | "list_namespaces"}`;

/** Who asks. */
export interface User {
  identity: string;
  permissions: string[];
  /** All that authentication said of the user, as handlers and graphs see it: `identity`, `display_name` and so on. */
  profile: JsonObject;
}

/** What handlers are asked about. They may change `value`: what they write under `metadata` is kept. */
export interface AuthEvent {
  action: Action;
  value: JsonObject;
  user: User;
}

export type Decision =
  | { kind: "allow" }
  | { kind: "deny" }
  /** Allowed for what has such metadata; everything else is as if it were not there. */
  | { kind: "filter"; condition: Condition };

/** Who may do what. */
export interface Auth {
  /** `request` has no body. @throws AuthRefusal, or `unauthenticated` */
  authenticate(request: Request): Promise<User>;
  /** @throws AuthRefusal */
  authorize(event: AuthEvent): Promise<Decision>;
}

/** A refusal in the words of whoever runs the server: their status, message and headers stand. */
export class AuthRefusal extends AdjutantError {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(status === 401 ? "unauthenticated" : "forbidden", message);
    this.name = "AuthRefusal";
    this.status = status;
    this.headers = headers;
  }
}
