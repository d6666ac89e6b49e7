import type { JsonObject } from "../../core/json.ts";
import type { RpcId } from "../json-rpc.ts";
import type { RouteRequest } from "../route.ts";
import type { Family } from "./parts.ts";

/** One call of a method. */
export interface Call extends Pick<
  RouteRequest<never, never, never>,
  "ports" | "admit" | "configurable" | "headers"
> {
  id: RpcId;
  family: Family;
  params: JsonObject;
  /** Where the assistant is spoken to. */
  url: string;
}
