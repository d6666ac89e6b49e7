import {
  Background,
  BaseEdge,
  BackgroundVariant,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type EdgeProps,
  type Node,
  type NodeProps,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { ChevronsDownUp, ChevronsUpDown, CirclePause, LoaderCircle } from "lucide-react";
import { createContext, use, useLayoutEffect, useMemo, useRef, useState } from "react";
import { classNames } from "../parts/class-names.ts";
import { useIsDark } from "../theme.ts";
import { duration } from "../words/time.ts";
import { useWords } from "../words/words.tsx";
import {
  curveThrough,
  layOut,
  type Direction,
  type Drawing,
  type Point,
  type Size,
} from "./graph-layout.ts";
import { statesOf, type NodeState } from "./node-states.ts";
import type { StepView } from "./run-view.ts";

interface NodeData extends Record<string, unknown> {
  label: string;
  isEnd: boolean;
  isFolded: boolean;
}

interface Scene {
  direction: Direction;
  states: Map<string, NodeState>;
  before: ReadonlySet<string>;
  after: ReadonlySet<string>;
  toggle(id: string): void;
}

const SceneContext = createContext<Scene | null>(null);

const looks: Record<NodeState["phase"], string> = {
  running: "border-calm bg-calm-soft text-calm ring-4 ring-calm/30",
  done: "border-good bg-good-soft text-good",
  failed: "border-bad bg-bad-soft text-bad",
  waiting: "border-warn bg-warn-soft text-warn ring-4 ring-warn/30",
};

function GraphNode({ id, data }: NodeProps<Node<NodeData>>) {
  const words = useWords();
  const { direction, states, before, after, toggle } = use(SceneContext)!;
  const isSideways = direction === "LR";
  const state = states.get(id);
  const description = state ? words.graph.phases[state.phase] : "";
  return (
    <div
      data-node={id}
      data-phase={state?.phase ?? "idle"}
      aria-label={`${data.label} ${description}`}
      role="group"
      className={classNames(
        "relative flex h-full w-full items-center justify-center gap-1 border px-2 text-sm",
        data.isEnd ? "rounded-full bg-sunken text-muted" : "rounded-lg bg-panel font-medium",
        state ? looks[state.phase] : "border-line-strong",
      )}
    >
      <Handle
        type="target"
        position={isSideways ? Position.Left : Position.Top}
        className="opacity-0"
        isConnectable={false}
      />
      {before.has(id) && (
        <CirclePause
          className="absolute -top-2 left-1/2 size-4 -translate-x-1/2 rounded-full bg-panel text-warn"
          aria-label={words.graph.stopsBefore}
        />
      )}
      {state?.phase === "running" && <LoaderCircle className="size-3.5 animate-spin" aria-hidden />}
      <span className="truncate">{data.label}</span>
      {data.isFolded && (
        <button
          type="button"
          className="nodrag pointer-events-auto rounded p-0.5 hover:bg-sunken"
          aria-label={words.graph.unfold(data.label)}
          title={words.graph.unfold(data.label)}
          onClick={() => toggle(id)}
        >
          <ChevronsUpDown className="size-3.5" aria-hidden />
        </button>
      )}
      {state && state.durationMs !== null && (
        <span className="absolute top-full left-1/2 mt-0.5 -translate-x-1/2 rounded bg-panel px-1 text-[11px] whitespace-nowrap text-muted">
          {duration(state.durationMs)}
          {state.count > 1 && ` · ${state.count}×`}
        </span>
      )}
      {after.has(id) && (
        <CirclePause
          className="absolute -bottom-2 left-1/2 size-4 -translate-x-1/2 rounded-full bg-panel text-warn"
          aria-label={words.graph.stopsAfter}
        />
      )}
      <Handle
        type="source"
        position={isSideways ? Position.Right : Position.Bottom}
        className="opacity-0"
        isConnectable={false}
      />
    </div>
  );
}

function GroupNode({ id, data }: NodeProps<Node<NodeData>>) {
  const words = useWords();
  const { toggle } = use(SceneContext)!;
  return (
    <div className="h-full w-full rounded-xl border border-dashed border-line-strong bg-sunken/50">
      <button
        type="button"
        className="nodrag pointer-events-auto flex items-center gap-1 rounded px-2 py-0.5 text-xs text-muted hover:text-ink"
        aria-label={words.graph.fold(data.label)}
        onClick={() => toggle(id)}
      >
        <ChevronsDownUp className="size-3" aria-hidden />
        {data.label}
      </button>
    </div>
  );
}

/** Where the layout led it: a loop back goes around the nodes between. */
function PlacedEdge(props: EdgeProps<Edge<{ points: Point[] }>>) {
  const points = props.data?.points ?? [];
  const middle = points[Math.floor(points.length / 2)];
  return (
    <BaseEdge
      path={curveThrough(points)}
      label={props.label}
      labelX={middle?.x ?? 0}
      labelY={middle?.y ?? 0}
      {...(props.style && { style: props.style })}
      {...(props.markerEnd && { markerEnd: props.markerEnd })}
    />
  );
}

const edgeTypes = { placed: PlacedEdge };
const nodeTypes = { graph: GraphNode, group: GroupNode };

/** The graph with its conditional edges dashed, and on it where the run is. */
export function GraphView(props: {
  drawing: Drawing;
  steps: StepView[];
  /** Nodes that the thread waits before. */
  next: string[];
  isRunning: boolean;
  before: ReadonlySet<string>;
  after: ReadonlySet<string>;
}) {
  const words = useWords();
  const isDark = useIsDark();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [room, setRoom] = useState<Size>({ width: 1, height: 1 });
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { clientWidth, clientHeight } = frame.current!;
    setRoom({ width: clientWidth, height: clientHeight });
  }, []);
  const layout = useMemo(() => layOut(props.drawing, open, room), [props.drawing, open, room]);
  const { direction } = layout;
  const nodes = useMemo<Node<NodeData>[]>(
    () => [
      ...layout.groups.map((group) => toNode(group, "group", { isEnd: false, isFolded: false })),
      ...layout.nodes.map((node) =>
        toNode(node, "graph", { isEnd: node.kind === "end", isFolded: node.isFolded }),
      ),
    ],
    [layout],
  );
  const edges = useMemo<Edge[]>(
    () =>
      layout.edges.map(({ id, source, target, label, isConditional, points }) => ({
        id,
        source,
        target,
        label,
        type: "placed",
        data: { points },
        style: isConditional ? { strokeDasharray: "6 4" } : {},
        markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16 },
        ariaLabel: words.graph.edge(source, target, isConditional),
      })),
    [layout, words],
  );
  const scene = useMemo<Scene>(
    () => ({
      direction,
      states: statesOf(props.steps, props.next, props.isRunning, open),
      before: props.before,
      after: props.after,
      toggle: (id) =>
        setOpen((current) => {
          const next = new Set(current);
          if (!next.delete(id)) next.add(id);
          return next;
        }),
    }),
    [props.steps, props.next, props.isRunning, props.before, props.after, open, direction],
  );
  return (
    <SceneContext value={scene}>
      <div ref={frame} className="h-full">
        <ReactFlow
          key={[direction, ...open].join()}
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          colorMode={isDark ? "dark" : "light"}
          fitView
          fitViewOptions={{ padding: 0.06, maxZoom: 1.1 }}
          minZoom={0.2}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          zoomOnScroll={false}
          preventScrolling={false}
          aria-label={words.graph.label}
          ariaLabelConfig={{
            "controls.ariaLabel": words.graph.controls.all,
            "controls.zoomIn.ariaLabel": words.graph.controls.zoomIn,
            "controls.zoomOut.ariaLabel": words.graph.controls.zoomOut,
            "controls.fitView.ariaLabel": words.graph.controls.fit,
          }}
        >
          <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
          <Controls showInteractive={false} position="bottom-right" />
        </ReactFlow>
      </div>
    </SceneContext>
  );
}

function toNode(
  box: { id: string; label: string; x: number; y: number; width: number; height: number },
  type: "graph" | "group",
  data: Omit<NodeData, "label">,
): Node<NodeData> {
  const { id, label, x, y, width, height } = box;
  return {
    id,
    type,
    position: { x, y },
    width,
    height,
    style: {
      width,
      height,
      ...(type === "group" && { padding: 0, border: "none", background: "none" }),
    },
    zIndex: type === "group" ? -1 : 1,
    data: { label, ...data } as NodeData,
  };
}
