import { existsSync, statSync } from "node:fs";
import { dirname, extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createPathsMatcher, getTsconfig, type PathsMatcher } from "get-tsconfig";
import type { CompilerOptions } from "./transform.ts";

interface ProjectSettings {
  compilerOptions: CompilerOptions;
  matchPaths: PathsMatcher | null;
}

/** What TypeScript would try for `./x`, in its order; then JavaScript's own. */
const extensions = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json"];

/** `./x.js` in TypeScript means the file that compiles to it. */
const sourcesOf: Record<string, string[]> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

const typescriptExtensions = new Set([".ts", ".tsx", ".mts", ".cts"]);

/**
 * Finds the files that imports of a user's project mean, the way TypeScript does. Remembers each
 * tsconfig.json it reads, so make a new one for every load.
 */
export class ProjectResolver {
  #tsconfigCache = new Map<string, unknown>();
  #settings = new Map<string, ProjectSettings>();

  /** Options of the nearest tsconfig.json above the file. Throws what is wrong with it. */
  settingsFor(file: string): ProjectSettings {
    const directory = dirname(file);
    let settings = this.#settings.get(directory);
    if (!settings) {
      const found = getTsconfig(directory, "tsconfig.json", this.#tsconfigCache);
      settings = {
        compilerOptions: found?.config.compilerOptions ?? {},
        matchPaths: found && createPathsMatcher(found),
      };
      this.#settings.set(directory, settings);
    }
    return settings;
  }

  /**
   * The file a relative, absolute, `file:` or aliased specifier means; null when there is none, which
   * for a bare specifier says nothing yet: it may be a package.
   */
  resolveFile(importer: string, specifier: string): string | null {
    if (specifier.startsWith("file:")) return this.#probe(fileURLToPath(specifier), importer);
    if (isRelative(specifier)) return this.#probe(resolve(dirname(importer), specifier), importer);
    if (isAbsolute(specifier)) return this.#probe(specifier, importer);
    for (const candidate of this.settingsFor(importer).matchPaths?.(specifier) ?? []) {
      const file = this.#probe(candidate, importer);
      if (file) return file;
    }
    return null;
  }

  #probe(path: string, importer: string): string | null {
    const extension = extname(path);
    const sources = (sourcesOf[extension] ?? []).map(
      (source) => path.slice(0, -extension.length) + source,
    );
    const exact = typescriptExtensions.has(extname(importer))
      ? [...sources, path]
      : [path, ...sources];
    return (
      firstFile(exact) ??
      firstFile(extensions.map((one) => path + one)) ??
      this.#probeDirectory(path)
    );
  }

  #probeDirectory(path: string): string | null {
    if (!existsSync(path)) return null;
    return firstFile(extensions.map((one) => join(path, `index${one}`)));
  }
}

export function isRelative(specifier: string): boolean {
  return /^\.\.?(?:\/|$)/.test(specifier);
}

/** The nearest directory at or above the file's that holds a package.json: where to run npm install. */
export function packageDirectory(file: string): string | null {
  let directory = dirname(file);
  while (!existsSync(join(directory, "package.json"))) {
    const parent = dirname(directory);
    if (parent === directory) return null;
    directory = parent;
  }
  return directory;
}

function firstFile(paths: string[]): string | null {
  return paths.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}
