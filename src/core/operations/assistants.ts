import {
  changeAssistant,
  parseAssistantReference,
  type Assistant,
  type AssistantChange,
  type AssistantContent,
  type AssistantFilter,
  type AssistantSortField,
  type AssistantVersion,
} from "../assistant.ts";
import { mergeContexts, type Config } from "../config.ts";
import { AdjutantError, conflict, notFound } from "../error.ts";
import { defaultAssistantId, isUuid, type AssistantId } from "../ids.ts";
import type { JsonObject } from "../json.ts";
import { builtinGraphId } from "../message.ts";
import type { Found, Page, Sort } from "../page.ts";
import type { Ports } from "../ports/ports.ts";
import { deleteThread } from "./threads.ts";

export interface CreateAssistant {
  assistantId?: AssistantId;
  graphId: string;
  name?: string;
  description?: string | null;
  config?: Config;
  context?: JsonObject;
  metadata?: JsonObject;
  ifExists: "raise" | "do_nothing";
}

/** @throws not_found for an unknown graph, conflict for a taken id, invalid for a context that breaks the schema. */
export async function createAssistant(ports: Ports, command: CreateAssistant): Promise<Assistant> {
  requireGraph(ports, command.graphId);
  const now = ports.clock.now();
  const wanted: Assistant = {
    assistantId: command.assistantId ?? ports.ids.assistant(),
    version: 1,
    graphId: command.graphId,
    name: command.name ?? "Untitled",
    description: command.description ?? null,
    config: command.config ?? {},
    context: command.context ?? {},
    metadata: command.metadata ?? {},
    createdAt: now,
    updatedAt: now,
  };
  await checkContent(ports, wanted);
  const { assistant, created } = await ports.storage.assistants.create(wanted);
  if (!created && command.ifExists === "raise") {
    throw conflict(`Assistant ${wanted.assistantId} already exists.`);
  }
  return assistant;
}

/** What a graph's default assistant is like when it is made. */
export interface AssistantDefaults {
  config?: Config;
  context?: JsonObject;
  description?: string | null;
}

/** One default assistant for each graph, as `LANGGRAPH_CONFIG` may configure it (specification 3.1). */
export async function ensureDefaultAssistants(
  ports: Ports,
  defaults: Record<string, AssistantDefaults>,
): Promise<void> {
  for (const graphId of ports.graphs.ids()) {
    const now = ports.clock.now();
    await ports.storage.assistants.create({
      assistantId: defaultAssistantId(graphId),
      version: 1,
      graphId,
      name: graphId,
      description: defaults[graphId]?.description ?? null,
      config: defaults[graphId]?.config ?? {},
      context: defaults[graphId]?.context ?? {},
      metadata: { created_by: "system" },
      createdAt: now,
      updatedAt: now,
    });
  }
}

/** `reference`: an assistant's id, or a graph's id for its default assistant. */
export async function getAssistant(ports: Ports, reference: string): Promise<Assistant> {
  const assistantId = assistantIdOf(ports, reference);
  const assistant = assistantId && (await ports.storage.assistants.get(assistantId));
  if (!assistant) throw noAssistant(reference);
  return assistant;
}

/**
 * The graph to describe for `reference`. The built-in graph has no default assistant: its id stands for
 * itself, so that a form can be shown before the first assistant of it is made.
 */
export async function graphIdOf(ports: Ports, reference: string): Promise<string> {
  const isBuiltin = reference === builtinGraphId && !ports.graphs.ids().includes(reference);
  return isBuiltin ? reference : (await getAssistant(ports, reference)).graphId;
}

/**
 * The version a run uses: the one named by `version` or by `id@version`, else the active one.
 * @throws not_found
 */
export async function assistantForRun(
  ports: Ports,
  reference: string,
  version: number | null,
): Promise<AssistantVersion> {
  const named = ports.graphs.has(reference)
    ? { id: reference, version: null }
    : parseAssistantReference(reference);
  const wanted = version ?? named.version;
  const assistantId = assistantIdOf(ports, named.id);
  if (!assistantId) throw noAssistant(reference);
  const found =
    wanted === null
      ? await ports.storage.assistants.get(assistantId)
      : await ports.storage.assistants.version(assistantId, wanted);
  if (found) return found;
  if (wanted === null) throw noAssistant(reference);
  await getAssistant(ports, named.id);
  throw notFound(`Assistant ${named.id} has no version ${wanted}.`);
}

