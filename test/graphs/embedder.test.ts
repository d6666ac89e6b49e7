import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadIndexSettings } from "../../src/graphs/embedder.ts";
import { loadGraphs } from "../../src/graphs/load.ts";
import { readManifest } from "../../src/graphs/manifest.ts";
import { ModelServer } from "../support/model-server.ts";
import { type TemporaryProject, temporaryProject } from "./project.ts";

const embedders = `
  export const embed = (texts: string[]) => texts.map((text) => [text.length]);
  export default { embedDocuments: async (texts: string[]) => texts.map(() => [1]), embedQuery: async () => [2] };
  export const wrong = 7;
  export const half = { embedDocuments: async () => [] };
`;

let project: TemporaryProject;
beforeAll(async () => {
  project = await temporaryProject({
    "embed.ts": embedders,
    "graph.ts": "export const graph = 1;",
  });
});
afterAll(() => project[Symbol.asyncDispose]());

async function settingsOf(store: object, environment: Record<string, string> = {}) {
  const graphs = { one: "./graph.ts:graph" };
  await project.write({ "langgraph.json": JSON.stringify({ graphs, store }) });
  const manifest = await readManifest(project.directory);
  expect(manifest.notices).toEqual([]);
  const { generation } = await loadGraphs(manifest);
  return loadIndexSettings(manifest, generation, environment);
}

describe("store.index of langgraph.json", () => {
  test("may be absent", async () => {
    expect(await settingsOf({})).toBeNull();
  });

  test("names a function of the project's", async () => {
    const settings = await settingsOf({ index: { embed: "./embed.ts:embed", dims: 1 } });
    expect(settings).toMatchObject({ name: "./embed.ts:embed", dims: 1, fields: ["$"] });
    expect(await settings!.embedder.embedDocuments(["a", "bcd"])).toEqual([[1], [3]]);
    expect(await settings!.embedder.embedQuery("bc")).toEqual([2]);
  });

  test("names an Embeddings object, as a default export too", async () => {
    const settings = await settingsOf({ index: { embed: "embed.ts", dims: 1, fields: ["a"] } });
    expect(settings!.fields).toEqual(["a"]);
    expect(await settings!.embedder.embedDocuments(["a"])).toEqual([[1]]);
    expect(await settings!.embedder.embedQuery("a")).toEqual([2]);
  });

  test("names a model behind any server that speaks the OpenAI wire", async () => {
    await using models = await ModelServer.start();
    const index = { embed: "openai:nomic/embed:v1", dims: 8 };
    const settings = await settingsOf({ index }, { OPENAI_BASE_URL: models.url });
    const [first, second] = (await settings!.embedder.embedDocuments(["tea", "cup"])) as number[][];
    expect(first).toHaveLength(8);
    expect(await settings!.embedder.embedQuery("cup")).toEqual(second);
    const { body, headers } = models.requests[0]!;
    expect(body).toEqual({
      model: "nomic/embed:v1",
      input: ["tea", "cup"],
      encoding_format: "float",
    });
    expect(headers["authorization"]).toBe("Bearer no-key");
  });

  test.for<[object, RegExp]>([
    [{ embed: "./embed.ts:embed" }, /"store\.index\.dims" of langgraph\.json is missing/],
    [{ dims: 3 }, /"store\.index\.embed" of langgraph\.json is missing/],
    [{ embed: "cohere:embed-v3", dims: 3 }, /"cohere:embed-v3"\. Write "openai:<model>"/],
    [{ embed: "text-embedding-3-small", dims: 3 }, /Write "openai:<model>"/],
    [{ embed: "./embed.ts:nothing", dims: 3 }, /embed\.ts: has no export "nothing"/],
    [{ embed: "./embed.ts:wrong", dims: 3 }, /must name a function \(texts: string\[\]\)/],
    [{ embed: "./embed.ts:half", dims: 3 }, /or an Embeddings object of LangChain/],
    [{ embed: "./missing.ts:embed", dims: 3 }, /missing\.ts: does not exist/],
    [{ embed: "./embed.ts:embed", dims: 0 }, /"store\.index\.dims": /],
    [{ embed: "./embed.ts:embed", dims: 16_001 }, /"store\.index\.dims": /],
  ])("%j is refused, with the reason", async ([index, reason]) => {
    await expect(settingsOf({ index })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(reason),
    });
  });
});
