import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client } from "@langchain/langgraph-sdk";
import { ServerProcess } from "../support/server-process.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const documented = "http://127.0.0.1:8123";

/** The examples of a page, by language. */
function examples(page: string): { language: string; code: string }[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, code]) => ({
    language: language!,
    code: code!,
  }));
}

function pick(page: string, language: string): string[] {
  return examples(page).flatMap((one) => (one.language === language ? [one.code] : []));
}

/** An interpreter with the Python client; null where there is none. */
async function findPython(): Promise<string | null> {
  const python = process.env["ADJUTANT_TEST_PYTHON"] ?? "python3";
  return run(python, ["-c", "import langgraph_sdk"]).then(
    () => python,
    () => null,
  );
}
const python = await findPython();

let server: ServerProcess;
let directory: string;
beforeAll(async () => {
  server = await ServerProcess.start({ config: join(root, "langgraph.json") });
  directory = mkdtempSync(join(tmpdir(), "adjutant-readme-"));
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function here(code: string): string {
  expect(code).toContain(documented);
  return code.replaceAll(documented, server.url);
}

describe.each(["README.md", "README.ko.md"])("%s", (page) => {
  it("its curl lines answer", async () => {
    const [, wait, stream] = pick(page, "sh");
    const waited = await run("sh", ["-c", here(wait!)]);
    const { messages } = JSON.parse(waited.stdout) as { messages: { content: string }[] };
    expect(messages.at(-1)!.content).not.toBe("");
    const streamed = await run("sh", ["-c", here(stream!)]);
    expect(streamed.stdout).toContain("event: updates");
    expect(streamed.stdout).toContain("6000");
  });

  it("its JavaScript runs as it stands", async () => {
    const [example] = pick(page, "js");
    const file = join(directory, `${page}.mjs`);
    writeFileSync(file, here(example!));
    const { stdout } = await run(process.execPath, [file]);
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toMatch(/^metadata /);
    expect(lines[1]).toMatch(/^updates .*call_model/);
    // The stand-in quotes its instructions: version 2's, although version 1 is active.
    expect(lines.at(-1)).toMatch(/polite pirate|예의 바른 해적/);
  });

  it("its program for the OpenAI client runs as it stands", async () => {
    const [, example] = pick(page, "js");
    const file = join(directory, `${page}-openai.mjs`);
    writeFileSync(file, here(example!));
    const { stdout } = await run(process.execPath, [file]);
    expect(stdout).toMatch(/^completed .*3x \+ 11 = 14/s);
  });

  it.skipIf(python === null)("its Python runs as it stands (needs langgraph-sdk)", async () => {
    const [example] = pick(page, "python");
    const { stdout } = await run(python!, ["-c", here(example!)]);
    expect(stdout).toMatch(/^metadata .*\nupdates .*call_model/);
  });

  it("its graph is served as a project of its own", async () => {
    const project = join(directory, `${page}-project`);
    mkdirSync(project);
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    const [manifest] = pick(page, "json");
    const [graph] = pick(page, "ts");
    writeFileSync(join(project, "langgraph.json"), manifest!);
    writeFileSync(join(project, "echo.ts"), graph!);
    await using own = await ServerProcess.start({ config: join(project, "langgraph.json") });
    const client = new Client({ apiUrl: own.url });
    const input = { messages: [{ role: "user", content: "hello" }] };
    const state = (await client.runs.wait(null, "echo", { input, context: { shout: true } })) as {
      messages: { content: string }[];
    };
    expect(state.messages.at(-1)!.content).toBe("HELLO");
  });
});

it("the two languages show the same examples, and every variable of one is in the other", () => {
  const shape = (page: string) => examples(page).map(({ language }) => language);
  expect(shape("README.ko.md")).toEqual(shape("README.md"));
  const names = (page: string) =>
    new Set(readFileSync(join(root, page), "utf8").match(/\b[A-Z]+(?:_[A-Z]+)+\b/g));
  expect(names("README.ko.md")).toEqual(names("README.md"));
});
