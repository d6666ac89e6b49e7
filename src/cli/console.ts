import { AsyncLocalStorage } from "node:async_hooks";
import { format } from "node:util";
import type { Log, Ports } from "../core/ports/ports.ts";

const levels = {
  debug: "debug",
  log: "info",
  info: "info",
  warn: "warn",
  error: "error",
} as const satisfies Record<string, keyof Log>;

/**
 * Makes what graphs write to the console lines of the log, under the name of the run that wrote them:
 * where the log is for machines, a line that is none would break their reading. Returns how to name
 * what some work writes, and to give the console back.
 */
export function logConsole(log: Log): { named: NonNullable<Ports["named"]> } & Disposable {
  const fields = new AsyncLocalStorage<Record<string, unknown>>();
  const before = { ...console };
  for (const [method, level] of Object.entries(levels)) {
    console[method as keyof typeof levels] = (...said: unknown[]): void => {
      log[level]({ ...fields.getStore(), source: "console" }, format(...said));
    };
  }
  return {
    named: (name, work) => fields.run(name, work),
    [Symbol.dispose]: () => void Object.assign(console, before),
  };
}
