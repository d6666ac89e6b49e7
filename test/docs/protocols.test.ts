import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServerProcess } from "../support/server-process.ts";

/** The examples of docs/mcp.md and docs/a2a.md run as they stand, but for the address. */

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const documented = "http://127.0.0.1:8123";

let server: ServerProcess;
let directory: string;
beforeAll(async () => {
  server = await ServerProcess.start({ config: join(root, "langgraph.json") });
  directory = mkdtempSync(join(tmpdir(), "adjutant-docs-"));
  symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

function examples(page: string, language: string): string[] {
  const text = readFileSync(join(root, "docs", page), "utf8");
  const found = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return found.flatMap(([, named, code]) => {
    if (named !== language) return [];
    expect(code).toContain(documented);
    return [code!.replaceAll(documented, server.url)];
  });
}

async function runScript(name: string, code: string): Promise<string[]> {
  const file = join(directory, name);
  writeFileSync(file, code);
  const { stdout } = await run(process.execPath, [file]);
  return stdout.trim().split("\n");
}

describe("docs/mcp.md", () => {
  it("its JavaScript lists the tools, is told of progress and gets an answer", async () => {
    const [example] = examples("mcp.md", "js");
    const lines = await runScript("mcp.mjs", example!);
    expect(lines[0]).toMatch(/'agent'.*'tax'/);
    expect(lines[1]).toMatch(/^1 \w+/);
    expect(lines.at(-1)).not.toBe("");
    expect(lines.length).toBeGreaterThanOrEqual(3);
  });

  it("its curl line answers", async () => {
    const [example] = examples("mcp.md", "sh");
    const { stdout } = await run("sh", ["-c", example!]);
    const { result } = JSON.parse(stdout) as { result: { isError: boolean; content: unknown[] } };
    expect(result.isError).toBe(false);
    expect(result.content).toHaveLength(1);
  });
});

describe("docs/a2a.md", () => {
  it("its JavaScript finds the agent, gets an answer and streams the next", async () => {
    const [example] = examples("a2a.md", "js");
    const lines = await runScript("a2a.mjs", example!);
    expect(lines[0]).not.toBe("");
    expect(lines).toEqual(expect.arrayContaining(["task", "statusUpdate", "artifactUpdate"]));
    expect(lines.at(-1)).toBe("statusUpdate");
  });

  it("its curl line answers", async () => {
    const [example] = examples("a2a.md", "sh");
    const { stdout } = await run("sh", ["-c", example!]);
    const { result } = JSON.parse(stdout) as { result: { kind: string; artifacts: unknown[] } };
    expect([result.kind, result.artifacts.length]).toEqual(["task", 1]);
  });
});
