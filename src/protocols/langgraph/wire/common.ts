import { normalizeConfig, type Config } from "../../../core/config.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { Found, Page } from "../../../core/page.ts";
import type { CheckpointReference } from "../../../core/run.ts";

export function timestampOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** Only the selected keys; all when nothing is selected. */
export function select<Wire extends object>(
  wire: Wire,
  keys: readonly string[] | null | undefined,
): Partial<Wire> {
  if (!keys || keys.length === 0) return wire;
  return Object.fromEntries(
    Object.entries(wire).filter(([key]) => keys.includes(key)),
  ) as Partial<Wire>;
}

/** Total of all matches, and where the next page begins when there is one. */
export function paginationHeaders(found: Found<unknown>, page: Page): Record<string, string> {
  const next = page.offset + found.items.length;
  return {
    "x-pagination-total": String(found.total),
    ...(next < found.total && { "x-pagination-next": String(next) }),
  };
}

/**
 * Keys set to null are as good as absent; keys that belong under `configurable` are put there. Callbacks
 * are functions of the client's process, which JSON cannot bring.
 */
export function readConfig(config: object | null | undefined): Config | undefined {
  if (!config) return undefined;
  const { callbacks: _, ...rest } = withoutNulls(config);
  return normalizeConfig(rest);
}

interface CheckpointBody {
  checkpoint_id?: string | null;
  checkpoint_ns?: string | null;
  checkpoint_map?: JsonObject | null;
}

/** From `checkpoint` or its short form `checkpoint_id`. Undefined when neither names anything. */
export function readCheckpoint(
  checkpoint: CheckpointBody | null | undefined,
  checkpointId?: string | null,
): (CheckpointReference & JsonObject) | undefined {
  const short = checkpointId ? { checkpoint_id: checkpointId } : {};
  const reference = withoutNulls({ ...short, ...withoutNulls(checkpoint ?? {}) });
  return Object.keys(reference).length > 0 ? reference : undefined;
}

function withoutNulls(value: object): JsonObject {
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== null && one !== undefined),
  );
}
