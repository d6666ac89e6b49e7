// Installs what package-lock.json names and node_modules lacks, so that `npm start` and `npm test` are the only commands
// a new clone needs. Plain JavaScript without packages: it runs before anything is installed, on any Node from 18 up.
//
// Installed means one of two things:
// - node_modules/.adjutant-lock holds the hash of package-lock.json and npm has not touched node_modules since;
// - npm's own record, node_modules/.package-lock.json, is not older than package-lock.json (someone ran `npm ci`).
//
// Two at once: the first holds the directory .install-lock, the second waits for it. The directory appears with its
// owner's file already inside (rename is atomic and refuses a directory that is not empty), so nobody can take a lock
// away from a live owner.
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const packageDirectory = dirname(dirname(fileURLToPath(import.meta.url)));
const packageLock = join(packageDirectory, "package-lock.json");
const modulesDirectory = join(packageDirectory, "node_modules");
const npmRecord = join(modulesDirectory, ".package-lock.json");
const ourRecord = join(modulesDirectory, ".adjutant-lock");
const lockDirectory = join(packageDirectory, ".install-lock");

const lockHeartbeatMs = 5_000;
/** An owner on another machine, or one whose process number was given to someone else, shows only by its silence. */
const lockSilenceMaxMs = 60_000;
const lockPollMs = 200;

/** What we have put into the lock's directory: one for this process, and one for npm while it runs. */
const ownFiles = new Set([ownerName(process.pid)]);

if (!isInstalled()) process.exitCode = await installUnderLock();
// The caller goes on after a success (bin/start.js imports this file); after a failure there is nothing to go on with.
if (process.exitCode) process.exit();

function isInstalled() {
  const npmRecordedAt = modifiedAt(npmRecord);
  if (npmRecordedAt === undefined) return false;
  const weRecordedAt = modifiedAt(ourRecord);
  if (weRecordedAt !== undefined && weRecordedAt >= npmRecordedAt) {
    return readFileSync(ourRecord, "utf8") === lockHash();
  }
  const lockChangedAt = modifiedAt(packageLock);
  return lockChangedAt !== undefined && npmRecordedAt >= lockChangedAt;
}

function lockHash() {
  return createHash("sha256").update(readFileSync(packageLock)).digest("hex");
}

/** Milliseconds since the epoch; undefined when there is no such file. */
function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

async function installUnderLock() {
  if (modifiedAt(packageLock) === undefined) {
    return fail(
      "There is no package-lock.json beside package.json. Get it back with: git checkout package-lock.json",
    );
  }
  if (process.platform === "win32" && process.execPath.startsWith(modulesDirectory + sep)) {
    return fail(
      "package-lock.json has changed, and Windows cannot replace a running program. Run: npm ci",
    );
  }
  try {
    await takeLock();
  } catch (error) {
    return fail(`Cannot write to ${packageDirectory} (${error.message}).`);
  }
  const heartbeat = setInterval(() => touch(lockDirectory), lockHeartbeatMs);
  try {
    return isInstalled() ? 0 : await runNpm();
  } finally {
    clearInterval(heartbeat);
    releaseLock();
  }
}

