import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openOpenaiServer } from "../support/openai.ts";

/** An interpreter with the client of PyPI: the one that is named, which then must have it, or the one on PATH. */
function findPython(): string | null {
  const named = process.env["ADJUTANT_TEST_PYTHON"];
  if (named) return named;
  try {
    execFileSync("python3", ["-c", "import openai"], { stdio: "ignore" });
    return "python3";
  } catch {
    return null;
  }
}

const python = findPython();
const because =
  python === null
    ? " (skipped: python3 has no openai, and ADJUTANT_TEST_PYTHON names no interpreter)"
    : "";

describe.skipIf(python === null)(`the Python client${because}`, () => {
  test("polls, handles events with streams inside callbacks, and is told what is wrong", async () => {
    const ticker = { name: "get_ticker", arguments: { company_name: "Health Catalyst" } };
    await using server = await openOpenaiServer({
      script: [
        { text: "x = 1" },
        { toolCalls: [ticker] },
        { text: ["The ticker ", "is ", "HCAT."] },
        { toolCalls: [ticker] },
        { text: "Nothing is due." },
        { error: { status: 400, message: "No." } },
        { text: "Let me see.", toolCalls: [ticker] },
        { text: ["The ticker ", "is HCAT."] },
        { toolCalls: [ticker] },
        { text: "HCAT." },
        { text: "Still HCAT." },
      ],
    });
    const script = join(import.meta.dirname, "openai_handlers.py");
    const { stdout } = await promisify(execFile)(python!, [script, server.url]);
    expect(stdout).toMatch(/^all parts hold with openai \d/m);
  }, 120_000);
});
