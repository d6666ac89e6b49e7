import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Gates } from "../support/gates.ts";
import { everyDatabase } from "../support/postgres.ts";
import { python, pythonSkippedBecause } from "../support/python.ts";
import { ServerProcess } from "../support/server-process.ts";
import { allGraphs } from "./project.ts";

const databases = (await everyDatabase()).filter(({ skipped }) => !skipped);

describe.skipIf(python === null).each(databases)(
  `the Python client on $name${pythonSkippedBecause}`,
  ({ postgres }) => {
    let server: ServerProcess;
    const project = allGraphs();
    beforeAll(async () => {
      server = await ServerProcess.start({ config: project.config, postgres });
    });
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]();
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
