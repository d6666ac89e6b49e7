import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  instantiate,
  loadGraphs,
  type LoadedGraph,
  type LoadedGraphs,
} from "../../src/graphs/load.ts";
import { readManifest } from "../../src/graphs/manifest.ts";
import { invoke, load, loadReady, temporaryProject, zoo } from "./project.ts";

const runtime = { accessContext: "assistants.read" as const, executionRuntime: null };

let loaded: LoadedGraphs;
beforeAll(async () => {
  loaded = await loadGraphs(await readManifest(zoo));
});

function entry(graphId: string): LoadedGraph {
  return loaded.graphs.get(graphId)!;
}

test("a file with everything real projects contain loads and runs", async () => {
  const awkward = entry("awkward");
  if (awkward.kind !== "graph") throw new Error(JSON.stringify(awkward));
  expect(await invoke(awkward, {})).toEqual({
    found: {
      colour: 2, // an enum, through a path alias
      colourName: "Green",
      shape: 4, // a namespace, a class with a parameter property
      counted: "Counter.count", // a decorator, imported as .js
      page: { type: "p", title: "zoo", children: "hello" }, // TSX, extensionless
      settings: true, // JSON with and without an attribute, by default and by name
      nested: "nested index", // a directory's index
      described: "hello", // an import of a type not marked as one
      legacy: "commonjs",
      required: "commonjs", // require in an ES module
      requiredJson: "zoo",
      directory: zoo, // __dirname
      text: true,
      isMain: false,
      lazy: "lazy", // imported while running
      url: expect.stringMatching(/^file:.*awkward\.ts\?gen=\d+$/),
    },
  });
});

test.each(["default", "builder", "promised", "agent", "described", "commonjs", "waits"])(
  "export of the kind %s becomes a compiled graph",
  async (graphId) => {
    const one = entry(graphId);
    if (one.kind !== "graph") throw new Error(JSON.stringify(one));
    expect(await invoke(one, { text: "roar" })).toEqual({ text: "ROAR" });
  },
);

describe("a factory", () => {
  test("is called for each use, with configuration and runtime, and may return a builder", async () => {
    expect(entry("factory").kind).toBe("factory");
    const first = await instantiate(entry("factory"), {}, runtime);
    const second = await instantiate(entry("factory"), {}, runtime);
    expect(first).not.toBe(second);
    expect(Object.keys(first.nodes)).toContain("shout");
  });

  test("that throws lets its own error through", async () => {
    const config = { configurable: { fail: "throw" } };
    await expect(instantiate(entry("factory"), config, runtime)).rejects.toThrow(
      new TypeError("the factory failed"),
    );
  });

  test("that returns no graph is told so", async () => {
    const config = { configurable: { fail: "nothing" } };
    await expect(instantiate(entry("factory"), config, runtime)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining('The factory of graph "factory" returned no graph'),
    });
  });
});

describe("a broken file is a message with file and line, and the others keep working", () => {
  const cases: [graphId: string, file: string, line: number | null, message: RegExp][] = [
    [
      "missing_export",
      "shapes.ts",
      null,
      /^shapes\.ts: has no export "grpah": its exports are agent, builder, factory, number, promised$/,
    ],
    ["not_a_graph", "shapes.ts", null, /export "number" is a number, not a graph/],
    [
      "unresolved_file",
      "unresolved-file.ts",
      2,
      /^unresolved-file\.ts:2: imports "\.\/helpers\/missing", but there is no such file$/,
    ],
    [
      "unresolved_package",
      "unresolved-package.ts",
      2,
      /imports "@zoo\/never-installed", which is not installed: run npm install in .*zoo$/,
    ],
    ["type_export", "type-export.ts", 2, /If MessageLike is a type, write "import type"/],
    ["syntax", "../broken/syntax.ts", 4, /Unexpected token[^]*4 \| const unfinished = ;/],
    ["no_file", "nowhere.ts", null, /does not exist; "graphs\.no_file" in .*langgraph\.json/],
  ];
  test.each(cases)("%s", async (graphId, file, line, message) => {
    const broken = entry(graphId);
    if (broken.kind !== "broken") throw new Error(`${graphId} loaded`);
    expect(broken.error.message).toMatch(message);
    expect(broken.error).toMatchObject({ file: join(zoo, file), line });
    await expect(instantiate(broken, {}, runtime)).rejects.toMatchObject({ code: "invalid" });
  });
});

test("a top-level await that never settles ends in an error", async () => {
  await using project = await temporaryProject({
    "langgraph.json": '{ "graphs": { "stuck": "./stuck.ts:graph" } }',
    "stuck.ts": "export const graph = await new Promise(() => {});",
  });
  const { graphs } = await loadGraphs(await readManifest(project.directory), { loadMsMax: 50 });
  expect(graphs.get("stuck")).toMatchObject({
    kind: "broken",
    error: { message: expect.stringContaining("stuck.ts: did not finish loading in 0.05 s") },
  });
});

