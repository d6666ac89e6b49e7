import { execFileSync } from "node:child_process";

/** An interpreter with the client of PyPI: the one that is named, which then must have it, or the one on PATH. */
function findPython(): string | null {
  const named = process.env["ADJUTANT_TEST_PYTHON"];
  if (named) return named;
  try {
    execFileSync("python3", ["-c", "import langgraph_sdk"], { stdio: "ignore" });
    return "python3";
  } catch {
    return null;
  }
}

export const python = findPython();

/** Appended to the names of tests that are skipped. */
export const pythonSkippedBecause =
  python === null
    ? " (skipped: python3 has no langgraph-sdk, and ADJUTANT_TEST_PYTHON names no interpreter)"
    : "";
