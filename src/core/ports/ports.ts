import type { ExpiryPolicy } from "../expiry.ts";
import type { Ids } from "../ids.ts";
import type { Limits } from "../limits.ts";
import type { Auth, User } from "./auth.ts";
import type { EventLog, Signals } from "./events.ts";
import type { Graphs } from "./graphs.ts";
import type { Meter } from "./meter.ts";
import type { Tracing } from "./tracing.ts";
import type { ItemIndex } from "./item-index.ts";
import type { WebhookPolicy } from "../webhook.ts";
import type { Schedules } from "./schedules.ts";
import type { Storage } from "./storage.ts";

/** Milliseconds since 1970. */
export interface Clock {
  now(): number;
}

export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** Everything an operation may use. Filled once, by the command line. */
export interface Ports {
  storage: Storage;
  events: EventLog;
  signals: Signals;
  graphs: Graphs;
  clock: Clock;
  ids: Ids;
  limits: Limits;
  schedules: Schedules;
  itemIndex: ItemIndex;
  /** What a run may name as its webhook. */
  webhookPolicy: WebhookPolicy;
  /** How long threads and items stay. */
  /** Read where it is needed: while files are watched it changes with langgraph.json. */
  expiry: ExpiryPolicy;
  log: Log;
  /** Who may do what; absent: everyone may do everything. */
  auth?: Auth;
  /** On whose behalf; absent for the server itself, and without authentication. */
  caller?: User;
  /** Absent: nobody counts. */
  meter?: Meter;
  /** Absent: nothing is traced. */
  tracing?: Tracing;
  /** W3C `traceparent` of what is being done; absent: it is not traced. */
  traceparent?: string;
  /** What `work` and all it begins writes to the console bears these fields; absent: it stays as it is. */
  named?: <Result>(fields: Record<string, unknown>, work: () => Result) => Result;
}
