import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const repository = join(import.meta.dirname, "..", "..");

/** A directory that looks like a clone to bin/: the real bin/, and whatever files the test writes beside it. */
export class Clone implements Disposable {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), "adjutant-clone-")));

  constructor(files: Record<string, string>) {
    cpSync(join(repository, "bin"), this.path("bin"), { recursive: true });
    this.write("package.json", JSON.stringify({ name: "adjutant", type: "module" }));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  write(name: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode });
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** Resolves when a file of this name stands in the clone's directory. */
  async appears(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => existsSync(this.path(name)) && resolve();
    const watcher = watch(this.directory, look);
    look();
    await promise.finally(() => watcher.close());
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A process of the test's own, with its output so far. */
export class Program implements AsyncDisposable {
  readonly process: ChildProcess;
  #stdout = "";
  #stderr = "";
  readonly ending: Promise<Ending>;

  constructor(words: string[], settings: { cwd: string; environment?: Record<string, string> }) {
    this.process = spawn(process.execPath, words, {
      cwd: settings.cwd,
      env: { PATH: process.env["PATH"], ...settings.environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout?.on("data", (chunk) => (this.#stdout += String(chunk)));
    this.process.stderr?.on("data", (chunk) => (this.#stderr += String(chunk)));
    this.ending = once(this.process, "close").then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  /** Resolves with the output so far when it contains the words; rejects when the program ends without them. */
  async says(words: string): Promise<string> {
    while (!this.#stdout.includes(words)) {
      const [cause] = await Promise.race([
        once(this.process.stdout!, "data"),
        once(this.process, "close").then(() => [null]),
      ]);
      if (cause === null && !this.#stdout.includes(words)) {
        throw new Error(`It ended without saying "${words}": ${this.#stdout}${this.#stderr}`);
      }
    }
    return this.#stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.ending;
  }
}
