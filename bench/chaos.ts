import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { chaos } from "./chaos/chaos.ts";
import { emptyDirectory, emptyDatabase, removeDirectory } from "./servers.ts";

const help = `npm run chaos -- [flags]

Kills servers under load and counts what was lost or done twice. docs/chaos.md explains the figures.

  --kills N        how many times a server is killed: 25
  --customers N    threads with a client each: 8
  --database URI   two servers on this Postgres, on a database that is dropped afterwards, instead of one on SQLite
  --servers N      how many on Postgres: 2
  --json FILE      also write the figures as JSON
`;

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "25" },
    customers: { type: "string", default: "8" },
    database: { type: "string" },
    servers: { type: "string", default: "2" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) process.stdout.write(help);
else await main();

async function main(): Promise<void> {
  await using resources = new AsyncDisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void resources.disposeAsync().finally(() => process.exit(130)));
  }
  const directory = emptyDirectory();
  resources.defer(() => removeDirectory(directory));
  const database = flags.database ? await emptyDatabase(flags.database) : null;
  if (database) resources.defer(database.drop);
  const { figures, recoveriesMs } = await chaos({
    directory,
    servers: database ? Number(flags.servers) : 1,
    databaseUri: database?.uri,
    kills: Number(flags.kills),
    customers: Number(flags.customers),
    onProgress: (text) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
    },
  });
  const width = Math.max(...figures.map(({ what }) => what.length));
  process.stdout.write("\n");
  for (const { what, count, must } of figures) {
    const verdict = must === null ? "" : count === must ? "yes" : `NO, must be ${must}`;
    process.stdout.write(`${what.padEnd(width)}  ${String(count).padStart(6)}  ${verdict}\n`);
  }
  const seconds = (at: number) => ((recoveriesMs[at] ?? 0) / 1000).toFixed(2);
  const middle = Math.floor(recoveriesMs.length / 2);
  process.stdout.write(
    `\n${recoveriesMs.length} kills; from a kill to the next answer of that server: ` +
      `median ${seconds(middle)} s, longest ${seconds(recoveriesMs.length - 1)} s\n`,
  );
  if (flags.json) {
    writeFileSync(flags.json, `${JSON.stringify({ figures, recoveriesMs }, null, 2)}\n`);
  }
  if (figures.some(({ count, must }) => must !== null && count !== must)) process.exitCode = 1;
}
