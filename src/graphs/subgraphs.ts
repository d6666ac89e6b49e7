import type { GraphSchemas } from "../core/ports/graphs.ts";
import type { CompiledGraph } from "./load.ts";

/** Nodes that hold a compiled graph, each once. */
export async function directSubgraphs(graph: CompiledGraph): Promise<Map<string, CompiledGraph>> {
  const found = new Map<string, CompiledGraph>();
  for await (const [name, subgraph] of graph.getSubgraphsAsync()) {
    if (!found.has(name)) found.set(name, subgraph);
  }
  return found;
}

/**
 * What of each subgraph `describe` says, by namespace: names of nodes, joined with `|` below the
 * first level. With a namespace, that one only, or nothing when there is none of that name.
 */
export async function subgraphSchemas(
  graph: CompiledGraph,
  params: { namespace?: string; recurse: boolean },
  describe: (subgraph: CompiledGraph) => GraphSchemas,
): Promise<Record<string, GraphSchemas>> {
  if (params.namespace !== undefined) {
    const subgraph = await subgraphAt(graph, params.namespace.split("|"));
    return subgraph ? { [params.namespace]: describe(subgraph) } : {};
  }
  const schemas: Record<string, GraphSchemas> = {};
  const visit = async (parent: CompiledGraph, prefix: string, above: Set<CompiledGraph>) => {
    for (const [name, subgraph] of await directSubgraphs(parent)) {
      schemas[prefix + name] = describe(subgraph);
      if (!params.recurse || above.has(subgraph)) continue;
      await visit(subgraph, `${prefix}${name}|`, new Set([...above, subgraph]));
    }
  };
  await visit(graph, "", new Set([graph]));
  return schemas;
}

async function subgraphAt(graph: CompiledGraph, names: string[]): Promise<CompiledGraph | null> {
  let current = graph;
  for (const name of names) {
    const next = (await directSubgraphs(current)).get(name);
    if (!next) return null;
    current = next;
  }
  return current;
}
