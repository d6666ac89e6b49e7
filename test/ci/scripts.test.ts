import { cpSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { Clone, Program, type Ending } from "../bin/clone.ts";

const repository = join(import.meta.dirname, "..", "..");

/** Runs a script of .ci on the given files, with an npm that finds the lockfile wanting. */
async function run(
  script: string,
  words: string[],
  files: Record<string, string>,
): Promise<Ending> {
  using place = new Clone(files);
  cpSync(join(repository, ".ci", script), place.path(".ci", script));
  place.write(
    "programs/npm",
    "#!/bin/sh\necho 'Missing: left-pad@ from lock file' >&2\nexit 1\n",
    0o755,
  );
  await using program = new Program([place.path(".ci", script), ...words], {
    cwd: place.directory,
    environment: { PATH: [place.path("programs"), process.env["PATH"]].join(delimiter) },
  });
  return await program.ending;
}

function report(
  passed: number,
  results: { status: string; assertions: string[] }[],
): Record<string, string> {
  const testResults = results.map(({ status, assertions }, index) => ({
    name: `file-${index}.test.ts`,
    message: "cannot be loaded",
    status,
    assertionResults: assertions.map((one) => ({ status: one })),
  }));
  const numFailedTests = results
    .flatMap((file) => file.assertions)
    .filter((one) => one === "failed").length;
  return { "report.json": JSON.stringify({ numPassedTests: passed, numFailedTests, testResults }) };
}

test("the result of the tests is one line, and all passed is a success", async () => {
  const files = report(2, [{ status: "passed", assertions: ["passed", "passed"] }]);
  const ending = await run("print-result.js", ["report.json"], files);
  expect(ending).toMatchObject({ code: 0, stdout: "2 passed, 0 failed\n", stderr: "" });
});

test("a test that passed on its second try is named", async () => {
  const passed = { status: "passed", failureMessages: [] };
  const again = {
    status: "passed",
    fullName: "a race",
    failureMessages: ["Error: lost\n    at x.ts:1"],
  };
  const testResults = [{ name: "a", status: "passed", assertionResults: [passed, again] }];
  const files = {
    "report.json": JSON.stringify({ numPassedTests: 2, numFailedTests: 0, testResults }),
  };
  const ending = await run("print-result.js", ["report.json"], files);
  expect(ending).toMatchObject({
    code: 0,
    stdout: "2 passed, 0 failed\n",
    stderr: "Passed on its second try: a race\n  Error: lost\n",
  });
});

test("a failed test counts once, and a file that cannot be loaded counts as one", async () => {
  const files = report(1, [
    { status: "failed", assertions: ["passed", "failed"] },
    { status: "failed", assertions: [] },
  ]);
  const ending = await run("print-result.js", ["report.json"], files);
  expect(ending).toMatchObject({
    code: 1,
    stdout: "1 passed, 2 failed\n",
    stderr: "file-1.test.ts: cannot be loaded\n",
  });
});

test("no tests and no report are failures, never a quiet success", async () => {
  expect(await run("print-result.js", ["report.json"], report(0, []))).toMatchObject({ code: 1 });
  const ending = await run("print-result.js", ["report.json"], {});
  expect(ending).toMatchObject({ code: 1, stdout: "" });
  expect(ending.stderr).toContain("they did not run to their end");
});

// The stand-in for npm is a shell script.
test.skipIf(process.platform === "win32")(
  "a lockfile that names an address, lacks a hash or that npm refuses is told so",
  async () => {
    const packages: Record<string, object> = { "": { name: "adjutant" } };
    for (let index = 0; index < 60; index++)
      packages[`node_modules/p${index}`] = { version: "1.0.0", integrity: "sha512-x" };
    packages["node_modules/p1"] = {
      version: "1.0.0",
      integrity: "sha512-x",
      resolved: "https://example.org/p1.tgz",
    };
    packages["node_modules/p2"] = { version: "1.0.0" };
    const ending = await run("check-lockfile.js", [], {
      "package-lock.json": JSON.stringify({ name: "adjutant", lockfileVersion: 3, packages }),
    });
    expect(ending.code).toBe(1);
    expect(ending.stderr).toContain(
      `1 packages in package-lock.json carry an address ("resolved"), the first is node_modules/p1`,
    );
    expect(ending.stderr).toContain("have no integrity hash: node_modules/p2.");
    expect(ending.stderr).toContain("npm ci would fail:\nMissing: left-pad@ from lock file");
  },
);
