import type { GraphDrawing } from "../core/ports/graphs.ts";
import type { JsonObject } from "../core/json.ts";
import { directSubgraphs } from "./subgraphs.ts";
import type { CompiledGraph } from "./load.ts";

interface DrawnNode extends JsonObject {
  id: string;
}

interface DrawnEdge {
  source: string;
  target: string;
  data?: string;
  conditional?: boolean;
}

interface Drawn {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
}

const start = "__start__";
const end = "__end__";

/**
 * Nodes and edges of a graph (specification 1.1). `xray` puts the inside of each subgraph in its
 * node's place, ids `parent:child`: to that depth, or wholly when true. The library's own xray is not
 * used: it leaves subgraphs of one node closed and throws on those with several entries.
 */
export async function drawGraph(
  graph: CompiledGraph,
  xray: boolean | number,
): Promise<GraphDrawing> {
  const depth = typeof xray === "number" ? xray : xray ? Infinity : 0;
  const { nodes, edges } = await draw(graph, depth, new Set());
  return { nodes, edges: edges.map((edge) => ({ ...edge })) };
}

async function draw(
  graph: CompiledGraph,
  depth: number,
  above: Set<CompiledGraph>,
): Promise<Drawn> {
  let drawn = await drawFlat(graph);
  if (depth <= 0) return drawn;
  for (const [name, subgraph] of await directSubgraphs(graph)) {
    if (above.has(subgraph)) continue; // a graph may hold itself
    const inside = await draw(subgraph, depth - 1, new Set([...above, graph]));
    drawn = replaceNode(drawn, name, inside);
  }
  return drawn;
}

async function drawFlat(graph: CompiledGraph): Promise<Drawn> {
  const drawable = await graph.getGraphAsync();
  const { nodes, edges } = drawable.toJSON() as Drawn;
  return {
    nodes: nodes.map((node) => {
      const { metadata } = drawable.nodes[node.id] as { metadata?: JsonObject };
      const plain = JSON.parse(JSON.stringify(node)) as DrawnNode;
      return metadata && Object.keys(metadata).length > 0 ? { ...plain, metadata } : plain;
    }),
    edges,
  };
}

/** Edges to the node now lead to where its inside starts, edges from it come from where that ends. */
function replaceNode(outside: Drawn, name: string, inside: Drawn): Drawn {
  const index = outside.nodes.findIndex((node) => node.id === name);
  const inner = inside.nodes.filter((node) => node.id !== start && node.id !== end);
  if (index < 0 || inner.length === 0) return outside;
  const prefixed = (id: string) => (id === start || id === end ? name : `${name}:${id}`);
  const within = inside.edges.map((edge) => ({
    ...edge,
    source: prefixed(edge.source),
    target: prefixed(edge.target),
  }));
  const entries = within.filter((edge) => edge.source === name);
  const exits = within.filter((edge) => edge.target === name);
  const into = outside.edges.flatMap((edge) =>
    edge.target === name ? entries.map((entry) => joined(edge, entry)) : [edge],
  );
  // An entry that is an exit leaves `name` as a target: it is joined to the way out as well.
  const through = into.flatMap((edge) =>
    edge.target === name
      ? outside.edges.filter((one) => one.source === name).map((out) => joined(edge, out))
      : [edge],
  );
  const edges = through.flatMap((edge) =>
    edge.source === name ? exits.filter(notPassing).map((exit) => joined(exit, edge)) : [edge],
  );
  const rest = within.filter((edge) => edge.source !== name && edge.target !== name);
  return {
    nodes: [
      ...outside.nodes.slice(0, index),
      ...inner.map((node) => ({ ...node, id: prefixed(node.id) })),
      ...outside.nodes.slice(index + 1),
    ],
    edges: [...edges, ...rest],
  };
}

function notPassing(edge: DrawnEdge): boolean {
  return edge.source !== edge.target;
}

function joined(first: DrawnEdge, second: DrawnEdge): DrawnEdge {
  const data = first.data ?? second.data;
  return {
    source: first.source,
    target: second.target,
    ...(data === undefined ? {} : { data }),
    conditional: Boolean(first.conditional) || Boolean(second.conditional),
  };
}
