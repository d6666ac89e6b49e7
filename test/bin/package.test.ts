import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@langchain/langgraph-sdk";
import { beforeAll, afterAll, expect, test } from "vitest";
import { Clone, Program } from "./clone.ts";

const repository = join(import.meta.dirname, "..", "..");

/** Its state has a type of its own, which only the compiler can read: by a program of the package's. */
const graph = `
import { AIMessage } from "@langchain/core/messages";
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

interface Mood { word: string }
const State = Annotation.Root({ ...MessagesAnnotation.spec, mood: Annotation<Mood> });
export const graph = new StateGraph(State)
  .addNode("reply", ({ mood }) => ({ messages: [new AIMessage("I am " + mood.word)] }))
  .addEdge(START, "reply")
  .compile();
`;

/** A project that has installed the package, as npm lays it out. */
const project = new Clone({
  "langgraph.json": JSON.stringify({ graphs: { mood: "./mood.ts:graph" } }),
  "mood.ts": graph,
});
let installed: string;

beforeAll(() => {
  execFileSync(process.execPath, ["bin/package.js", `--pack-destination=${project.directory}`], {
    cwd: repository,
    stdio: "pipe",
  });
  const tarball = readdirSync(project.directory).find((name) => name.endsWith(".tgz"));
  execFileSync("tar", ["-xzf", tarball!], { cwd: project.directory });
  // Only what lies in node_modules is refused types, and only there are its packages found.
  mkdirSync(project.path("node_modules"));
  installed = project.path("node_modules", "adjutant");
  renameSync(project.path("package"), installed);
  for (const name of readdirSync(join(repository, "node_modules"))) {
    if (name.startsWith(".")) continue;
    symlinkSync(join(repository, "node_modules", name), project.path("node_modules", name));
  }
});
afterAll(() => project[Symbol.dispose]());

test("a package has no sources, and no scripts that a user's npm would run", () => {
  const names = readdirSync(installed, { recursive: true }) as string[];
  expect(names).toContain(join("build", "cli", "main.js"));
  expect(names.filter((name) => /\.tsx?$/.test(name))).toEqual([]);
  expect(names).not.toContain("src");
  const described: unknown = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(described).toMatchObject({ name: "adjutant", bin: { adjutant: "bin/adjutant.js" } });
  expect(described).not.toHaveProperty("scripts");
});

test("an installed package serves the project's graphs, their schemas, and Studio", async () => {
  await using server = new Program(
    [join(installed, "bin", "adjutant.js"), "start", "--port", "0", "--data-dir", "data"],
    { cwd: project.directory },
  );
  const output = await server.says("Studio");
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)![0];
  const client = new Client({ apiUrl: url, apiKey: null });
  const input = { messages: [{ role: "user", content: "How are you?" }], mood: { word: "glad" } };
  const values = (await client.runs.wait(null, "mood", { input })) as {
    messages: { content: string }[];
  };
  expect(values.messages.map(({ content }) => content)).toEqual(["How are you?", "I am glad"]);
  const [assistant] = await client.assistants.search();
  const { input_schema: schema } = await client.assistants.getSchemas(assistant!.assistant_id);
  expect(schema?.properties).toMatchObject({
    mood: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
  });
  const page = await fetch(`${url}/studio/`);
  expect([page.status, page.headers.get("content-type")]).toEqual([
    200,
    "text/html; charset=utf-8",
  ]);
});
