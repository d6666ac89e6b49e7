import { globSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";

const directory = resolve(import.meta.dirname, "../../graphs");
const files = globSync("**/*.ts", { cwd: directory }).map((name) => resolve(directory, name));
const packages = /^(@langchain\/(langgraph|core|openai|anthropic)|zod)(\/|$)/;

test.each(files)("%s imports nothing that a user's own project would not have", (file) => {
  const source = readFileSync(file, "utf8");
  const imported = [...source.matchAll(/(?:from|import) "([^"]+)"/g)].map((match) => match[1]!);
  const foreign = imported.filter((name) =>
    name.startsWith(".") ? !files.includes(resolve(dirname(file), name)) : !packages.test(name),
  );
  expect(foreign).toEqual([]);
});

test("langgraph.json names graphs that are there", async () => {
  const root = resolve(directory, "..");
  const config = JSON.parse(readFileSync(resolve(root, "langgraph.json"), "utf8"));
  expect(Object.keys(config.graphs)).toEqual(["agent", "tax"]);
  for (const target of Object.values<string>(config.graphs)) {
    const [path, name] = target.split(":");
    const module = await import(resolve(root, path!));
    expect(module[name!]).toHaveProperty("invoke");
  }
});
