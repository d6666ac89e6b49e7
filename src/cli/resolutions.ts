import { existsSync, lstatSync } from "node:fs";
import { registerHooks, type ResolveFnOutput, type ResolveHookContext } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput;

/** Of files whose URL is their path, letter by letter. */
const plainFile = /\/[\w.-]+(\.[cm]?[jt]s)$/;

/** What a file's extension and its package.json say together, and no look into the file. */
const knownFormats = new Set<unknown>(["module", "module-typescript"]);

/**
 * Remembers where imports lead, for the whole process: what a package means by a name, in the whole
 * package, and what kind of files a directory has.
 *
 * Node resolves each import of each file by itself, and for each it parses the `exports` of two
 * package.json again: of the importer's package, and of the imported one. Those of @langchain/core
 * have 20 KB, and its modules are hundreds. Without this a start takes half as
 * much CPU again, and 70 MB more.
 *
 * The answers are Node's own. What is not remembered goes to Node, and so does everything that has no
 * ordinary answer: `require`, import attributes, `#imports`, URLs, users' files (whose URLs have a query),
 * and what cannot be found.
 */
export class Resolutions {
  readonly #byUrl = new Map<string, ResolveFnOutput>();
  readonly #byName = new Map<string, ResolveFnOutput>();
  readonly #places = new Map<string, string>();
  /** Formats of files by directory and extension, of directories that Node has found a file in. */
  readonly #formats = new Map<string, string>();

  /** From now on, for all that this process imports. */
  static register(): void {
    const resolutions = new Resolutions();
    registerHooks({
      resolve: (specifier, context, next) => resolutions.resolve(specifier, context, next),
    });
  }

  resolve(specifier: string, context: ResolveHookContext, next: NextResolve): ResolveFnOutput {
    const importer = ordinaryImporter(context);
    if (importer === null) return next(specifier, context);
    if (/^\.\.?\//.test(specifier)) {
      const url = new URL(specifier, importer).href;
      return remembered(
        this.#byUrl,
        url,
        () => this.#sibling(url) ?? this.#ask(specifier, context, next),
      );
    }
    if (/^[#/.]|:|\\|%/.test(specifier)) return next(specifier, context);
    const key = `${specifier}\n${this.#placeOf(directoryOf(importer))}`;
    return remembered(this.#byName, key, () => this.#ask(specifier, context, next));
  }

  #ask(specifier: string, context: ResolveHookContext, next: NextResolve): ResolveFnOutput {
    const found = next(specifier, context);
    const extension = plainFile.exec(found.url)?.[1];
    if (extension && knownFormats.has(found.format)) {
      this.#formats.set(directoryOf(found.url) + extension, found.format!);
    }
    return { ...found, shortCircuit: true };
  }

  /** A file beside one that Node has found, thus in a real directory; null when it is a link or not there. */
  #sibling(url: string): ResolveFnOutput | null {
    const extension = plainFile.exec(url)?.[1];
    const format = extension && this.#formats.get(directoryOf(url) + extension);
    if (!format || !lstatSync(new URL(url), { throwIfNoEntry: false })?.isFile()) return null;
    return { url, format, shortCircuit: true };
  }

  /**
   * The directory at or above this one from which names mean the same: the nearest that has packages
   * or is one. Nothing else on the way up says anything about a name.
   */
  #placeOf(directory: string): string {
    return remembered(this.#places, directory, () => {
      const path = fileURLToPath(directory);
      const parent = new URL("..", directory).href;
      const isPlace =
        parent === directory ||
        basename(path) === "node_modules" ||
        existsSync(join(path, "package.json")) ||
        existsSync(join(path, "node_modules"));
      return isPlace ? directory : this.#placeOf(parent);
    });
  }
}

/**
 * Whether Node was told to run code before the program. That may have hooks of its own, such as those that trace
 * packages, and they must be asked about every import.
 */
export function hasOtherHooks(words: readonly string[], nodeOptions = ""): boolean {
  const told = ` ${words.join(" ")} ${nodeOptions}`;
  return /\s(?:-r|--require|--import|--(?:experimental-)?loader)(?![\w-])/.test(told);
}

/** URL of the file that imports in the way all modules do; null when it is something else. */
function ordinaryImporter({
  parentURL,
  conditions,
  importAttributes,
}: ResolveHookContext): string | null {
  if (!parentURL?.startsWith("file:") || /[?#]/.test(parentURL)) return null;
  if (!conditions.includes("import") || Object.keys(importAttributes).length > 0) return null;
  return parentURL;
}

/** With the slash. */
function directoryOf(url: string): string {
  return url.slice(0, url.lastIndexOf("/") + 1);
}

function remembered<Value>(memory: Map<string, Value>, key: string, find: () => Value): Value {
  let value = memory.get(key);
  if (value === undefined) {
    value = find();
    memory.set(key, value);
  }
  return value;
}
