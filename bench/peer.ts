import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The newest set of versions that resolves together: LangGraph 1.5 and later want a checkpoint package
 * that is not published, and its SDK from 1.12.5 on wants a core that is not, on which npm spins for
 * minutes instead of failing. Never widen these.
 */
const manifest = {
  name: "adjutant-bench-peer",
  private: true,
  type: "module",
  dependencies: {
    "@langchain/core": "1.2.13",
    "@langchain/langgraph": "1.4.18",
    "@langchain/langgraph-api": "1.5.1",
    "@langchain/langgraph-checkpoint": "1.1.5",
    "@langchain/langgraph-cli": "1.5.1",
    "@langchain/langgraph-sdk": "1.12.4",
    zod: "4.6.7",
  },
  overrides: { "@langchain/langgraph-sdk": "$@langchain/langgraph-sdk" },
};

/** Installs the official server in `directory`, unless it is there, with a copy of our graphs. */
export async function installPeer(directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const text = JSON.stringify(manifest, null, 2);
  const record = join(directory, "node_modules", ".adjutant-bench");
  if (!existsSync(record) || readFileSync(record, "utf8") !== text) {
    rmSync(join(directory, "node_modules"), { recursive: true, force: true });
    writeFileSync(join(directory, "package.json"), text);
    process.stderr.write("Installing the official server from npm (once) …\n");
    await install(directory);
    writeFileSync(record, text);
  }
  for (const name of ["langgraph.json", "two-graphs.json", "graphs"]) {
    cpSync(join(import.meta.dirname, name), join(directory, name), { recursive: true });
  }
  return directory;
}

async function install(directory: string): Promise<void> {
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: directory,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  const [code] = (await once(npm, "exit")) as [number | null];
  if (code !== 0) throw new Error(`npm could not install the official server in ${directory}.`);
}
