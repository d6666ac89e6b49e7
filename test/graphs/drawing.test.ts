import { expect, test } from "vitest";
import { drawGraph } from "../../src/graphs/drawing.ts";
import { loadReady, zoo } from "./project.ts";

async function draw(xray: boolean | number) {
  const { graph } = await loadReady(zoo, "nested");
  const { nodes, edges } = await drawGraph(graph, xray);
  return {
    nodes,
    ids: nodes.map((node) => node["id"]),
    edges: edges.map(
      ({ source, target, conditional }) =>
        `${String(source)} ${conditional ? "?" : "-"}> ${String(target)}`,
    ),
  };
}

test("nodes are schemas at the ends and runnables between, with metadata where given", async () => {
  const { nodes, edges } = await draw(false);
  expect(nodes).toEqual([
    { id: "__start__", type: "schema", data: expect.any(Object) },
    {
      id: "first",
      type: "runnable",
      data: { id: ["langgraph", "RunnableCallable"], name: "first" },
      metadata: { colour: "green" },
    },
    { id: "leaf", type: "runnable", data: { id: expect.any(Array), name: "LangGraph" } },
    { id: "leafy", type: "runnable", data: { id: expect.any(Array), name: "LangGraph" } },
    { id: "__end__", type: "schema", data: expect.any(Object) },
  ]);
  expect(edges.toSorted()).toEqual([
    "__start__ -> first",
    "first -> leafy",
    "leaf -> __end__",
    "leafy -> leaf",
  ]);
});

test("xray to a depth opens subgraphs to that depth, also those of one node or with two entries", async () => {
  const { ids, edges } = await draw(1);
  expect(ids).toEqual([
    "__start__",
    "first",
    "leaf:only",
    "leafy:left",
    "leafy:right",
    "leafy:leaf",
    "__end__",
  ]);
  expect(edges.toSorted()).toEqual([
    "__start__ -> first",
    "first ?> leafy:left",
    "first ?> leafy:right",
    "leaf:only -> __end__",
    "leafy:leaf -> leaf:only",
    "leafy:left -> leafy:leaf",
    "leafy:right -> leaf:only",
  ]);
});

test("xray opens all subgraphs, and every edge ends at a node there is", async () => {
  const { ids, edges } = await draw(true);
  expect(ids).toContain("leafy:leaf:only");
  expect(ids).not.toContain("leafy:leaf");
  expect(new Set(edges.flatMap((edge) => edge.split(/ .> /)))).toEqual(new Set(ids));
});

test("a node in a loop keeps its loop when it is opened", async () => {
  const { graph } = await loadReady(zoo, "looping");
  const { edges } = await drawGraph(graph, true);
  expect(edges).toContainEqual({ source: "again:only", target: "again:only", conditional: true });
  expect(edges).toContainEqual({ source: "again:only", target: "__end__", conditional: true });
});

test("a subgraph that may end at once lets its parent's edge pass through", async () => {
  const { graph } = await loadReady(zoo, "skipping");
  const { edges } = await drawGraph(graph, true);
  const ends = edges.map(({ source, target }) => [source, target]);
  expect(ends).toContainEqual(["__start__", "maybe:work"]);
  expect(ends).toContainEqual(["__start__", "after"]);
  expect(ends).toContainEqual(["maybe:work", "after"]);
});
