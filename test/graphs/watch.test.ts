import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ProjectWatcher } from "../../src/graphs/watch.ts";
import { temporaryProject, type TemporaryProject } from "./project.ts";

/** The changes reported, to be awaited one by one. */
class Reports {
  #seen: string[] = [];
  #waiting: ((path: string) => void) | null = null;

  readonly add = (path: string): void => {
    if (this.#waiting) this.#waiting(path);
    else this.#seen.push(path);
    this.#waiting = null;
  };

  next(): Promise<string> {
    const path = this.#seen.shift();
    if (path) return Promise.resolve(path);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  get unread(): string[] {
    return [...this.#seen];
  }
}

async function watch(project: TemporaryProject, reports: Reports, files: string[] = []) {
  return ProjectWatcher.start({
    directory: project.directory,
    files,
    ignore: [join(project.directory, "data")],
    onChange: reports.add,
    quietMs: 20,
  });
}

test("a changed, a new and a deeper file are reported", async () => {
  await using project = await temporaryProject({ "a.ts": "1", "deep/er/b.ts": "1" }, "none");
  const reports = new Reports();
  await using _ = await watch(project, reports);
  await project.write({ "a.ts": "2" });
  expect(await reports.next()).toBe(join(project.directory, "a.ts"));
  await project.write({ "deep/er/b.ts": "2" });
  expect(await reports.next()).toBe(join(project.directory, "deep/er/b.ts"));
  await project.write({ "c.ts": "1" });
  expect(await reports.next()).toBe(join(project.directory, "c.ts"));
});

test("a file saved by renaming another over it is reported, again and again", async () => {
  await using project = await temporaryProject({ "a.ts": "1" }, "none");
  const reports = new Reports();
  await using _ = await watch(project, reports);
  const path = join(project.directory, "a.ts");
  for (const content of ["2", "3"]) {
    await writeFile(`${path}~`, content);
    await rename(`${path}~`, path);
    expect(await reports.next()).toBe(path);
  }
});

test("files in a directory made later are reported", async () => {
  await using project = await temporaryProject({}, "none");
  const reports = new Reports();
  await using _ = await watch(project, reports);
  await mkdir(join(project.directory, "later"));
  expect(await reports.next()).toBe(join(project.directory, "later"));
  await project.write({ "later/a.ts": "1" });
  expect(await reports.next()).toBe(join(project.directory, "later/a.ts"));
});

test("dependencies, dot directories and the data directory are not", async () => {
  await using project = await temporaryProject(
    { "node_modules/p/i.js": "1", ".git/HEAD": "1", "data/db": "1", "a.ts": "1" },
    "none",
  );
  const reports = new Reports();
  await using _ = await watch(project, reports);
  await project.write({ "node_modules/p/i.js": "2", ".git/HEAD": "2", "data/db": "2" });
  await project.write({ "a.ts": "2" });
  expect(await reports.next()).toBe(join(project.directory, "a.ts"));
  expect(reports.unread).toEqual([]);
});

test("named files are reported wherever they are: an env file, a linked package's source", async () => {
  await using project = await temporaryProject({ ".env": "A=1" }, "none");
  await using other = await temporaryProject({ "shared.ts": "1", "unrelated.ts": "1" }, "none");
  const reports = new Reports();
  const env = join(project.directory, ".env");
  await using watcher = await watch(project, reports, [env]);
  await project.write({ ".env": "A=2" });
  expect(await reports.next()).toBe(env);
  watcher.addFiles([join(other.directory, "shared.ts")]);
  await other.write({ "unrelated.ts": "2" });
  await other.write({ "shared.ts": "2" });
  expect(await reports.next()).toBe(join(other.directory, "shared.ts"));
  expect(reports.unread).toEqual([]);
});