async function runNpm() {
  const startedAt = Date.now();
  const hash = lockHash();
  console.log("Installing packages with npm ci (once; about a minute) ...");
  rmSync(ourRecord, { force: true });
  const outcome = await npmCi();
  if (outcome.code !== 0) return fail(explain(outcome), outcome.code);
  writeFileSync(ourRecord, hash);
  console.log(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
  return 0;
}

/**
 * Runs `npm ci` to its end. Development and optional packages are asked for by name, because NODE_ENV=production or
 * a line in the user's npmrc would leave out the test tools or Node 24 itself. Who wants less runs `npm ci --omit=dev`,
 * and that counts as installed.
 */
async function npmCi() {
  const { spawn } = await import("node:child_process");
  const { command, leading, shell } = npmCommand();
  const argumentsOfNpm = [
    "ci",
    "--include=dev",
    "--include=optional",
    "--loglevel=error",
    "--no-progress",
  ];
  return await new Promise((resolve) => {
    const npm = spawn(command, [...leading, ...argumentsOfNpm], {
      cwd: packageDirectory,
      shell,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    npm.stderr.on("data", (chunk) => {
      errors += chunk;
      process.stderr.write(chunk);
    });
    // npm's process is an owner too: if we are killed and it lives on, the next one still waits for it.
    if (npm.pid !== undefined) {
      ownFiles.add(ownerName(npm.pid));
      writeFileSync(join(lockDirectory, ownerName(npm.pid)), "");
    }
    const forward = (signal) => npm.kill(signal);
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const signal of signals) process.on(signal, forward);
    const settle = (outcome) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(outcome);
    };
    npm.on("error", (error) =>
      settle({ code: 1, errors: error.message, missing: error.code === "ENOENT" }),
    );
    npm.on("close", (code, signal) => settle({ code: code ?? 1, errors, signal }));
  });
}

/** The npm that runs us, under the Node that runs it: the `node` in PATH may be the one that npm is about to replace. */
function npmCommand() {
  const script = process.env.npm_execpath;
  if (script !== undefined && /^npm(-cli)?\.c?js$/.test(basename(script))) {
    return {
      command: process.env.npm_node_execpath ?? process.execPath,
      leading: [script],
      shell: false,
    };
  }
  return { command: "npm", leading: [], shell: process.platform === "win32" };
}

function explain({ code, errors, signal, missing }) {
  if (missing) return "npm was not found. It comes with Node.js; install both, then try again.";
  if (signal)
    return `The installation was stopped (${signal}). Run the same command again to finish it.`;
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT/.test(
      errors,
    )
  ) {
    return "The package registry could not be reached. Check the network, the proxy, and: npm config get registry";
  }
  if (errors.includes("ENOSPC"))
    return "The disk is full: about 1 GB is needed. Make room, then try again.";
  return `npm ci failed (exit code ${code}); its own words are above. Run npm ci by hand to see everything.`;
}

function fail(sentence, code = 1) {
  console.error(sentence);
  return code;
}

// The lock

async function takeLock() {
  let announced = false;
  while (!tryTakeLock()) {
    const owners = readOwners();
    // No owner at all: the lock was released, or taken apart by another that waits.
    if (owners.every(isGone) || isSilent()) {
      for (const owner of owners) ignoreErrors(() => unlinkSync(join(lockDirectory, owner)));
      // Fails when someone else has taken the lock in between, and must.
      ignoreErrors(() => rmdirSync(lockDirectory));
      continue;
    }
    if (!announced)
      console.log(
        `Another installation is running (process ${owners[0].split("@")[0]}); waiting for it.`,
      );
    announced = true;
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
}

function tryTakeLock() {
  const prepared = `${lockDirectory}-${ownerName(process.pid)}`;
  rmSync(prepared, { recursive: true, force: true });
  mkdirSync(prepared);
  writeFileSync(join(prepared, ownerName(process.pid)), "");
  try {
    renameSync(prepared, lockDirectory);
    return true;
  } catch (error) {
    rmSync(prepared, { recursive: true, force: true });
    // Windows says EPERM where POSIX says that the directory is not empty.
    if (["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"].includes(error.code)) return false;
    throw error;
  }
}

/** Takes out our own files only: the moment the directory is empty, another may have made it theirs. */
function releaseLock() {
  for (const file of ownFiles) ignoreErrors(() => unlinkSync(join(lockDirectory, file)));
  ignoreErrors(() => rmdirSync(lockDirectory));
}

function ownerName(pid) {
  return `${pid}@${hostname()}`;
}

function readOwners() {
  try {
    return readdirSync(lockDirectory);
  } catch {
    return [];
  }
}

function isGone(owner) {
  const [pid, host] = owner.split("@");
  if (host !== hostname()) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

function isSilent() {
  const touchedAt = modifiedAt(lockDirectory);
  return touchedAt !== undefined && Date.now() - touchedAt > lockSilenceMaxMs;
}

function touch(path) {
  ignoreErrors(() => utimesSync(path, new Date(), new Date()));
}

function ignoreErrors(action) {
  try {
    action();
  } catch {
    // What could not be done here is tried again, or is seen to be done, on the next round.
  }
}
