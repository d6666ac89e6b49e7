import { readFileSync, realpathSync } from "node:fs";
import {
  createRequire,
  isBuiltin,
  registerHooks,
  setSourceMapsSupport,
  type LoadFnOutput,
  type LoadHookContext,
  type ResolveFnOutput,
  type ResolveHookContext,
} from "node:module";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserFileError, lineOf } from "./file-error.ts";
import { ProjectResolver, isRelative, packageDirectory } from "./resolve.ts";
import { transformFile } from "./transform.ts";

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput;
type NextLoad = (url: string, context?: Partial<LoadHookContext>) => LoadFnOutput;

const ownRequire = createRequire(import.meta.url);
const requirePrefix = "adjutant-require:";
const peerPrefix = "adjutant-peer:";
const loadable = new Set([".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"]);

/**
 * Lets Node load the source files of users' projects, over and over.
 *
 * A file is the user's when its URL ends in `?gen=N`. `entryUrl` puts the mark on, and it is handed
 * from importer to imported, except into node_modules: so a new generation evaluates every changed
 * file anew, however deep, while packages are evaluated once and stay shared, and the server's own
 * files are never touched. Node keeps old generations in memory: 0.3 MB a reload of two graphs.
 *
 * Hooks are a thing of the process, hence `UserModules.current()` and no disposal: code of a user's
 * may import lazily as long as the process lives.
 */
export class UserModules {
  static #current: UserModules | null = null;

  #generation = 0;
  #resolver = new ProjectResolver();
  /** Files by path, with the newest generation that loaded them. */
  #files = new Map<string, number>();

  static current(): UserModules {
    if (!UserModules.#current) {
      const modules = new UserModules();
      registerHooks({
        resolve: (specifier, context, next) => modules.#resolve(specifier, context, next),
        load: (url, context, next) => modules.#load(url, context, next),
      });
      setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
      UserModules.#current = modules;
    }
    return UserModules.#current;
  }

  /**
   * Starts a generation: files imported in it are read again. CommonJS knows no query in its cache's
   * keys, so the cache itself is cleared of users' files.
   */
  nextGeneration(): number {
    this.#generation += 1;
    this.#resolver = new ProjectResolver();
    for (const file of this.#files.keys()) delete ownRequire.cache[file];
    return this.#generation;
  }

  entryUrl(file: string, generation: number): string {
    return marked(pathToFileURL(realpathSync(file)).href, generation);
  }

  /** Paths of the files loaded in a generation (or in a newer one). */
  filesSince(generation: number): string[] {
    return [...this.#files].filter(([, newest]) => newest >= generation).map(([file]) => file);
  }

  #resolve(specifier: string, context: ResolveHookContext, next: NextResolve): ResolveFnOutput {
    if (specifier.startsWith(peerPrefix)) return resolvePeer(specifier, context, next);
    const [plain, asked] = withoutGeneration(specifier);
    const importer = this.#importer(context.parentURL, asked);
    if (!importer || isBuiltin(specifier)) return next(specifier, context);
    if (specifier.startsWith(requirePrefix)) {
      return { url: specifier, format: "module", shortCircuit: true };
    }
    if (specifier.startsWith("@oxc-project/runtime/")) {
      return next(specifier, { ...context, parentURL: import.meta.url });
    }
    const [path, query] = splitQuery(plain);
    const file = this.#resolver.resolveFile(importer.file, path);
    if (file) {
      // As Node does: a file reached on two ways, such as through a linked package, is one module.
      const url = `${pathToFileURL(realpathSync(file)).href}${query}`;
      return { url: isShared(url) ? url : marked(url, importer.generation), shortCircuit: true };
    }
    return this.#resolvePackage(plain, context, next, importer);
  }

  #resolvePackage(
    specifier: string,
    context: ResolveHookContext,
    next: NextResolve,
    importer: { file: string; generation: number },
  ): ResolveFnOutput {
    let found: ResolveFnOutput;
    try {
      found = next(specifier, context);
    } catch (thrown) {
      throw unresolved(specifier, importer.file, thrown as NodeJS.ErrnoException);
    }
    if (isShared(found.url) || !loadable.has(extname(new URL(found.url).pathname))) return found;
    return { ...found, format: undefined, url: marked(found.url, importer.generation) };
  }

  #load(url: string, context: LoadHookContext, next: NextLoad): LoadFnOutput {
    if (url.startsWith(requirePrefix)) return requireModule(url.slice(requirePrefix.length));
    const generation = generationOf(url);
    if (generation === null) return next(url, context);
    const file = fileURLToPath(url);
    const extension = extname(file);
    if (extension !== ".json" && !loadable.has(extension)) return next(url, context);
    this.#files.set(file, Math.max(generation, this.#files.get(file) ?? 0));
    const source = readFileSync(file, "utf8");
    if (extension === ".json") return jsonModule(file, source, context);
    const { compilerOptions } = this.#resolver.settingsFor(file);
    const requireFrom = requirePrefix + url;
    const output = transformFile({ file, source, compilerOptions, requireFrom });
    return {
      format: output.format,
      source:
        output.format === "commonjs" ? freshRequire(output.source, generation) : output.source,
      shortCircuit: true,
    };
  }

  /** Who imports, when it is a user's file; `require` from `createRequire` comes without the mark. */
  #importer(
    parentUrl: string | undefined,
    asked: number | null,
  ): { file: string; generation: number } | null {
    if (!parentUrl?.startsWith("file:")) return null;
    const file = fileURLToPath(parentUrl);
    const generation = asked ?? generationOf(parentUrl) ?? this.#files.get(file);
    return generation === undefined ? null : { file, generation };
  }
}

