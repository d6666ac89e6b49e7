import type { DiagLogger } from "@opentelemetry/api";
import type { Log } from "../core/ports/ports.ts";

/** How long the SDK is not listened to after it has complained, in ms. */
const silenceMs = 60_000;

/** What the SDK has to say, but not with every batch that a collector does not take. */
export class ThrottledWarnings implements DiagLogger {
  readonly #log: Log;
  #silentUntil = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  error(message: string, ...details: unknown[]): void {
    this.#say(message, details);
  }

  warn(message: string, ...details: unknown[]): void {
    this.#say(message, details);
  }

  info(): void {}
  debug(): void {}
  verbose(): void {}

  #say(message: string, details: unknown[]): void {
    const now = Date.now();
    if (now < this.#silentUntil) return;
    this.#silentUntil = now + silenceMs;
    const said = [message, ...details.map(String)].join(" ");
    this.#log.warn({ reason: said }, "traces do not arrive; runs go on without them");
  }
}
