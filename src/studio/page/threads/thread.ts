import type { Thread } from "@langchain/langgraph-sdk";

/** Where a thread's name is kept. */
export const threadNameKey = "thread_name";

export function nameOf(thread: Pick<Thread, "thread_id" | "metadata">): string {
  const name = (thread.metadata as Record<string, unknown> | null)?.[threadNameKey];
  return typeof name === "string" && name !== "" ? name : thread.thread_id.slice(-8);
}

export function graphOf(thread: Pick<Thread, "metadata">): string {
  const graphId = (thread.metadata as Record<string, unknown> | null)?.["graph_id"];
  return typeof graphId === "string" ? graphId : "";
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What somebody typed into the search: an id, metadata as JSON or as `key=value`, or a name. Null:
 * it is none of these yet.
 */
export function readFind(
  text: string,
): { ids?: string[]; metadata?: Record<string, unknown> } | null {
  const find = text.trim();
  if (find === "") return {};
  if (uuid.test(find)) return { ids: [find.toLowerCase()] };
  if (find.startsWith("{")) {
    try {
      return { metadata: JSON.parse(find) as Record<string, unknown> };
    } catch {
      return null;
    }
  }
  const [, key, value] = /^([\w.-]+)\s*=\s*(.*)$/.exec(find) ?? [];
  return { metadata: key ? { [key]: value } : { [threadNameKey]: find } };
}
