import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findViolations, mayImport, readSources } from "./support/modules.ts";

const repository = join(import.meta.dirname, "..");

describe("the house", () => {
  const sources = readSources(repository, ["src", "graphs"]);

  test("no import crosses the plan, and none goes in a circle", () => {
    expect(findViolations(sources)).toEqual([]);
  });

  // A check that sees nothing finds nothing.
  test("enough modules were looked at, in every room that holds the server up", () => {
    const paths = [...sources.keys()];
    expect(paths.length).toBeGreaterThanOrEqual(20);
    for (const room of [
      "core",
      "storage/sqlite",
      "storage/postgres",
      "events/memory",
      "graphs",
      "engine",
      "cli",
    ]) {
      expect(
        paths.filter((path) => path.startsWith(`src/${room}/`)),
        room,
      ).not.toEqual([]);
    }
  });
});

describe("the check itself", () => {
  const base = {
    "src/core/run.ts": "export const run = 1;",
    "src/storage/rows.ts": `import { run } from "../core/run.ts"; export const rows = [run];`,
    "src/storage/sqlite/runs.ts": `import { rows } from "../rows.ts"; import { DatabaseSync } from "node:sqlite";`,
    "src/storage/postgres/runs.ts": `import type { Pool } from "pg"; import { run } from "../../core/run.ts";`,
    "src/graphs/drive.ts": `import { START } from "@langchain/langgraph";`,
    "src/cli/main.ts": `import "../storage/sqlite/runs.ts"; import "../graphs/drive.ts"; import { Hono } from "hono";`,
    "graphs/agent.ts": `import { START } from "@langchain/langgraph"; import "./models.ts";`,
    "graphs/models.ts": "",
  };

  function violationsWith(planted: Record<string, string>): string[] {
    return findViolations(new Map(Object.entries({ ...base, ...planted })));
  }

  test("passes a house that keeps to the plan", () => {
    expect(violationsWith({})).toEqual([]);
  });

  test.for<[string, Record<string, string>, string]>([
    [
      "core reaching into another room",
      { "src/core/run.ts": `import { x } from "../graphs/drive.ts";` },
      "src/core/run.ts imports src/graphs/drive.ts: core may import nothing but Node, not graphs.",
    ],
    [
      "core using a package, if only for a type",
      { "src/core/run.ts": `import type { ZodType } from "zod";` },
      "src/core/run.ts imports the package zod: core imports nothing but Node.",
    ],
    [
      "one database importing the other",
      { "src/storage/sqlite/runs.ts": `export * from "../postgres/runs.ts";` },
      "src/storage/sqlite/runs.ts imports src/storage/postgres/runs.ts: " +
        "storage/sqlite may import core and storage, not storage/postgres.",
    ],
    [
      "one dialect importing the other, by a dynamic import",
      {
        "src/protocols/langgraph/runs.ts": "",
        "src/protocols/openai/runs.ts": `const runs = await import("../langgraph/runs.ts");`,
      },
      "src/protocols/openai/runs.ts imports src/protocols/langgraph/runs.ts: " +
        "protocols/openai may import core and protocols, not protocols/langgraph.",
    ],
    [
      "what the dialects share knowing one of them",
      {
        "src/protocols/langgraph/runs.ts": "",
        "src/protocols/server.ts": `import "./langgraph/runs.ts";`,
      },
      "src/protocols/server.ts imports src/protocols/langgraph/runs.ts: " +
        "protocols may import core, not protocols/langgraph.",
    ],
    [
      "a neighbour",
      { "src/engine/worker.ts": `type Drive = import("../graphs/drive.ts").Drive;` },
      "src/engine/worker.ts imports src/graphs/drive.ts: engine may import core, not graphs.",
    ],
    [
      "LangGraph outside graphs",
      { "src/engine/worker.ts": `import { Command } from "@langchain/langgraph/web";` },
      "src/engine/worker.ts imports the package @langchain/langgraph/web: only graphs may, not engine.",
    ],
    [
      "HTTP in the engine",
      { "src/engine/worker.ts": `import { Hono } from "hono";` },
      "src/engine/worker.ts imports the package hono: " +
        "only protocols and protocols/langgraph and protocols/openai and cli may, not engine.",
    ],
    [
      "the Postgres driver outside its rooms",
      { "src/cli/main.ts": `import pg from "pg";` },
      "src/cli/main.ts imports the package pg: only storage/postgres and events/postgres may, not cli.",
    ],
    [
      "a directory that is no room",
      { "src/helpers/text.ts": "" },
      "src/helpers/text.ts is in no room: rooms are the directories of src in test/support/modules.ts.",
    ],
    [
      "a database that the plan does not name",
      { "src/storage/mysql/runs.ts": "" },
      "src/storage/mysql/runs.ts is in no room: rooms are the directories of src in test/support/modules.ts.",
    ],
    [
      "the server importing an example",
      { "src/cli/main.ts": `import "../../graphs/agent.ts";` },
      "src/cli/main.ts imports graphs/agent.ts, which is outside src.",
    ],
    [
      "an example importing the server",
      { "graphs/models.ts": `import { run } from "../src/core/run.ts";` },
      "graphs/models.ts imports src/core/run.ts: " +
        "an example graph is written as a user would write it, without the server.",
    ],
    [
      "a file that does not exist",
      { "src/cli/main.ts": `import "./dev.ts";` },
      "src/cli/main.ts imports src/cli/dev.ts, which does not exist.",
    ],
    [
      "a built-in module without its prefix",
      { "src/cli/main.ts": `import "fs";` },
      "src/cli/main.ts imports fs: write node:fs.",
    ],
    [
      "a cycle, if only of types",
      {
        "src/core/a.ts": `import type { B } from "./b.ts";`,
        "src/core/b.ts": `import type { C } from "./c.ts";`,
        "src/core/c.ts": `import { a } from "./a.ts";`,
      },
      "Import cycle: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts.",
    ],
  ])("finds %s", ([, planted, sentence]) => {
    expect(violationsWith(planted)).toEqual([sentence]);
  });

  test("only the wiring room is missing from the table", () => {
    expect(Object.values(mayImport).flat()).not.toContain("cli");
  });
});

