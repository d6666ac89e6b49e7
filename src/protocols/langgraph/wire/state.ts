import type { z } from "zod";
import type { Json } from "../../../core/json.ts";
import { textOf } from "../../../core/json-text.ts";
import { isObject } from "../../../core/json.ts";
import type { HistoryQuery } from "../../../core/operations/state.ts";
import type { StateUpdate, ThreadState } from "../../../core/ports/graphs.ts";
import type * as schemas from "../schemas/threads.ts";
import { readCheckpoint, select } from "./common.ts";

type State = Record<keyof z.infer<typeof schemas.state>, Json>;

/** `fields` may name a part of the values as `values.<key>`. */
export function presentState(
  state: ThreadState,
  fields: readonly string[] | null | undefined,
): Partial<State> {
  const wire: State = {
    values: state.values,
    next: state.next,
    tasks: state.tasks,
    metadata: state.metadata ?? {},
    created_at: state.createdAt,
    checkpoint: state.checkpoint,
    parent_checkpoint: state.parentCheckpoint,
    interrupts: state.interrupts,
  };
  if (!fields || fields.length === 0) return wire;
  const keys = fields
    .filter((field) => field.startsWith("values."))
    .map((field) => field.slice("values.".length));
  if (keys.length === 0 || fields.includes("values")) return select(wire, fields);
  const values = isObject(wire.values) ? select(wire.values, keys) : wire.values;
  return select({ ...wire, values: values as Json }, [...fields, "values"]);
}

/** `presentState` as JSON. Values are most of it, and their text may be at hand. */
export function stateText(
  state: ThreadState,
  fields: readonly string[] | null | undefined,
): string {
  const { values, ...rest } = presentState(state, fields);
  if (values === undefined) return JSON.stringify(rest);
  const others = JSON.stringify(rest).slice(1);
  return `{"values":${textOf(values)}${others === "}" ? "" : ","}${others}`;
}

export function readStateUpdate(body: z.infer<typeof schemas.updateStateBody>) {
  const update: StateUpdate = {
    values: (body.values ?? null) as Json,
    asNode: body.as_node ?? undefined,
  };
  return { updates: [update], checkpoint: readCheckpoint(body.checkpoint, body.checkpoint_id) };
}

export function readHistoryQuery(body: z.infer<typeof schemas.historyBody>): HistoryQuery {
  return {
    limit: body.limit,
    before: readBefore(body.before),
    metadata: body.metadata ?? undefined,
    checkpoint: readCheckpoint(body.checkpoint),
  };
}

function readBefore(before: z.infer<typeof schemas.historyBody>["before"]): string | undefined {
  if (!before) return undefined;
  if (typeof before === "string") return before;
  return "configurable" in before ? before.configurable.checkpoint_id : before.checkpoint_id;
}