test("standard decorators work where the project does not ask for the experimental ones", async () => {
  await using project = await temporaryProject({
    "langgraph.json": '{ "graphs": { "g": "./g.ts" } }',
    "g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";
function loud(method: (this: Box) => string, context: ClassMethodDecoratorContext) {
  return function (this: Box): string { return method.call(this) + String(context.name) + "!"; };
}
class Box {
  constructor(private text: string) {}
  @loud
  say(): string { return this.text; }
}
export default new StateGraph(Annotation.Root({ text: Annotation<string> }))
  .addNode("say", () => ({ text: new Box("hey ").say() })).addEdge(START, "say");`,
  });
  expect(await invoke(await loadReady(project.directory, "g"), {})).toEqual({ text: "hey say!" });
});

const reloading = {
  "langgraph.json": '{ "graphs": { "g": "./g.ts:graph" } }',
  "g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { word } from "./middle";
export const graph = new StateGraph(Annotation.Root({ text: Annotation<string> }))
  .addNode("say", () => ({ text: word() })).addEdge(START, "say").compile();
export { StateGraph };`,
  "middle.ts": `import { word as inner } from "./word";
const { suffix } = require("./suffix.cjs");
export const word = (): string => inner + suffix;`,
  "word.ts": 'export const word: string = "one";',
  "suffix.cjs": 'module.exports = { suffix: "." };',
};

test("a reload sees changes deep down, also in CommonJS, while packages stay shared", async () => {
  await using project = await temporaryProject(reloading);
  const before = await loadReady(project.directory, "g");
  await project.write({ "word.ts": 'export const word: string = "two";' });
  await project.write({ "suffix.cjs": 'module.exports = { suffix: "!" };' });
  const after = await loadReady(project.directory, "g");
  expect(await invoke(before, {})).toEqual({ text: "one." });
  expect(await invoke(after, {})).toEqual({ text: "two!" });
  expect(after.graph.constructor).toBe(before.graph.constructor);
  expect(after.peers.langgraph).toBe(before.peers.langgraph);
});

test("CommonJS that one file requires before another's import of it has run loads again whole", async () => {
  await using project = await temporaryProject({
    ...reloading,
    "g.ts": `${reloading["g.ts"]}\nimport late from "./suffix.cjs";\nexport { late };`,
  });
  await loadReady(project.directory, "g");
  expect(await invoke(await loadReady(project.directory, "g"), {})).toEqual({ text: "one." });
});

test("a file reached by path and through a linked package is one module, and reloads", async () => {
  await using project = await temporaryProject({
    "langgraph.json": '{ "graphs": { "g": "./apps/g.ts" } }',
    "packages/shared/package.json": '{ "name": "@acme/shared", "exports": "./index.ts" }',
    "packages/shared/index.ts": "export class Shared { readonly version: string = '1'; }",
    "apps/package.json": '{ "private": true }',
    "apps/g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { Shared } from "@acme/shared";
import { Shared as Same } from "../packages/shared";
export default new StateGraph(Annotation.Root({ text: Annotation<string> }))
  .addNode("say", () => ({ text: new Same().version + String(Shared === Same) }))
  .addEdge(START, "say");`,
  });
  await mkdir(join(project.directory, "apps/node_modules/@acme"), { recursive: true });
  await symlink(
    join(project.directory, "packages/shared"),
    join(project.directory, "apps/node_modules/@acme/shared"),
  );
  expect(await invoke(await loadReady(project.directory, "g"), {})).toEqual({ text: "1true" });
  await project.write({ "packages/shared/index.ts": "export class Shared { version = '2'; }" });
  expect(await invoke(await loadReady(project.directory, "g"), {})).toEqual({ text: "2true" });
});

test("a graph that broke works again after its file is mended", async () => {
  await using project = await temporaryProject(reloading);
  await project.write({ "word.ts": "export const word = ;" });
  expect((await load(project.directory, "g")).kind).toBe("broken");
  await project.write({ "word.ts": 'export const word = "mended";' });
  expect(await invoke(await loadReady(project.directory, "g"), {})).toEqual({ text: "mended." });
});

test("the files of a load are those of the user's, for watching", async () => {
  await using project = await temporaryProject(reloading);
  const { files } = await loadGraphs(await readManifest(project.directory));
  const expected = ["g.ts", "middle.ts", "suffix.cjs", "word.ts"];
  expect(files.toSorted()).toEqual(expected.map((name) => join(project.directory, name)));
});

test("errors thrown while a graph runs have the lines of the user's source", async () => {
  await using project = await temporaryProject({
    "langgraph.json": '{ "graphs": { "g": "./g.ts" } }',
    "g.ts": `import { Annotation, START, StateGraph } from "@langchain/langgraph";

interface Removed {
  by: "the transform";
}

export default new StateGraph(Annotation.Root({ text: Annotation<string> }))
  .addNode("fail", (): never => {
    throw new Error("line nine");
  })
  .addEdge(START, "fail");`,
  });
  const { stack } = await loadInProcess(project.directory, "g");
  expect(stack).toMatch(/g\.ts(\?gen=\d+)?:9:11/);
});

test("a module that throws or rejects while it loads is told with the line of the source", async () => {
  const { broken } = await loadInProcess(zoo);
  expect(broken["throwing"]).toEqual({
    message: "checks.ts:5 (loading throwing.ts): threw RangeError: the key is missing",
    file: join(zoo, "checks.ts"),
    line: 5,
  });
  expect(broken["rejecting"]).toEqual({
    message: "rejecting.ts:5: threw Error: the service said no",
    file: join(zoo, "rejecting.ts"),
    line: 5,
  });
});

async function loadInProcess(
  ...parameters: string[]
): Promise<{ stack: string | null; broken: Record<string, unknown> }> {
  const script = join(zoo, "../load-in-process.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...parameters]);
  return JSON.parse(stdout) as { stack: string | null; broken: Record<string, unknown> };
}