describe("the repository", () => {
  test("every dependency has its line under Dependencies in ARCHITECTURE.md, and every line its dependency", () => {
    const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
    const declared = [
      manifest.dependencies,
      manifest.optionalDependencies,
      manifest.devDependencies,
    ].flatMap(Object.keys);
    const described = dependencyLines(readFileSync(join(repository, "ARCHITECTURE.md"), "utf8"));
    expect(described.toSorted()).toEqual(declared.toSorted());
  });

  // A downloaded archive is not a repository, and cannot say which files are its own.
  const isRepository = existsSync(join(repository, ".git"));

  test.runIf(isRepository)(
    "no file names a package registry or a path of somebody's machine",
    () => {
      const found = repositoryFiles().flatMap((path) => foreignWords(path));
      expect(found).toEqual([]);
    },
  );

  test("and the search for them finds what is planted", () => {
    const home = ["", "home", "ada"].join("/");
    const registry = ["https://registry", "example", "org"].join(".");
    expect(foreignWordsIn(`see ${registry}/pg for it`)).toHaveLength(1);
    expect(foreignWordsIn(`cd ${home}/adjutant`)).toEqual([home]);
    expect(foreignWordsIn(`import "../root/y"; GET /threads/work/runs; x.org${home}`)).toEqual([]);
  });
});

/** Package names of the list items under the heading Dependencies: "- `pg`, `@types/pg`: why". */
function dependencyLines(text: string): string[] {
  const section = text.split(/^## Dependencies$/m)[1]?.split(/^## /m)[0] ?? "";
  return section
    .split("\n")
    .filter((line) => line.startsWith("- `"))
    .flatMap((line) =>
      [...(line.split(": ")[0] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
    );
}

/** Files that git knows or would take, from the repository's root; deleted ones left out. */
function repositoryFiles(): string[] {
  const listed = execFileSync(
    "git",
    ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    {
      cwd: repository,
      encoding: "utf8",
    },
  );
  const paths = listed
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(repository, path)));
  expect(paths.length).toBeGreaterThan(20);
  return paths;
}

function foreignWords(path: string): string[] {
  return foreignWordsIn(readFileSync(join(repository, path), "utf8")).map(
    (words) => `${path}: ${words}`,
  );
}

function foreignWordsIn(text: string): string[] {
  const registryHost =
    /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\bnpmjs\.org|\bpypi\.org\/simple|\bpythonhosted\.org|\bdeb\.debian\.org/g;
  const machinePath = /(?<![\w./\-*}])\/(?:home|Users|root|work|farm)\/[\w.-]+/g;
  return [registryHost, machinePath].flatMap((pattern) => text.match(pattern) ?? []);
}
