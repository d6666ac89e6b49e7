import type { ThreadEvent } from "./event.ts";

/** What a subscription asks for. */
export interface EventFilter {
  channels: string[];
  /** Prefixes; absent or empty is all. */
  namespaces?: string[][] | null;
  /** How many levels below its prefix an event may be. */
  depth?: number | null;
  /** Only what has a greater number. */
  since?: number | null;
}

export const channelNames = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
] as const;

/** Specification 6.3. */
export function matches(event: ThreadEvent, filter: EventFilter): boolean {
  if (event.sequence <= (filter.since ?? -1)) return false;
  return isInChannel(event, filter.channels) && isInNamespace(event.namespace, filter);
}

function isInChannel({ method, name }: ThreadEvent, channels: string[]): boolean {
  if (method === "input.requested") return channels.includes("input");
  if (channels.includes(method)) return true;
  return name !== undefined && channels.includes(`custom:${name}`);
}

function isInNamespace(namespace: string[], { namespaces, depth }: EventFilter): boolean {
  const prefixes = namespaces && namespaces.length > 0 ? namespaces : [[]];
  return prefixes.some(
    (prefix) =>
      isPrefix(prefix, namespace) && namespace.length - prefix.length <= (depth ?? Infinity),
  );
}

/** A segment of the prefix without a task (`node`, not `node:task`) stands for all tasks of the node. */
export function isPrefix(prefix: string[], namespace: string[]): boolean {
  return prefix.every((segment, at) => {
    const whole = namespace[at];
    return whole === segment || (whole !== undefined && whole.split(":", 1)[0] === segment);
  });
}
