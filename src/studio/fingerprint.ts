import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

/**
 * The built page is committed, so that a fresh clone starts without building it. This hash of all that
 * it is built from stands beside it; a test compares the two, and fails when somebody forgot
 * `npm run build:studio`.
 */
export function fingerprintSources(repository: string): string {
  const studio = join(repository, "src", "studio");
  const paths = [join(studio, "vite.config.ts"), ...filesIn(join(studio, "page"))];
  const hash = createHash("sha256");
  const packages = new Set<string>(["vite", "tailwindcss", "@tailwindcss/vite"]);
  for (const path of paths) {
    const source = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
    hash.update(`${relative(studio, path).split(sep).join("/")}\0${source}\0`);
    for (const name of packagesIn(source)) packages.add(name);
  }
  for (const line of versionsOf(repository, packages)) hash.update(`${line}\n`);
  return hash.digest("hex");
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

function packagesIn(source: string): string[] {
  const imports = source.matchAll(/(?:from|import)\s*\(?\s*"((?:@[\w-]+\/)?[\w-]+)[^"]*"/g);
  return [...imports].map((match) => match[1]!);
}

/** A newer library is another page, too. */
function versionsOf(repository: string, packages: Set<string>): string[] {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(repository, "package.json"), "utf8"),
  ) as Record<"dependencies" | "devDependencies", Record<string, string>>;
  const versions: Record<string, string> = { ...devDependencies, ...dependencies };
  return [...packages]
    .filter((name) => versions[name] !== undefined)
    .toSorted()
    .map((name) => `${name}@${versions[name]}`);
}
