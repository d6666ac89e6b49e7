import { expect, test } from "vitest";
import { schemasWithoutTypes } from "../../src/graphs/schemas.ts";
import { subgraphSchemas } from "../../src/graphs/subgraphs.ts";
import { loadReady, zoo } from "./project.ts";

async function namespaces(params: { namespace?: string; recurse: boolean }): Promise<string[]> {
  const { graph, peers } = await loadReady(zoo, "nested");
  return Object.keys(
    await subgraphSchemas(graph, params, (subgraph) => schemasWithoutTypes(subgraph, peers)),
  );
}

test("the first level, or all levels, names joined with a bar", async () => {
  expect(await namespaces({ recurse: false })).toEqual(["leaf", "leafy"]);
  expect(await namespaces({ recurse: true })).toEqual(["leaf", "leafy", "leafy|leaf"]);
});

test("a namespace names one, at any depth; one that only begins another's name is not it", async () => {
  expect(await namespaces({ namespace: "leafy|leaf", recurse: false })).toEqual(["leafy|leaf"]);
  expect(await namespaces({ namespace: "leafy", recurse: true })).toEqual(["leafy"]);
  expect(await namespaces({ namespace: "lea", recurse: true })).toEqual([]);
});

test("each has its schemas", async () => {
  const { graph, peers } = await loadReady(zoo, "nested");
  const { leaf } = await subgraphSchemas(graph, { recurse: false }, (subgraph) =>
    schemasWithoutTypes(subgraph, peers),
  );
  expect(leaf?.state).toEqual({
    type: "object",
    properties: { text: {} },
    additionalProperties: true,
  });
});
