import type { Assistant } from "../../core/assistant.ts";
import { AdjutantError } from "../../core/error.ts";
import { defaultAssistantId } from "../../core/ids.ts";
import type { JsonObject } from "../../core/json.ts";
import { searchAssistants } from "../../core/operations/assistants.ts";
import type { Ports } from "../../core/ports/ports.ts";
import { invalidParams, RpcError } from "../json-rpc.ts";

/** An assistant under the name that MCP clients know it by. */
export interface NamedTool {
  name: string;
  assistant: Assistant;
}

/** Tools in one answer to `tools/list`; more come with its cursor. */
const toolsPerPage = 100;

/**
 * A tool whose schema takes longer than `waitMs` is listed with an open one; it is read on, so that the
 * next answer has it. @throws RpcError for a cursor that no answer has had
 */
export async function listTools(
  ports: Ports,
  cursor: string | null,
  waitMs: number,
): Promise<JsonObject> {
  const tools = await namedTools(ports);
  const first = cursor === null ? 0 : tools.findIndex(({ name }) => name === cursor);
  if (first < 0) {
    throw new RpcError(
      invalidParams,
      `There is no cursor "${cursor}" any more. List the tools again.`,
    );
  }
  const page = tools.slice(first, first + toolsPerPage);
  const late = new Promise<"late">((resolve) => setTimeout(resolve, waitMs, "late").unref());
  const described = await Promise.all(page.map((tool) => describe(ports, tool, late)));
  const next = tools[first + toolsPerPage];
  return {
    tools: described.filter((one) => one !== null),
    ...(next && { nextCursor: next.name }),
  };
}

/** @throws RpcError */
export async function findTool(ports: Ports, name: string): Promise<NamedTool> {
  const found = (await namedTools(ports)).find((one) => one.name === name);
  if (!found) {
    throw new RpcError(invalidParams, `Unknown tool: there is none named "${name}".`);
  }
  return found;
}

/** Null for an assistant whose graph could not be loaded: nobody can call it. */
async function describe(
  ports: Ports,
  { name, assistant }: NamedTool,
  late: Promise<"late">,
): Promise<JsonObject | null> {
  const { graphId, description } = assistant;
  const reading = ports.graphs.schemas(graphId).catch((thrown: unknown) => {
    if (thrown instanceof AdjutantError) return null;
    throw thrown;
  });
  const schemas = await Promise.race([reading, late]);
  if (!schemas) return null;
  return {
    name,
    title: assistant.name,
    description: description ?? `The assistant "${assistant.name}" of the graph "${graphId}".`,
    inputSchema: asObjectSchema(schemas === "late" ? null : schemas.input),
  };
}

/** Clients take no other type. */
function asObjectSchema(schema: JsonObject | null): JsonObject {
  const type = schema?.["type"] ?? "object";
  return type === "object" ? { ...schema, type } : { type: "object" };
}

/**
 * All assistants the caller sees, under names of their own: default assistants first, in the order of their graphs, then the
 * older first, so that a new assistant takes nobody's name away.
 */
async function namedTools(ports: Ports): Promise<NamedTool[]> {
  const assistants = (await allAssistants(ports)).filter((one) => ports.graphs.has(one.graphId));
  const places = new Map(ports.graphs.ids().map((graphId, at) => [graphId, at]));
  const ordered = [
    ...assistants
      .filter((one) => isDefault(one))
      .toSorted((one, other) => places.get(one.graphId)! - places.get(other.graphId)!),
    ...assistants.filter((one) => !isDefault(one)),
  ];
  const taken = new Set<string>();
  return ordered.map((assistant) => {
    const name = namesOf(assistant).find((one) => !taken.has(one))!;
    taken.add(name);
    return { name, assistant };
  });
}

const assistantsPerRead = 1000;

async function allAssistants(ports: Ports): Promise<Assistant[]> {
  const found: Assistant[] = [];
  for (;;) {
    const { items } = await searchAssistants(ports, {
      filter: {},
      sort: { by: "created_at", order: "asc" },
      page: { limit: assistantsPerRead, offset: found.length },
    });
    found.push(...items);
    if (items.length < assistantsPerRead) return found;
  }
}

function isDefault({ assistantId, graphId }: Assistant): boolean {
  return assistantId === defaultAssistantId(graphId);
}

/** What models and clients allow in the name of a tool: letters, digits, `_` and `-`, 64 of them. */
const nameLengthMax = 64;

/** The wish first; the last cannot be taken, since an id is in it whole. */
function namesOf({ name, graphId, assistantId }: Assistant): string[] {
  const base = safe(name) || safe(graphId) || "assistant";
  const id = assistantId.replaceAll("-", "");
  return [base, withSuffix(base, id.slice(-12)), withSuffix(base, id)];
}

function safe(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9_-]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, nameLengthMax);
}

function withSuffix(base: string, suffix: string): string {
  return `${base.slice(0, nameLengthMax - suffix.length - 1)}_${suffix}`;
}
