import { describe, expect, test } from "vitest";
import { layOut, type Drawing } from "../../src/studio/page/test/graph-layout.ts";

/** One node after the other, inside a subgraph where the name says so. */
function chain(...ids: string[]): Drawing {
  return {
    nodes: ids.map((id) => ({ id })),
    edges: ids.slice(1).map((target, at) => ({ source: ids[at]!, target })),
  };
}

const short = chain("__start__", "write", "__end__");
const long = chain("__start__", "research:collect", "research:sort_out", "write", "__end__");
const none = new Set<string>();

describe("the direction a graph is drawn in", () => {
  test("left to right where it fits so", () => {
    expect(layOut(short, none, { width: 600, height: 600 }).direction).toBe("LR");
  });

  test("top to bottom in a narrow room, where it is larger so", () => {
    expect(layOut(short, none, { width: 200, height: 400 }).direction).toBe("TB");
  });

  test("an opened subgraph may turn it, since it makes the graph longer", () => {
    const room = { width: 540, height: 480 };
    const folded = layOut(long, none, room);
    const unfolded = layOut(long, new Set(["research"]), room);
    expect([folded.direction, unfolded.direction]).toEqual(["LR", "TB"]);
    expect(unfolded.groups.map(({ id }) => id)).toEqual(["research"]);
    expect(unfolded.size.height).toBeGreaterThan(unfolded.size.width);
  });
});