/** Appends a version and makes it active, also for an empty change. */
export async function updateAssistant(
  ports: Ports,
  reference: string,
  change: AssistantChange,
): Promise<Assistant> {
  if (change.graphId !== undefined) requireGraph(ports, change.graphId);
  return reviseAssistant(ports, reference, (content) => changeAssistant(content, change));
}

/** The same with a change that depends on what there is, made on the active version's content. */
export async function reviseAssistant(
  ports: Ports,
  reference: string,
  change: (content: AssistantContent) => AssistantContent,
): Promise<Assistant> {
  const current = await getAssistant(ports, reference);
  const next = change(current);
  if (
    next.graphId !== current.graphId ||
    next.config !== current.config ||
    next.context !== current.context
  ) {
    await checkContent(ports, next);
  }
  const updated = await ports.storage.assistants.addVersion({
    assistantId: current.assistantId,
    now: ports.clock.now(),
    change,
  });
  if (!updated) throw noAssistant(reference);
  return updated;
}

/** With all versions; with `deleteThreads` also the threads its runs were on last. */
export async function deleteAssistant(
  ports: Ports,
  reference: string,
  deleteThreads: boolean,
): Promise<AssistantId> {
  const { assistantId } = await getAssistant(ports, reference);
  if (deleteThreads) await deleteThreadsOf(ports, assistantId);
  if (!(await ports.storage.assistants.delete(assistantId))) throw noAssistant(reference);
  return assistantId;
}

async function deleteThreadsOf(ports: Ports, assistantId: AssistantId): Promise<void> {
  let passedOver = 0;
  for (;;) {
    const { items } = await ports.storage.threads.search({
      filter: { metadata: { assistant_id: assistantId } },
      sort: { by: "created_at", order: "asc" },
      page: { limit: 100, offset: passedOver },
    });
    if (items.length === 0) return;
    for (const thread of items) {
      await deleteThread(ports, thread.threadId).catch(async (thrown: unknown) => {
        if (!(thrown instanceof AdjutantError) || thrown.code !== "not_found") throw thrown;
        // Gone meanwhile, or one that the caller sees and may not delete.
        if (await ports.storage.threads.get(thread.threadId)) passedOver += 1;
      });
    }
  }
}

export function searchAssistants(
  ports: Ports,
  query: { filter: AssistantFilter; sort: Sort<AssistantSortField>; page: Page },
): Promise<Found<Assistant>> {
  return ports.storage.assistants.search(query);
}

export function countAssistants(ports: Ports, filter: AssistantFilter): Promise<number> {
  return ports.storage.assistants.count(filter);
}

/** Newest first. @throws not_found for an unknown assistant. */
export async function listVersions(
  ports: Ports,
  reference: string,
  query: { metadata?: JsonObject; page: Page },
): Promise<AssistantVersion[]> {
  const { assistantId } = await getAssistant(ports, reference);
  return ports.storage.assistants.versions({ assistantId, ...query });
}

/** Restores everything of an older version; the next change still gets the highest number + 1. */
export async function activateVersion(
  ports: Ports,
  reference: string,
  version: number,
): Promise<Assistant> {
  const { assistantId } = await getAssistant(ports, reference);
  const now = ports.clock.now();
  const assistant = await ports.storage.assistants.activate({ assistantId, version, now });
  if (!assistant)
    throw notFound(`Assistant version not found: ${reference} has no version ${version}.`);
  return assistant;
}

function assistantIdOf(ports: Ports, reference: string): AssistantId | null {
  if (ports.graphs.has(reference)) return defaultAssistantId(reference);
  return isUuid(reference) ? (reference.toLowerCase() as AssistantId) : null;
}

function requireGraph(ports: Ports, graphId: string): void {
  if (ports.graphs.has(graphId)) return;
  const known = ports.graphs.ids();
  throw notFound(
    `Graph "${graphId}" not found. ` +
      (known.length > 0 ? `Deployed graphs: ${known.join(", ")}.` : "No graph is deployed."),
  );
}

/** What the graph would receive from the assistant alone; a run may still add what is missing. */
async function checkContent(ports: Ports, content: AssistantContent): Promise<void> {
  const context = mergeContexts(content);
  if (Object.keys(context).length > 0) await ports.graphs.checkContext(content.graphId, context);
}

function noAssistant(reference: string) {
  return notFound(
    `No assistant found for "${reference}". Make sure the assistant ID is for a valid assistant or a valid graph ID.`,
  );
}
