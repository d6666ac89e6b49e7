// Makes the package that a project of one's own installs: `adjutant-VERSION.tgz`, in this directory or where
// `--pack-destination` says. Node strips no types from files below node_modules, so it holds JavaScript made of src/; a
// clone runs src/ itself and needs none of this.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { transformSync } from "oxc-transform";

const repository = join(import.meta.dirname, "..");
const source = join(repository, "src");

const { values } = parseArgs({ options: { "pack-destination": { type: "string", default: "." } } });
const destination = resolve(values["pack-destination"]);
const stage = mkdtempSync(join(tmpdir(), "adjutant-package-"));
try {
  for (const name of ["LICENSE", "README.md", "README.ko.md", "CHANGELOG.md", "bin/adjutant.js"]) {
    cpSync(join(repository, name), join(stage, name));
  }
  describe();
  // Of Studio only what its page was built into, and what serves it.
  const left = ["studio/page/**", "studio/dist/**", "studio/{build,fingerprint,vite.config}.ts"];
  for (const file of globSync("**/*.ts", { cwd: source, exclude: left })) translate(file);
  cpSync(join(source, "studio/dist"), join(stage, "build/studio/dist"), { recursive: true });
  process.exitCode = pack();
} finally {
  rmSync(stage, { recursive: true, force: true });
}

/** Its package.json: without what only a clone can use. */
function describe() {
  const all = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  const { scripts: _, devDependencies: __, overrides: ___, allowScripts: ____, ...kept } = all;
  writeFileSync(join(stage, "package.json"), JSON.stringify(kept, null, 2));
}

function translate(file) {
  const { code, errors } = transformSync(file, readFileSync(join(source, file), "utf8"), {
    typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: "rewrite" },
  });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  const path = join(stage, "build", file.replace(/\.ts$/, ".js"));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
}

/** The exit code of npm, which prints the name of the file. */
function pack() {
  const words = ["pack", "--pack-destination", destination];
  const { status, error } = spawnSync("npm", words, {
    cwd: stage,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (error) throw error;
  return status ?? 1;
}
