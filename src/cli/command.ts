import { Command } from "commander";
import { AdjutantError } from "../core/error.ts";
import { readManifest } from "../graphs/manifest.ts";
import { banner } from "./banner.ts";
import { createLog } from "./log.ts";
import { describeGraphs, serve } from "./serve.ts";
import { applyEnvironment, readSettings, type Flags } from "./settings.ts";
import { version } from "./version.ts";

interface Options extends Flags {
  config: string;
  reload: boolean;
}

const program = new Command("adjutant")
  .description("A self-hosted server for assistants over LangGraph graphs.")
  .version(version);

addServerOptions(program.command("dev"))
  .description("serve the graphs of langgraph.json and reload them when they change")
  .option("--no-reload", "do not watch files")
  .action((options: Options) => run(options));

addServerOptions(program.command("start"))
  .description("serve the graphs of langgraph.json without watching files")
  .action((options: Omit<Options, "reload">) => run({ ...options, reload: false }));

function addServerOptions(command: Command): Command {
  return command
    .option("-c, --config <path>", "langgraph.json, or the directory it is in", "langgraph.json")
    .option("-h, --host <host>", "address to listen on (HOST; default 127.0.0.1)")
    .option("-p, --port <port>", "port to listen on (PORT; default 8123 or the next free one)")
    .option(
      "--data-dir <path>",
      "directory of the embedded database (ADJUTANT_DATA_DIR; default .adjutant)",
    )
    .option(
      "-n, --n-jobs-per-worker <number>",
      "runs executed at once (N_JOBS_PER_WORKER; default 10)",
    )
    .option(
      "--allow-anonymous",
      "listen on an address that others can reach, without authentication",
    )
    .option("--no-browser", "accepted for compatibility: no browser is ever opened")
    .helpOption("--help", "show this help");
}

async function run(options: Options): Promise<void> {
  const startedAt = performance.now();
  const manifest = await readManifest(options.config);
  applyEnvironment(manifest.env);
  const settings = readSettings(options, manifest.directory, process.env, {
    hasAuth: manifest.settings.auth?.path !== undefined,
  });
  const log = createLog(settings.logFormat, settings.logLevel);
  process.on("unhandledRejection", (reason) => {
    log.error({ error: reason }, "a promise in graph code was rejected and nobody handled it");
  });
  const server = await serve({ settings, manifest, log, reload: options.reload });
  process.stdout.write(
    `${banner({
      url: server.url,
      version,
      graphs: describeGraphs(server.loaded, manifest.directory),
      database: settings.database,
      notices: manifest.notices,
      jobsPerWorker: settings.limits.jobsPerWorker,
      startedInMs: Math.round(performance.now() - startedAt),
    })}\n`,
  );
  await stopSignal();
  log.info(
    {},
    "stopping: runs in flight have a moment to finish, then they wait for the next start",
  );
  await server[Symbol.asyncDispose]();
  process.exit(0);
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    let asked = false;
    process.on(name, () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    });
  }
  return promise;
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (!(thrown instanceof AdjutantError)) throw thrown;
  process.stderr.write(`adjutant: ${thrown.message}\n`);
  process.exit(1);
}
