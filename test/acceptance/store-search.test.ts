import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type TemporaryProject, temporaryProject } from "../graphs/project.ts";
import { ModelServer } from "../support/model-server.ts";
import { everyDatabase } from "../support/postgres.ts";
import { python, pythonSkippedBecause } from "../support/python.ts";
import { ServerProcess } from "../support/server-process.ts";

/** One node puts what it is given, the other finds what is like it. */
const graph = `
  import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
  const State = Annotation.Root({ text: Annotation<string>(), found: Annotation<unknown[]>() });
  export const graph = new StateGraph(State)
    .addNode("remember", async ({ text }, { store }) => {
      await Promise.all([
        store.put(["notes"], "given", { text }),
        store.put(["notes"], "other", { text: "coffee" }),
      ]);
      return {};
    })
    .addNode("recall", async (_, { store }) => {
      const found = await store.search(["notes"], { query: "green tea", limit: 5 });
      return { found: found.map(({ key, score }) => [key, score ?? null]) };
    })
    .addEdge(START, "remember")
    .addEdge("remember", "recall")
    .addEdge("recall", END)
    .compile();
`;

/** Texts about tea lie east, all others north; about anything forbidden there is none. */
const embedder = `
  export async function embed(texts: string[]): Promise<number[][]> {
    if (texts.some((text) => text.includes("forbidden"))) throw new Error("that is forbidden");
    if (texts.some((text) => text.includes("endless"))) {
      console.log("at the endless text");
      await new Promise(() => {});
    }
    return texts.map((text) => (text.includes("tea") ? [1, 0] : [0, 1]));
  }
  export const longer = { embedDocuments: async (texts: string[]) => texts.map((text) => (text.includes("tea") ? [1, 2, 2] : [0, 1, -1])), embedQuery: async () => [1, 2, 2] };
  export const wrong = 7;
`;

function manifest(index: object): string {
  return JSON.stringify({ graphs: { notes: "./graph.ts:graph" }, store: { index } });
}

