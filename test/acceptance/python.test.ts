import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FreshDatabase } from "../support/fresh-database.ts";
import { Gates } from "../support/gates.ts";
import { postgresUri } from "../support/postgres.ts";
import { python, pythonSkippedBecause } from "../support/python.ts";
import { ServerProcess, type ServerOptions } from "../support/server-process.ts";
import { allGraphs } from "./project.ts";

const postgres = await postgresUri();

const databases = [
  { name: "SQLite", onPostgres: false },
  ...(postgres === null ? [] : [{ name: "Postgres", onPostgres: true }]),
];

describe.skipIf(python === null).each(databases)(
  `the Python client on $name${pythonSkippedBecause}`,
  ({ onPostgres }) => {
    let server: ServerProcess;
    let database: FreshDatabase | null = null;
    const project = allGraphs();
    beforeAll(async () => {
      const options: ServerOptions = { config: project.config };
      if (onPostgres) {
        database = await FreshDatabase.on(postgres!);
        options.databaseUri = database.uri;
      }
      server = await ServerProcess.start(options);
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
      project[Symbol.dispose]();
    });

    /** A failed assertion of the script is in the error's message, with its line. */
    async function run(script: string, ...words: string[]): Promise<string> {
      const path = join(import.meta.dirname, script);
      const { stdout } = await promisify(execFile)(python!, [path, server.url, ...words]);
      return stdout;
    }

    it("goes through the guide on managing assistants", async () => {
      expect(await run("seed_000.py")).toContain("the guide's steps all hold");
    });

    it("has every method answered", async () => {
      await using gates = await Gates.listen();
      expect(await run("every_method.py", gates.url)).toMatch(/^\d+ methods called$/m);
    });
  },
);
