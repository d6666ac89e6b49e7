import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Clone, Program } from "./clone.ts";

/** Stands for the command line: prints where and how it was started, then does what its last argument says. */
const main = `
const words: string[] = process.argv.slice(2);
console.log(JSON.stringify({ words, cwd: process.cwd(), packaged: process.env["PACKAGED"] ?? null }));
const last = words.at(-1) ?? "";
if (last.startsWith("exit=")) process.exit(Number(last.slice(5)));
if (last === "die") process.kill(process.pid, "SIGKILL");
if (last === "serve") {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => { console.log("got " + name); process.exit(3); });
  }
  setInterval(() => {}, 60_000);
  console.log("serving");
}
`;

/** Makes the first process believe that it is an old Node; processes that it starts know better. */
const pretendOldNode = {
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(
    `if (process.env.OLD) { delete process.env.OLD; delete process.env.NODE_OPTIONS;
      Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } }); }`,
  )}`,
  OLD: "1",
};

const system = process.platform === "win32" ? "win" : process.platform;

function clone(packagedNode: boolean): Clone {
  const place = new Clone({ "src/cli/main.ts": main });
  if (packagedNode) {
    const packageName = `node_modules/node-${system}-${process.arch}`;
    place.write(`${packageName}/package.json`, "{}");
    place.write(
      `${packageName}/bin/node`,
      `#!/bin/sh\nPACKAGED=yes exec "${process.execPath}" "$@"\n`,
      0o755,
    );
  }
  return place;
}

function launch(place: Clone, words: string[], old: boolean, cwd = place.directory): Program {
  return new Program([place.path("bin/adjutant.js"), ...words], {
    cwd,
    environment: old ? pretendOldNode : {},
  });
}

test("a Node that is new enough runs the command itself", async () => {
  using place = clone(true);
  await using program = launch(place, ["dev", "--port", "9000"], false);
  const ending = await program.ending;
  expect(ending).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(ending.stdout)).toEqual({
    words: ["dev", "--port", "9000"],
    cwd: place.directory,
    packaged: null,
  });
});

test("compiled code is kept beside the packages for the next start", async () => {
  using place = clone(false);
  for (let starts = 0; starts < 2; starts++) {
    await using program = launch(place, ["dev"], false);
    expect(await program.ending).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(place.path("node_modules/.cache/compiled"))).toHaveLength(1);
  }
});

test("a place where nothing can be kept is no obstacle", async () => {
  using place = clone(false);
  place.write("node_modules/.cache", "a file where a directory would be");
  await using program = launch(place, ["dev"], false);
  expect(await program.ending).toMatchObject({ code: 0, stderr: "" });
});

// The stand-in for the packaged Node is a shell script.
test.skipIf(process.platform === "win32").for([0, 7])(
  "an old Node hands over to the packaged one and ends with its exit code %i",
  async (code) => {
    using place = clone(true);
    await using program = launch(place, ["dev", `exit=${code}`], true);
    const ending = await program.ending;
    expect(ending).toMatchObject({ code, stderr: "" });
    expect(JSON.parse(ending.stdout)).toMatchObject({
      words: ["dev", `exit=${code}`],
      packaged: "yes",
    });
  },
);

test.skipIf(process.platform === "win32").for(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s to the launcher reaches the server once, and its exit code comes back",
  async (signal) => {
    using place = clone(true);
    await using program = launch(place, ["serve"], true);
    await program.says("serving");
    program.process.kill(signal);
    const ending = await program.ending;
    expect(ending).toMatchObject({ code: 3 });
    expect(ending.stdout.split(`got ${signal}`)).toHaveLength(2);
  },
);

test.skipIf(process.platform === "win32")(
  "a server that dies of a signal is seen to die of it",
  async () => {
    using place = clone(true);
    await using program = launch(place, ["die"], true);
    expect(await program.ending).toMatchObject({ code: null, signal: "SIGKILL" });
  },
);

test("an old Node without the packaged one says which Node is needed", async () => {
  using place = clone(false);
  await using program = launch(place, ["dev"], true);
  const ending = await program.ending;
  expect(ending).toMatchObject({ code: 1, stdout: "" });
  expect(ending.stderr).toMatch(
    /^Adjutant needs Node\.js 24\.16 or newer; this is 20\.19\.0, and no packaged Node/,
  );
});

test("a project that links the package runs it in the project's own directory", async () => {
  using place = clone(false);
  using project = new Clone({});
  mkdirSync(project.path("node_modules/.bin"), { recursive: true });
  symlinkSync(place.directory, project.path("node_modules/adjutant"), "junction");
  const command = join("node_modules", "adjutant", "bin", "adjutant.js");
  await using program = new Program([command, "dev"], { cwd: project.directory });
  const ending = await program.ending;
  expect(ending).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(ending.stdout)).toMatchObject({ words: ["dev"], cwd: project.directory });
});
