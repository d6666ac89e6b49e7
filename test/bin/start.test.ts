import { expect, test } from "vitest";
import { Clone, Program } from "./clone.ts";

const main = `
console.log(JSON.stringify({ words: process.argv.slice(2), cwd: process.cwd(), pid: process.pid }));
if (process.argv.includes("--serve")) {
  process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(0); });
  setInterval(() => {}, 60_000);
}
`;

function clone(): Clone {
  const place = new Clone({ "package-lock.json": "{}", "src/cli/main.ts": main });
  place.write("node_modules/.package-lock.json", "{}");
  return place;
}

async function started(
  words: string[],
  typedIn?: string,
): Promise<{ words: string[]; cwd: string; directory: string }> {
  using place = clone();
  await using program = new Program([place.path("bin/start.js"), ...words], {
    cwd: place.directory,
    environment: typedIn === undefined ? {} : { INIT_CWD: typedIn },
  });
  const ending = await program.ending;
  expect(ending).toMatchObject({ code: 0, stderr: "" });
  return { ...JSON.parse(ending.stdout), directory: place.directory };
}

test("npm start is adjutant dev with what follows", async () => {
  const { words, cwd, directory } = await started(["--port", "9000", "--no-reload"]);
  expect(words).toEqual(["dev", "--port", "9000", "--no-reload"]);
  expect(cwd).toBe(directory);
});

test.skipIf(process.platform === "win32")(
  "paths are meant from where they were typed",
  async () => {
    const typed = ["--config", "other/langgraph.json", "--data-dir=../data", "--port", "9000"];
    const { words, cwd, directory } = await started(typed, "/srv/ada/project");
    expect(words).toEqual([
      "dev",
      "--config",
      "/srv/ada/project/other/langgraph.json",
      "--data-dir=/srv/ada/data",
      "--port",
      "9000",
    ]);
    expect(cwd).toBe(directory);
    expect((await started(["-c", "/etc/langgraph.json"], "/srv/ada")).words).toEqual([
      "dev",
      "-c",
      "/etc/langgraph.json",
    ]);
  },
);

test.skipIf(process.platform === "win32")(
  "the server stops when the shell that npm started is gone (npm passes a SIGTERM to nobody else)",
  async () => {
    using place = clone();
    // As npm does it: a shell that waits for the program.
    const shell = `const { spawn } = require("node:child_process");
      spawn(process.execPath, ["bin/start.js", "--serve"], { stdio: ["ignore", 1, 2] });`;
    await using program = new Program(["-e", shell], { cwd: place.directory });
    await program.says(`"pid"`);
    program.process.kill("SIGKILL");
    // The streams close only when the last process that writes to them has ended.
    expect(await program.ending).toMatchObject({ stdout: expect.stringContaining("got SIGTERM") });
  },
);
