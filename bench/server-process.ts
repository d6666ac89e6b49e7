import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";

const startMsMax = 120_000;
const stopMsMax = 10_000;
const outputCharactersKept = 4_000;

/** A server as a process tree of its own, ready when it answers `GET /ok`. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string;
  readonly startedInMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, startedInMs: number) {
    this.#child = child;
    this.url = url;
    this.startedInMs = startedInMs;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Ends the tree as a crash does. */
  async kill(): Promise<void> {
    const exited = once(this.#child, "exit");
    end(this.#child, "SIGKILL");
    await exited;
  }

  /** @throws with the end of what the process said when it ends or stays silent. */
  static async start(command: {
    file: string;
    words: (port: number) => string[];
    directory: string;
    environment: Record<string, string | undefined>;
    /** Any free one when absent. */
    port?: number;
  }): Promise<ServerProcess> {
    const port = command.port ?? (await freePort());
    const url = `http://127.0.0.1:${port}`;
    const startedAt = performance.now();
    const child = spawn(command.file, command.words(port), {
      cwd: command.directory,
      env: { ...process.env, ...command.environment, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that the whole tree can be ended.
      detached: process.platform !== "win32",
    });
    let output = "";
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputCharactersKept);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const failed = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`The server has ended:\n${output}`)));
    });
    try {
      await Promise.race([answersOk(url, startedAt), failed]);
      const server = new ServerProcess(child, url, performance.now() - startedAt);
      failed.catch(() => {});
      return server;
    } catch (thrown) {
      failed.catch(() => {});
      end(child, "SIGKILL");
      throw new Error(`${command.file} ${command.words(port).join(" ")} did not start: ${output}`, {
        cause: thrown,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    end(this.#child, "SIGTERM");
    const timer = setTimeout(() => end(this.#child, "SIGKILL"), stopMsMax);
    await exited;
    clearTimeout(timer);
    // Some servers leave children behind.
    end(this.#child, "SIGKILL");
  }
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid!, signal);
  } catch {
    // The group is gone already.
  }
}

async function answersOk(url: string, startedAt: number): Promise<void> {
  while (performance.now() - startedAt < startMsMax) {
    const response = await fetch(`${url}/ok`).catch(() => null);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`No answer to GET /ok within ${startMsMax} ms.`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
