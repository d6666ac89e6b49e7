import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "..", "..");
const examples = join(repository, "langgraph.json");
/** Of the fixture's graphs alone, which load faster than the examples. */
export const fixtureConfig = join(repository, "test", "fixtures", "engine", "langgraph.json");

/** A langgraph.json in a directory of its own. */
export class Project implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "adjutant-project-"));
  readonly config = join(this.directory, "langgraph.json");

  /** @param settings other keys of the file */
  constructor(
    graphs: Record<string, string>,
    files: Record<string, string> = {},
    settings: object = {},
  ) {
    writeFileSync(this.config, JSON.stringify({ graphs, ...settings }));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.directory, name), text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The example graphs, but without the env file of langgraph.json: it holds the keys of whoever has one. */
export function exampleGraphs(): Project {
  return new Project(graphsOf(examples));
}

/** The fixture's graphs, with other keys of langgraph.json. */
export function fixtureGraphs(settings: object): Project {
  return new Project(graphsOf(fixtureConfig), {}, settings);
}

/** The fixture's graphs and the examples, for one server. */
export function allGraphs(): Project {
  return new Project({ ...graphsOf(fixtureConfig), ...graphsOf(examples) });
}

/** With absolute paths. */
function graphsOf(config: string): Record<string, string> {
  const { graphs } = JSON.parse(readFileSync(config, "utf8")) as { graphs: Record<string, string> };
  return Object.fromEntries(
    Object.entries(graphs).map(([id, path]) => [id, resolve(dirname(config), path)]),
  );
}
