import { statSync, watch, type FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

export interface WatchParams {
  /** Watched with everything below it, but for dependencies, dot directories and `ignore`. */
  directory: string;
  /** Watched as well, wherever they are: loaded files, the manifest, the env file. */
  files: string[];
  /** Absolute paths of directories whose changes mean nothing, such as the data directory. */
  ignore: string[];
  /** Called once after a burst of changes, with the absolute path that changed last. */
  onChange: (path: string) => void;
  /** Silence that ends a burst, in ms; an editor saves a file in several steps. */
  quietMs?: number;
}

const defaultQuietMs = 100;

/**
 * Watches a project. Directories are watched one by one rather than with `recursive`, which on Linux
 * watches every directory under node_modules, too; and directories rather than files, since an editor
 * that saves by renaming takes the watched file away.
 */
export class ProjectWatcher implements AsyncDisposable {
  #params: WatchParams;
  #watchers = new Map<string, FSWatcher>();
  /** Directories outside the project, of which only some files count. */
  #files = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  private constructor(params: WatchParams) {
    this.#params = params;
  }

  /** Resolves when everything is watched. */
  static async start(params: WatchParams): Promise<ProjectWatcher> {
    const watcher = new ProjectWatcher(params);
    await watcher.#watchTree(params.directory);
    watcher.addFiles(params.files);
    return watcher;
  }

  /** Watches more files, such as those a reload has found. */
  addFiles(files: string[]): void {
    for (const file of files) {
      this.#files.add(file);
      const directory = dirname(file);
      if (!this.#watchers.has(directory)) this.#watchDirectory(directory);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #watchTree(directory: string): Promise<void> {
    if (this.#isClosed || this.#isIgnored(directory) || !isDirectory(directory)) return;
    if (!this.#watchers.has(directory)) this.#watchDirectory(directory);
    let entries;
    try {
      entries = await readdir(directory, { withFileTypes: true });
    } catch {
      return; // gone again, or not ours to read
    }
    const directories = entries.filter((entry) => entry.isDirectory());
    await Promise.all(directories.map((entry) => this.#watchTree(join(directory, entry.name))));
  }

  #watchDirectory(directory: string): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(directory, (_, name) => this.#changed(directory, name));
    } catch {
      return; // gone again, or more watches than the system allows: the rest still works
    }
    watcher.on("error", () => this.#forget(directory));
    this.#watchers.set(directory, watcher);
  }

  #forget(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #changed(directory: string, name: string | null): void {
    if (this.#isClosed) return;
    const path = name === null ? directory : join(directory, name);
    if (this.#files.has(path)) {
      this.#report(path);
      return;
    }
    const isInside = isWithin(path, this.#params.directory);
    if (!isInside || this.#isIgnored(path)) return;
    void this.#watchTree(path); // it may be a new directory
    this.#report(path);
  }

  #report(path: string): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#params.onChange(path);
    }, this.#params.quietMs ?? defaultQuietMs);
  }

  #isIgnored(path: string): boolean {
    const { directory, ignore } = this.#params;
    const inside = relative(directory, path).split(sep);
    const isHidden = inside.some((part) => part.startsWith(".") || part === "node_modules");
    return (
      isHidden || basename(path).endsWith("~") || ignore.some((ignored) => isWithin(path, ignored))
    );
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory + sep);
}
