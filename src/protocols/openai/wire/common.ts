import type { JsonObject } from "../../../core/json.ts";
import { withoutOwnNotes } from "../../../core/turn.ts";

/** Times of ours are milliseconds, OpenAI's are seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export function optionalSeconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : seconds(ms);
}

/** The user's own pairs; what other clients stored beside text is shown as text. */
export function presentMetadata(metadata: JsonObject | null | undefined): Record<string, string> {
  const entries = Object.entries(withoutOwnNotes(metadata ?? {})).map(([key, value]) => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
