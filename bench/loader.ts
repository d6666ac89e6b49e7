import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Idle, Load, LoadReport } from "./load.ts";

export type Job = { kind: "load"; load: Load } | { kind: "open"; idle: Idle } | { kind: "close" };

export type JobAnswer =
  | { report: LoadReport }
  | { broken: number }
  | { error: string }
  | { done: true };

/** The process that makes the load; one job at a time. */
export class Loader implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor() {
    const file = fileURLToPath(new URL("./load-process.ts", import.meta.url));
    this.#child = fork(file, { execArgv: [] });
  }

  async load(load: Load): Promise<LoadReport> {
    return (await this.#ask<{ report: LoadReport }>({ kind: "load", load })).report;
  }

  async openIdle(idle: Idle): Promise<void> {
    await this.#ask({ kind: "open", idle });
  }

  /** Closes the idle streams; returns how many had ended before. */
  async closeIdle(): Promise<number> {
    return (await this.#ask<{ broken: number }>({ kind: "close" })).broken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill();
    await exited;
  }

  async #ask<Answer>(job: Job): Promise<Answer> {
    const stop = new AbortController();
    const gone = once(this.#child, "exit", { signal: stop.signal }).then(() => {
      throw new Error("The process that makes the load has died.");
    });
    const answered = once(this.#child, "message", { signal: stop.signal });
    gone.catch(() => {});
    this.#child.send(job);
    try {
      const [answer] = (await Promise.race([answered, gone])) as [JobAnswer];
      if ("error" in answer) throw new Error(answer.error);
      return answer as Answer;
    } finally {
      stop.abort();
    }
  }
}