let project: TemporaryProject;
let models: ModelServer;
beforeAll(async () => {
  project = await temporaryProject({ "graph.ts": graph, "embed.ts": embedder });
  models = await ModelServer.start();
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

async function configured(name: string, index: object): Promise<string> {
  await project.write({ [name]: manifest(index) });
  return join(project.directory, name);
}

const cards = {
  tea: { text: "green tea in the morning", cups: 2 },
  coffee: { text: "black coffee", cups: 5 },
  both: { text: "tea or coffee", cups: 1 },
};

// Each starts a server, some of them several times.
vi.setConfig({ testTimeout: 120_000 });

describe("with an embeddings model behind the OpenAI wire", () => {
  const openai = { embed: "openai:text-embedding-3-small", dims: 64, fields: ["text"] };

  it("the JavaScript client finds what is like its query", async () => {
    const config = await configured("openai.json", openai);
    const environment = { OPENAI_BASE_URL: models.url };
    await using server = await ServerProcess.start({ config, environment });
    const client = new Client({ apiUrl: server.url });
    for (const [key, value] of Object.entries(cards))
      await client.store.putItem(["cards"], key, value);
    await client.store.putItem(["cards"], "unindexed", { text: "green tea" }, { index: false });
    await client.store.putItem(["cards"], "by title", { title: "green tea" }, { index: ["title"] });
    const { items } = await client.store.searchItems(["cards"], { query: "green tea" });
    expect(items.map(({ key }) => key)).toEqual(["by title", "tea", "both", "coffee", "unindexed"]);
    expect(items[0]!.score).toBeCloseTo(1, 5);
    expect(items[1]!.score).toBeLessThan(1);
    expect(items.at(-1)).not.toHaveProperty("score");
    const few = { query: "green tea", filter: { cups: { $lte: 2 } }, limit: 1, offset: 1 };
    expect((await client.store.searchItems(["cards"], few)).items).toMatchObject([{ key: "both" }]);
    const { items: newest } = await client.store.searchItems(["cards"]);
    expect(newest[0]).not.toHaveProperty("score");
    expect(models.requests.at(-1)).toMatchObject({
      body: { model: "text-embedding-3-small", dimensions: 64, encoding_format: "float" },
    });
    expect(await recalled(client)).toEqual([
      ["given", expect.closeTo(1, 5)],
      ["other", expect.closeTo(0, 5)],
    ]);
  });

  it.skipIf(python === null)(`the Python client does, too${pythonSkippedBecause}`, async () => {
    const config = await configured("openai.json", openai);
    const environment = { OPENAI_BASE_URL: models.url };
    await using server = await ServerProcess.start({ config, environment });
    const script = join(import.meta.dirname, "store_search.py");
    const { stdout } = await promisify(execFile)(python!, [script, server.url]);
    expect(stdout).toContain("found what was meant");
  });

  it("says what is missing when nobody is named", async () => {
    const config = await configured("openai.json", openai);
    await using server = await ServerProcess.start({ config });
    const client = new Client({ apiUrl: server.url, callerOptions: { maxRetries: 0 } });
    await expect(client.store.putItem(["n"], "k", { text: "tea" })).rejects.toMatchObject({
      status: 503,
      message: expect.stringContaining("neither OPENAI_API_KEY nor OPENAI_BASE_URL is set"),
    });
    expect(await client.store.getItem(["n"], "k")).toBeNull();
    await client.store.putItem(["n"], "k", { other: "nothing to index" });
    await expect(client.store.searchItems(["n"], { query: "tea" })).rejects.toThrow(
      /OPENAI_API_KEY/,
    );
    expect((await client.store.searchItems(["n"])).items).toHaveLength(1);
  });
});

describe.each(await everyDatabase())(
  "with an embedder of the user's own, on $name",
  ({ name, postgres, skipped, because }) => {
    it.skipIf(skipped)(
      `keeps what it has through failures and changes of the index${because}`,
      async () => {
        const config = await configured(`${name}.json`, { embed: "./embed.ts:embed", dims: 2 });
        await using server = await ServerProcess.start({ config, postgres });
        const client = new Client({ apiUrl: server.url, callerOptions: { maxRetries: 0 } });
        await client.store.putItem(["n"], "tea", cards.tea);
        await client.store.putItem(["n"], "coffee", cards.coffee);
        await expect(
          client.store.putItem(["n"], "tea", { text: "forbidden" }),
        ).rejects.toMatchObject({
          status: 503,
          message: expect.stringContaining("(./embed.ts:embed) failed: that is forbidden."),
        });
        await expect(client.store.searchItems(["n"], { query: "forbidden" })).rejects.toThrow(
          /503/,
        );
        const search = async () => {
          const { items } = await client.store.searchItems(["n"], { query: "a cup of tea" });
          return items.map(({ key, score, value }) => [
            key,
            score === undefined ? null : Math.round(score * 1e4),
            value,
          ]);
        };
        const asStored = [
          ["tea", 10_000, cards.tea],
          ["coffee", 0, cards.coffee],
        ];
        expect(await search()).toEqual(asStored);
        const lost = client.store.putItem(["n"], "tea", { text: "endless" }).then(
          () => "stored",
          () => "lost",
        );
        await server.printed(/at the endless text/);
        await server.kill();
        expect(await lost).toBe("lost");
        await server.restart();
        expect(await search()).toEqual(asStored);

        await server.stop();
        await configured(`${name}.json`, { embed: "./embed.ts:longer", dims: 3 });
        await server.restart();
        await server.printed(/store\.index is now \.\/embed\.ts:longer \(3\), and 2 items/);
        expect(await search()).toEqual([
          ["coffee", null, cards.coffee],
          ["tea", null, cards.tea],
        ]);
        await client.store.putItem(["n"], "tea", cards.tea);
        expect(await search()).toEqual([
          ["tea", 10_000, cards.tea],
          ["coffee", null, cards.coffee],
        ]);
        expect(await recalled(client)).toEqual([
          ["given", expect.closeTo(1, 5)],
          ["other", expect.closeTo(0, 5)],
        ]);
      },
    );
  },
);

it("an index that cannot be keeps the server from starting, with the reason", async () => {
  const config = await configured("wrong.json", { embed: "cohere:embed-v3", dims: 3 });
  const { code, output } = await ServerProcess.startInVain({ config });
  expect(code).not.toBe(0);
  expect(output).toContain('"store.index.embed" of langgraph.json is "cohere:embed-v3".');
  expect(output).not.toMatch(/^\s+at /m);
});

/** What the graph's own store finds after it has put two notes at once. */
async function recalled(client: Client): Promise<unknown> {
  const input = { text: "green tea" };
  const values = (await client.runs.wait(null, "notes", { input })) as { found: unknown };
  return values.found;
}