/**
 * A specifier for `import` that walks packages: the last of `chain` as the one before it would import
 * it, and so on to the first, as the file `from` would. Always the ES module build.
 */
export function peerSpecifier(from: string, chain: string[]): string {
  return peerPrefix + encodeURIComponent(JSON.stringify([pathToFileURL(from).href, ...chain]));
}

function resolvePeer(
  specifier: string,
  context: ResolveHookContext,
  next: NextResolve,
): ResolveFnOutput {
  const [from, ...chain] = JSON.parse(decodeURIComponent(specifier.slice(peerPrefix.length))) as [
    string,
    ...string[],
  ];
  let found: ResolveFnOutput = { url: from };
  for (const one of chain) found = next(one, { ...context, parentURL: found.url });
  return found;
}

function marked(url: string, generation: number): string {
  return `${url}${url.includes("?") ? "&" : "?"}gen=${generation}`;
}

function generationOf(url: string): number | null {
  const found = url.startsWith("file:") ? /[?&]gen=(\d+)$/.exec(url) : null;
  return found ? Number(found[1]) : null;
}

function isShared(url: string): boolean {
  return !url.startsWith("file:") || url.includes("/node_modules/");
}

function splitQuery(specifier: string): [path: string, query: string] {
  const at = specifier.indexOf("?");
  return at < 0 ? [specifier, ""] : [specifier.slice(0, at), specifier.slice(at)];
}

/**
 * CommonJS remembers what `./x` means in a directory, and takes a module that another importer of this
 * generation has only begun for one end of a circle. A specifier of this generation was never asked
 * for before.
 */
function ofGeneration(require: string, generation: number): string {
  return `((native) => Object.assign((id) => native(/^\\.\\.?\\//.test(id) ? id + "?gen=${generation}" : id), native))(${require})`;
}

/** On the first line, after the directive that must come first, so that all lines stay where they are. */
function freshRequire(source: string, generation: number): string {
  const directive = /^(['"])use strict\1;?/.exec(source)?.[0] ?? "";
  const rest = source.slice(directive.length);
  return `${directive} require = ${ofGeneration("require", generation)};${rest}`;
}

function withoutGeneration(specifier: string): [plain: string, generation: number | null] {
  const found = isRelative(specifier) ? /[?&]gen=(\d+)$/.exec(specifier) : null;
  return found ? [specifier.slice(0, found.index), Number(found[1])] : [specifier, null];
}

/** `require` and `module` for ES modules that use them; see transform.ts. */
function requireModule(fileUrl: string): LoadFnOutput {
  const generation = generationOf(fileUrl) ?? 0;
  const source = `import { createRequire } from "node:module";
const url = ${JSON.stringify(fileUrl)};
export const require = ${ofGeneration("createRequire(url)", generation)};
export const module = { id: url, exports: {}, require };
`;
  return { format: "module", source, shortCircuit: true };
}

/** JSON imports need no attribute, as in every bundler; each top-level key can be imported by name. */
function jsonModule(file: string, source: string, context: LoadHookContext): LoadFnOutput {
  const isPlain = context.format === "json" && !context.importAttributes;
  if (isPlain || context.importAttributes?.["type"] === "json") {
    return { format: "json", source, shortCircuit: true };
  }
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (thrown) {
    throw new UserFileError({ message: `is not JSON: ${(thrown as Error).message}`, file });
  }
  const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
  const names = keys.map((key, index) => `key${index} as ${JSON.stringify(key)}`);
  const lines = [
    `const value = ${JSON.stringify(value)};`,
    ...keys.map((key, index) => `const key${index} = value[${JSON.stringify(key)}];`),
    `export { ${names.filter((_, index) => keys[index] !== "default").join(", ")} };`,
    "export default value;",
  ];
  return { format: "module", source: lines.join("\n"), shortCircuit: true };
}

function unresolved(
  specifier: string,
  importer: string,
  cause: NodeJS.ErrnoException,
): UserFileError {
  const source = readFileSync(importer, "utf8");
  const line = lineOf(source, `"${specifier}"`) ?? lineOf(source, `'${specifier}'`);
  const code = cause.code ?? "ERR_MODULE_NOT_FOUND";
  const where = { file: importer, line, code };
  if (isRelative(specifier)) {
    return new UserFileError({
      ...where,
      message: `imports "${specifier}", but there is no such file`,
    });
  }
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    const directory = packageDirectory(importer);
    const advice = directory
      ? `run npm install in ${directory}`
      : "its project has no package.json; make one that names the package, and run npm install there";
    return new UserFileError({
      ...where,
      message: `imports "${specifier}", which is not installed: ${advice}`,
    });
  }
  return new UserFileError({ ...where, message: `cannot import "${specifier}": ${cause.message}` });
}
