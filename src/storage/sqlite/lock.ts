import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { conflict } from "../../core/error.ts";

/**
 * One server per data directory, proved by an exclusive transaction that stays open on a file of its
 * own. The operating system releases it when the process ends, however it ends.
 */
export class DirectoryLock {
  readonly #database: DatabaseSync;

  /** @throws conflict when another server holds the directory. */
  constructor(directory: string) {
    this.#database = new DatabaseSync(join(directory, "lock.sqlite"), { timeout: 0 });
    try {
      this.#database.exec("begin exclusive");
    } catch (error) {
      this.#database.close();
      if (!isBusy(error)) throw error;
      throw conflict(
        `Another server uses the data directory ${directory}. ` +
          "Stop it, or start this one with another directory (--data-dir).",
      );
    }
  }

  release(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** SQLITE_BUSY, also in its extended forms. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && (code & 0xff) === 5;
}
