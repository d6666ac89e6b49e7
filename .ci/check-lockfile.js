// Fails when package-lock.json would not install on another machine.
// - Addresses in it tie it to one registry; .npmrc keeps them out, but an npm with another configuration writes them.
// - `npm install` can write a lockfile that `npm ci` refuses ("Missing: ..."), when a registry lacks one of the packages
//   that are meant for other platforms.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const problems = [];

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const entries = Object.entries(packages).filter(([path]) => path !== "");
if (entries.length < 50)
  problems.push(`package-lock.json names ${entries.length} packages, which cannot be all.`);
const addressed = entries.filter(([, entry]) => "resolved" in entry).map(([path]) => path);
if (addressed.length > 0) {
  problems.push(
    `${addressed.length} packages in package-lock.json carry an address ("resolved"), the first is ${addressed[0]}. ` +
      "Run: npm install --omit-lockfile-registry-resolved",
  );
}
const unsealed = entries
  .filter(([, entry]) => !entry.integrity && !entry.link)
  .map(([path]) => path);
if (unsealed.length > 0) {
  problems.push(
    `These packages in package-lock.json have no integrity hash: ${unsealed.join(", ")}.`,
  );
}

// Through a shell, because npm is a script with another name on Windows.
const dryRun = spawnSync("npm ci --dry-run --loglevel=error", { shell: true, encoding: "utf8" });
const said = dryRun.stdout + dryRun.stderr;
if (dryRun.status !== 0 || said.includes("Missing:")) problems.push(`npm ci would fail:\n${said}`);

for (const problem of problems) console.error(problem);
if (problems.length === 0)
  console.log(`package-lock.json: ${entries.length} packages, and npm ci accepts it.`);
process.exitCode = problems.length === 0 ? 0 : 1;
