import { Graph, layout as placeNodes } from "@dagrejs/dagre";

export interface Drawing {
  nodes: { id: string; data?: unknown }[];
  edges: { source: string; target: string; data?: unknown; conditional?: boolean }[];
}

export interface Box {
  id: string;
  label: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface PlacedNode extends Box {
  kind: "end" | "node";
  /** A subgraph that is not shown from inside. */
  isFolded: boolean;
}

export interface PlacedEdge {
  id: string;
  source: string;
  target: string;
  label: string;
  isConditional: boolean;
  /** From node to node, around those between. */
  points: Point[];
}

export interface Point {
  x: number;
  y: number;
}

/** Top to bottom, or left to right. */
export type Direction = "TB" | "LR";

export interface Size {
  width: number;
  height: number;
}

export interface Layout {
  direction: Direction;
  size: Size;
  nodes: PlacedNode[];
  /** Frames around subgraphs that are open. */
  groups: Box[];
  edges: PlacedEdge[];
}

const nodeHeight = 40;

/** Ids of nodes inside subgraphs are `parent:child`. */
function parentsOf(id: string): string[] {
  const parts = id.split(":");
  return parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join(":"));
}

/** What stands for a node in the drawing: itself, or the outermost folded subgraph around it. */
export function shownAs(id: string, open: ReadonlySet<string>): string {
  return parentsOf(id).find((parent) => !open.has(parent)) ?? id;
}

/** How much larger a drawing from top to bottom has to be to be preferred. */
const turningGain = 1.15;

/**
 * Places every node that is to be seen, in the direction in which the drawing is larger in its room;
 * subgraphs in `open` are shown from inside.
 */
export function layOut(drawing: Drawing, open: ReadonlySet<string>, room: Size): Layout {
  const sideways = layOutIn("LR", drawing, open);
  const downwards = layOutIn("TB", drawing, open);
  const gain = scaleIn(room, downwards.size) / scaleIn(room, sideways.size);
  return gain > turningGain ? downwards : sideways;
}

/** How large it is drawn, 1 at the most: what fits both ways is drawn left to right. */
function scaleIn(room: Size, size: Size): number {
  return Math.min(1, room.width / size.width, room.height / size.height);
}

function layOutIn(direction: Direction, drawing: Drawing, open: ReadonlySet<string>): Layout {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: 24, ranksep: 36, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const subgraphs = new Set(drawing.nodes.flatMap(({ id }) => parentsOf(id)));
  const shown = new Set(drawing.nodes.map(({ id }) => shownAs(id, open)));
  for (const id of shown) {
    const label = labelOf(id);
    graph.setNode(id, { label, width: Math.max(88, label.length * 8 + 40), height: nodeHeight });
    const parent = parentsOf(id).at(-1);
    if (parent) nest(graph, id, parent);
  }
  const edges = foldEdges(drawing, open);
  for (const { source, target, id } of edges) graph.setEdge(source, target, {}, id);
  placeNodes(graph);
  const boxOf = (id: string): Box => {
    const { x, y, width, height } = graph.node(id) as Box;
    return { id, label: labelOf(id), x: x - width / 2, y: y - height / 2, width, height };
  };
  const pointsOf = ({ source, target, id }: FoldedEdge) =>
    (graph.edge(source, target, id) as { points?: Point[] }).points ?? [];
  const { width = 0, height = 0 } = graph.graph();
  return {
    direction,
    size: { width, height },
    edges: edges.map((edge) => ({ ...edge, points: pointsOf(edge) })),
    nodes: [...shown].map((id) => ({
      ...boxOf(id),
      kind: /(^|:)__(start|end)__$/.test(id) ? "end" : "node",
      isFolded: subgraphs.has(id),
    })),
    groups: [...subgraphs].filter((id) => graph.hasNode(id) && !shown.has(id)).map(boxOf),
  };
}

function nest(graph: Graph, id: string, parent: string): void {
  if (!graph.hasNode(parent)) {
    graph.setNode(parent, {});
    const outer = parentsOf(parent).at(-1);
    if (outer) nest(graph, parent, outer);
  }
  graph.setParent(id, parent);
}

type FoldedEdge = Omit<PlacedEdge, "points">;

function foldEdges(drawing: Drawing, open: ReadonlySet<string>): FoldedEdge[] {
  const found = new Map<string, FoldedEdge>();
  for (const edge of drawing.edges) {
    const source = shownAs(edge.source, open);
    const target = shownAs(edge.target, open);
    if (source === target && edge.source !== edge.target) continue;
    const id = `${source}→${target}`;
    const label = typeof edge.data === "string" ? edge.data : "";
    const isConditional = Boolean(edge.conditional) || (found.get(id)?.isConditional ?? false);
    found.set(id, { id, source, target, label, isConditional });
  }
  return [...found.values()];
}

function labelOf(id: string): string {
  return id
    .split(":")
    .at(-1)!
    .replace(/^__(start|end)__$/, "$1");
}

/** The path of a line through points, its corners rounded. */
export function curveThrough(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const parts = rest.map(({ x, y }, at) => {
    const next = rest[at + 1];
    // Each point but the last is where the curve is drawn to, not where it passes.
    return next ? `Q ${x} ${y} ${(x + next.x) / 2} ${(y + next.y) / 2}` : `L ${x} ${y}`;
  });
  return [`M ${first.x} ${first.y}`, ...parts].join(" ");
}
