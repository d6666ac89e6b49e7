import { AdjutantError } from "./error.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import type { Interrupts } from "./thread.ts";

/** An answer to an interrupt that is not pending. */
export class UnknownInterruptError extends AdjutantError {
  constructor(unknown: string[], pending: string[]) {
    const known = pending.length > 0 ? `Pending: ${pending.join(", ")}.` : "None is pending.";
    super("invalid", `No interrupt ${unknown.join(", ")} is pending on the thread. ${known}`);
    this.name = "UnknownInterruptError";
  }
}

/** Ids of the interrupts that wait for an answer; those of breakpoints have none. */
export function pendingInterrupts(interrupts: Interrupts): string[] {
  return Object.values(interrupts).flatMap((list) => list.flatMap(({ id }) => id ?? []));
}

/** @throws UnknownInterruptError when a resume by ids names one that is not pending */
export function checkResume(resume: Json | undefined, interrupts: Interrupts): void {
  if (!isResumeMap(resume)) return;
  const pending = pendingInterrupts(interrupts);
  const unknown = Object.keys(resume).filter((id) => !pending.includes(id));
  if (unknown.length > 0) throw new UnknownInterruptError(unknown, pending);
}

/** As the graph library tells answers by interrupt from an answer that is an object. */
export function isResumeMap(resume: Json | undefined): resume is JsonObject {
  if (!isObject(resume)) return false;
  const keys = Object.keys(resume);
  return keys.length > 0 && keys.every((key) => /^[0-9a-f]{32}$/.test(key));
}
