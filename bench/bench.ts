import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { compare } from "./compare.ts";
import { judge, verdict } from "./goals.ts";
import { measures } from "./measures/all.ts";
import { full, short } from "./scale.ts";
import {
  answers,
  atUrl,
  startFloor,
  startOurs,
  startOursOnPostgres,
  startPeer,
} from "./servers.ts";
import { table } from "./table.ts";
import type { Launched, Target } from "./target.ts";

const help = `npm run bench -- [flags]

Measures this server beside the floor: a bare route that runs the same graphs over a naive
checkpointer on SQLite. docs/performance.md explains the figures.

  --full             all figures, in a quarter of an hour: beside the official server, and on Postgres if
                     one answers at DATABASE_URI or 127.0.0.1:5432
  --compare peer     also the official server of @langchain/langgraph-cli, installed at the first use
  --compare URL      also a server that serves the graphs of bench/langgraph.json
  --url URL          such a server instead of one started here
  --database URI     also our server on this Postgres, on a database that is dropped afterwards
  --only a,b         only these measures: ${measures.map(({ name }) => name).join(", ")}
  --no-floor         without the floor
  --no-peer          without the official server, in spite of --full
  --json FILE        also write the figures as JSON
`;

const { values: flags } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    compare: { type: "string" },
    url: { type: "string" },
    database: { type: "string" },
    only: { type: "string" },
    floor: { type: "boolean", default: true },
    peer: { type: "boolean", default: true },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
});

if (flags.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  const scale = flags.full ? full : short;
  const chosen = chooseMeasures();
  await using started = new AsyncDisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The servers are in groups of their own, which a signal to this process does not reach.
    process.once(signal, () => void started.disposeAsync().finally(() => process.exit(130)));
  }
  const targets: Target[] = [];
  const launch = async (starting: Promise<Launched>) => {
    targets.push(started.use(await starting).target);
  };
  if (flags.floor) await launch(startFloor());
  if (flags.url) targets.push(atUrl("measured", "ours", flags.url));
  else await launch(startOurs());
  const ours = targets.at(-1)!;
  const database = flags.database ?? (flags.full && !flags.url ? await localPostgres() : undefined);
  if (database) await launch(startOursOnPostgres(database));
  const alsoOurs = database ? targets.at(-1)!.name : undefined;
  const compared = flags.compare ?? (flags.full && flags.peer ? "peer" : undefined);
  if (compared === "peer") await launch(startPeer());
  else if (compared) targets.push(atUrl("compared", "other", compared));

  const startedAt = performance.now();
  const onProgress = progress();
  const rows = await compare({ targets, measures: chosen, scale, onProgress });
  onProgress("done");
  if (process.stderr.isTTY) process.stderr.write("\n");
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}`;
  const names = {
    targets: targets.map(({ name }) => name),
    ours: ours.name,
    ...(alsoOurs ? { alsoOurs } : {}),
    floor: "floor",
    peer: compared === "peer" ? "peer" : "compared",
  };
  process.stdout.write(`\n${table(rows, names)}\n\n${verdict(rows, names)}\n\n${machine}; `);
  process.stdout.write(`${Math.round((performance.now() - startedAt) / 1000)} s\n`);
  if (flags.json) {
    const judged = rows.map((row) => ({ ...row, ...judge(row, names) }));
    const result = { machine, scale, targets: names.targets, rows: judged };
    writeFileSync(flags.json, `${JSON.stringify(result, null, 2)}\n`);
  }
}

async function localPostgres(): Promise<string | undefined> {
  const local = ["", "postgres@"].map((user) => `postgres://${user}127.0.0.1:5432/postgres`);
  const named = process.env["DATABASE_URI"];
  for (const uri of named ? [named] : local) if (await answers(uri)) return uri;
  process.stderr.write(
    "No Postgres answers at DATABASE_URI or 127.0.0.1:5432: without its column.\n",
  );
  return undefined;
}

function chooseMeasures() {
  if (!flags.only) return measures;
  const wanted = flags.only.split(",");
  const unknown = wanted.filter((name) => !measures.some((measure) => measure.name === name));
  if (unknown.length === 0) return measures.filter(({ name }) => wanted.includes(name));
  process.stderr.write(`There is no measure ${unknown.join(", ")}.\n\n${help}`);
  process.exit(2);
}

/** One line that is written over, for people who watch; in a log a line for each measure. */
function progress(): (text: string) => void {
  if (process.stderr.isTTY) return (text) => void process.stderr.write(`\r\u001B[K${text}`);
  let shown = "";
  return (text) => {
    const measure = text.split(" ")[0]!;
    if (measure === shown) return;
    shown = measure;
    process.stderr.write(`${new Date().toISOString()} ${measure}\n`);
  };
}
