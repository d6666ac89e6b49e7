import type { JsonObject } from "../../../core/json.ts";

export interface BranchChange {
  namespace: string[];
  event: "started" | "completed" | "failed" | "interrupted";
  graph_name: string;
}

/**
 * Which nodes of a run stream something of their own, a subgraph or a message: these have a life
 * cycle in protocol v2 (specification 6.5). A node that fails says so only by what is missing: its task
 * ends without an update.
 */
export class Branches {
  readonly #tellsUpdates: boolean;
  /** Namespaces that were started and not ended, in the order of their starts. */
  readonly #open = new Map<string, string[]>();
  /** By namespace, the nodes of the last update there. */
  readonly #updated = new Map<string, string[]>();

  constructor(tellsUpdates: boolean) {
    this.#tellsUpdates = tellsUpdates;
  }

  /** Something comes from the namespace: whatever of it is new has started. */
  enter(namespace: string[]): BranchChange[] {
    const changes: BranchChange[] = [];
    for (let depth = 1; depth <= namespace.length; depth += 1) {
      const part = namespace.slice(0, depth);
      const key = part.join("|");
      if (this.#open.has(key)) continue;
      this.#open.set(key, part);
      changes.push(changeOf(part, "started"));
    }
    return changes;
  }

  updated(namespace: string[], nodes: string[]): void {
    this.#updated.set(namespace.join("|"), nodes);
  }

  /** A task has ended, with the record of its result. */
  leave(namespace: string[], task: JsonObject): BranchChange[] {
    const around = namespace.slice(0, -1).join("|");
    const updates = this.#updated.get(around) ?? [];
    this.#updated.delete(around);
    const { interrupts, error, name } = task;
    const failed =
      (error !== undefined && error !== null) ||
      (this.#tellsUpdates && !updates.includes(String(name)));
    const isInterrupted = Array.isArray(interrupts) && interrupts.length > 0;
    const event = isInterrupted ? "interrupted" : failed ? "failed" : "completed";
    const key = namespace.join("|");
    const inside = [...this.#open.keys()].filter((one) => one === key || one.startsWith(`${key}|`));
    return this.#close(inside, event);
  }

  /** The run has ended. */
  leaveAll(event: BranchChange["event"]): BranchChange[] {
    return this.#close([...this.#open.keys()], event);
  }

  /** The innermost first. */
  #close(keys: string[], event: BranchChange["event"]): BranchChange[] {
    return keys.toReversed().map((key) => {
      const namespace = this.#open.get(key)!;
      this.#open.delete(key);
      return changeOf(namespace, event);
    });
  }
}

function changeOf(namespace: string[], event: BranchChange["event"]): BranchChange {
  return { namespace, event, graph_name: namespace.at(-1)!.split(":", 1)[0]! };
}
