import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readManifest } from "../../src/graphs/manifest.ts";
import { temporaryProject, zoo } from "./project.ts";

async function read(manifest: unknown, files: Record<string, string> = {}) {
  const text = typeof manifest === "string" ? manifest : JSON.stringify(manifest);
  await using project = await temporaryProject({ "langgraph.json": text, ...files }, "none");
  return await readManifest(project.directory);
}

const graphs = { agent: "./agent.ts:graph" };

test("a directory means its langgraph.json; paths are relative to that file", async () => {
  const manifest = await readManifest(zoo);
  expect(manifest).toEqual(await readManifest(join(zoo, "langgraph.json")));
  expect(manifest.directory).toBe(zoo);
  expect(manifest.path).toBe(join(zoo, "langgraph.json"));
  expect(manifest.graphs.slice(0, 2)).toEqual([
    { graphId: "awkward", file: join(zoo, "awkward.ts"), exportName: "graph", description: null },
    { graphId: "default", file: join(zoo, "default.ts"), exportName: "default", description: null },
  ]);
  expect(manifest.graphs.find((one) => one.graphId === "described")).toMatchObject({
    exportName: "builder",
    description: "A builder",
  });
});

describe("env", () => {
  test("names a file, whose variables are read", async () => {
    const manifest = await readManifest(zoo);
    expect(manifest.env).toEqual({ ZOO_NAME: "lion", ZOO_QUOTED: "a b" });
    expect(manifest.envFile).toBe(join(zoo, ".env.zoo"));
  });

  test("or is an object of variables", async () => {
    const manifest = await read({ graphs, env: { NAME: "value" } });
    expect(manifest.env).toEqual({ NAME: "value" });
    expect(manifest.envFile).toBeNull();
  });
});

test("keys without effect are told one by one, unknown ones too; the rest is silent", async () => {
  const { notices, settings } = await read({
    $schema: "https://example.com/schema.json",
    graphs,
    node_version: "24",
    dockerfile_lines: ["RUN true"],
    auth: {
      path: "./auth.ts:auth",
      cache: { cache_keys: ["authorization"], ttl_seconds: 5 },
      openapi: { security: [] },
      disable_studio_auth: true,
      allow_langsmith_api_keys: true,
    },
    store: { index: { dims: 3, embed: "openai:small" }, ttl: { default_ttl: 5 } },
    checkpointer: { ttl: { strategy: "keep_latest" }, backend: "mongo" },
    http: { app: "./app.ts:app", cors: {}, disable_ui: true },
    colour: "green",
  });
  expect(notices).toEqual([
    '"checkpointer.backend" is not honoured yet: checkpoints go to the server\'s own database.',
    '"auth.allow_langsmith_api_keys" is not honoured yet: keys of LangSmith open nothing here, since LangSmith is not asked.',
    '"colour" is not a key of langgraph.json that this server knows: it is ignored.',
  ]);
  expect(settings.store?.index?.dims).toBe(3);
  expect(settings.auth?.path).toBe("./auth.ts:auth");
});

describe("what is wrong is an error that names file and key", () => {
  const cases: [name: string, manifest: unknown, message: RegExp][] = [
    ["broken JSON", "{", /langgraph\.json is not JSON: /],
    ["no graphs", {}, /"graphs": /],
    ["an empty list of graphs", { graphs: {} }, /"graphs": must name at least one graph/],
    [
      "a graph of the wrong type",
      { graphs: { a: 1 } },
      /"graphs\.a": must be ".\/file\.ts:export" or/,
    ],
    ["an empty export", { graphs: { a: "./a.ts:" } }, /"graphs\.a" must be ".\/file\.ts:export"/],
    ["a Python graph", { graphs: { a: "./a.py:graph" } }, /"graphs\.a" is a Python graph/],
    [
      "an odd Node version",
      { graphs, node_version: "18" },
      /"node_version": must be "20", "22" or "24"/,
    ],
    ["env as a list", { graphs, env: ["A"] }, /"env": must be a path or an object/],
    [
      "an env file that is a directory",
      { graphs, env: "." },
      /"env" names .*, which cannot be read/,
    ],
    ["a wrong nested value", { graphs, http: { disable_runs: "no" } }, /"http\.disable_runs": /],
  ];
  test.each(cases)("%s", async (_, manifest, message) => {
    await expect(read(manifest)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(message),
    });
    await expect(read(manifest)).rejects.toThrow("langgraph.json");
  });

  test("no file at all", async () => {
    await expect(readManifest("/nowhere/langgraph.json")).rejects.toMatchObject({
      code: "invalid",
      message:
        "There is no /nowhere/langgraph.json: write one that names your graphs, or pass its path.",
    });
  });
});
