import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { Clone, Program, type Ending } from "./clone.ts";

/** Stands for npm: notes each call, says "npm is here", waits for a file `go` when WAIT is set, and writes npm's record. */
const fakeNpm = `
const fs = require("node:fs");
fs.appendFileSync("calls", process.argv.slice(2).join(" ") + "\\n");
if (process.env.FAIL) { console.error(process.env.FAIL); process.exit(7); }
const finish = () => {
  fs.mkdirSync("node_modules", { recursive: true });
  fs.writeFileSync("node_modules/.package-lock.json", "{}");
};
if (!process.env.WAIT) finish();
else {
  const seen = () => fs.existsSync("go") && (watcher.close(), finish());
  const watcher = fs.watch(".", seen);
  fs.writeFileSync("npm-is-here", "");
  seen();
}
`;

function clone(): Clone {
  return new Clone({
    "package-lock.json": `{"a":1}`,
    "npm/npm-cli.js": fakeNpm,
    "npm/package.json": "{}",
  });
}

function install(place: Clone, environment: Record<string, string> = {}): Program {
  return new Program([place.path("bin/install.js")], {
    cwd: "/",
    environment: { npm_execpath: place.path("npm/npm-cli.js"), ...environment },
  });
}

async function installed(place: Clone, environment?: Record<string, string>): Promise<Ending> {
  await using program = install(place, environment);
  return await program.ending;
}

function calls(place: Clone): number {
  return readdirSync(place.directory).includes("calls")
    ? place.read("calls").trim().split("\n").length
    : 0;
}

/** Sets a file's time, in seconds from now. */
function age(place: Clone, name: string, seconds: number): void {
  const time = new Date(Date.now() + seconds * 1000);
  utimesSync(place.path(name), time, time);
}

test("a clone without node_modules is installed once, with a line before and a line after", async () => {
  using place = clone();
  const first = await installed(place);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout).toMatch(/^Installing packages.*\nInstalled in \d+ s\.\n$/);
  expect(place.read("calls")).toMatch(/^ci .*--include=dev --include=optional/);
  expect(await installed(place)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(calls(place)).toBe(1);
});

test("a lockfile with other content is installed again, whatever its date", async () => {
  using place = clone();
  await installed(place);
  place.write("package-lock.json", `{"a":2}`);
  age(place, "package-lock.json", -3600);
  await installed(place);
  expect(calls(place)).toBe(2);
});

test("a lockfile with the same content and a newer date is not installed again", async () => {
  using place = clone();
  await installed(place);
  age(place, "package-lock.json", 3600);
  await installed(place);
  expect(calls(place)).toBe(1);
});

test("an npm ci that the user ran counts, until the lockfile changes", async () => {
  using place = clone();
  place.write("node_modules/.package-lock.json", "{}");
  age(place, "package-lock.json", -10);
  expect(await installed(place)).toMatchObject({ code: 0, stdout: "" });
  expect(calls(place)).toBe(0);
  age(place, "package-lock.json", 10);
  await installed(place);
  expect(calls(place)).toBe(1);
});

test("our record does not count once npm has changed node_modules after it", async () => {
  using place = clone();
  await installed(place);
  age(place, "node_modules/.package-lock.json", 5);
  age(place, "package-lock.json", 10);
  await installed(place);
  expect(calls(place)).toBe(2);
});

test("a node_modules that npm did not finish is installed again", async () => {
  using place = clone();
  mkdirSync(place.path("node_modules"));
  await installed(place);
  expect(calls(place)).toBe(1);
});

test("two at once: the second waits for the first and installs nothing", async () => {
  using place = clone();
  await using first = install(place, { WAIT: "1" });
  await first.says("Installing");
  await using second = install(place);
  await second.says(`Another installation is running (process `);
  place.write("go", "");
  expect(await first.ending).toMatchObject({ code: 0 });
  expect(await second.ending).toMatchObject({ code: 0 });
  expect(calls(place)).toBe(1);
  expect(readdirSync(place.directory).filter((name) => name.startsWith(".install-lock"))).toEqual(
    [],
  );
});

test("eight at once install once", async () => {
  using place = clone();
  const endings = await Promise.all(Array.from({ length: 8 }, () => installed(place)));
  expect(endings.map((ending) => ending.code)).toEqual(Array(8).fill(0));
  expect(calls(place)).toBe(1);
});

test("a lock whose owner is dead is taken over", async () => {
  using place = clone();
  const dead = new Program(["-e", ""], { cwd: "/" });
  await dead.ending;
  place.write(`.install-lock/${dead.process.pid}@${hostname()}`, "");
  expect(await installed(place)).toMatchObject({ code: 0 });
  expect(calls(place)).toBe(1);
});

test("a lock that nobody has touched for a minute is taken over, though a process has its owner's number", async () => {
  using place = clone();
  place.write(`.install-lock/${process.pid}@${hostname()}`, "");
  age(place, ".install-lock", -61);
  expect(await installed(place)).toMatchObject({ code: 0 });
  expect(calls(place)).toBe(1);
});

test("an unreachable registry is named, npm's words and exit code are passed on, and the next try installs", async () => {
  using place = clone();
  const failed = await installed(place, { FAIL: "npm error code ENOTFOUND" });
  expect(failed.code).toBe(7);
  expect(failed.stderr).toMatch(
    /ENOTFOUND\nThe package registry could not be reached\. Check the network/,
  );
  expect(await installed(place)).toMatchObject({ code: 0 });
});

test("any other failure points to npm's own words", async () => {
  using place = clone();
  const failed = await installed(place, { FAIL: "npm error code EUSAGE" });
  expect(failed).toMatchObject({ code: 7 });
  expect(failed.stderr).toContain("npm ci failed (exit code 7)");
});

test("a machine without npm gets a sentence", async () => {
  using place = clone();
  const failed = await installed(place, { npm_execpath: "", PATH: "/nowhere" });
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toBe(
    "npm was not found. It comes with Node.js; install both, then try again.\n",
  );
});

test("a missing lockfile gets a sentence", async () => {
  using place = new Clone({});
  const failed = await installed(place, { npm_execpath: "" });
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toContain("There is no package-lock.json");
});

test("SIGTERM stops npm too, releases the lock and says that it is unfinished", async () => {
  using place = clone();
  await using program = install(place, { WAIT: "1" });
  await program.says("Installing");
  await place.appears("npm-is-here");
  program.process.kill("SIGTERM");
  const ending = await program.ending;
  expect(ending.code).toBe(1);
  expect(ending.stderr).toContain("The installation was stopped (SIGTERM)");
  expect(readdirSync(place.directory)).not.toContain(".install-lock");
});
