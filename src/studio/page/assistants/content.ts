import type { Assistant, AssistantVersion, Config } from "@langchain/langgraph-sdk";

/** What a person edits of an assistant: the content of one version. */
export interface Content {
  graphId: string;
  name: string;
  description: string;
  context: Record<string, unknown>;
  /** Tags, recursion limit and the like; what `configurable` says is in `context`. */
  config: Record<string, unknown>;
  /** Why this version was made. */
  note: string;
}

/** Where a version's note is kept. */
const noteKey = "version_note";

export function noteOf(version: { metadata?: unknown }): string {
  const note = (version.metadata as Record<string, unknown> | null)?.[noteKey];
  return typeof note === "string" ? note : "";
}

/** `configurable` is the older spelling of `context`; where both name a key, `context` wins. */
function contextOf(version: Assistant | AssistantVersion): Record<string, unknown> {
  const context = (version as { context?: Record<string, unknown> }).context;
  return { ...version.config?.configurable, ...context };
}

export function contentOf(version: Assistant | AssistantVersion): Content {
  const { configurable: _, ...config } = version.config ?? {};
  return {
    graphId: version.graph_id,
    name: version.name,
    description: (version as { description?: string | null }).description ?? "",
    context: contextOf(version),
    config,
    note: "",
  };
}

/** The body of a request that makes this content a new assistant, or its next version. */
export function payloadOf(content: Content) {
  return {
    name: content.name.trim(),
    description: content.description.trim(),
    context: content.context,
    config: content.config as Config,
    metadata: { [noteKey]: content.note.trim() },
  };
}

/** The text that two versions are compared by. */
export function comparable(version: Assistant | AssistantVersion): string {
  const { name, description, context, config, graphId } = contentOf(version);
  const ordered = { name, description, graph_id: graphId, context, config };
  return JSON.stringify(ordered, sortedKeys, 2);
}

function sortedKeys(key: string, value: unknown): unknown {
  if (key === "" || typeof value !== "object" || value === null || Array.isArray(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** Default assistants are made by the server, one for each graph. */
export function isDefault(assistant: Assistant): boolean {
  return (assistant.metadata as Record<string, unknown> | null)?.["created_by"] === "system";
}
