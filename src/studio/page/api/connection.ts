import { useSyncExternalStore } from "react";
import { apiUrl } from "./address.ts";

const checkEveryMs = 5_000;
const retryEveryMs = 1_000;

/** Whether the server answers. Looks by itself now and then, and often while it does not. */
class Connection {
  #isUp = true;
  #timer: number | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #onRecovery = new Set<() => void>();

  get isUp(): boolean {
    return this.#isUp;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  onRecovery(listener: () => void): void {
    this.#onRecovery.add(listener);
  }

  set(isUp: boolean): void {
    const before = this.#isUp;
    this.#isUp = isUp;
    if (before !== isUp) {
      for (const listener of this.#listeners) listener();
      if (isUp) for (const listener of this.#onRecovery) listener();
    }
    this.#schedule();
  }

  readonly look = async (): Promise<void> => {
    if (document.visibilityState === "hidden") return this.#schedule();
    await this.check();
  };

  async check(): Promise<void> {
    try {
      // Anything that answers is the server; a proxy in front of it says 502 to 504 when it is gone.
      const { status } = await fetch(`${apiUrl}/ok`, {
        cache: "no-store",
        signal: AbortSignal.timeout(checkEveryMs),
      });
      this.set(status < 500);
    } catch {
      this.set(false);
    }
  }

  #schedule(): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(
      () => void this.look(),
      this.#isUp ? checkEveryMs : retryEveryMs,
    );
  }
}

const connection = new Connection();

export function watchConnection(onRecovery: () => void): void {
  connection.onRecovery(onRecovery);
  connection.set(true);
  window.addEventListener("online", () => void connection.look());
  window.addEventListener("offline", () => connection.set(false));
  document.addEventListener("visibilitychange", () => void connection.look());
}

export function noteAnswer(): void {
  if (!connection.isUp) void connection.look();
}

/** `fetch` throws a TypeError when no answer came; anything else is somebody's wish to stop. */
export function noteFailure(thrown: unknown): void {
  if (thrown instanceof TypeError) void connection.look();
}

const pauseMs = 300;

/** Resolves as soon as the server answers, or the signal says that nobody waits any more. */
export async function serverIsBack(signal: AbortSignal): Promise<void> {
  await connection.check();
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => (connection.isUp || signal.aborted) && resolve();
  const stop = connection.subscribe(look);
  signal.addEventListener("abort", look, { once: true });
  look();
  await promise.finally(stop);
  // A server that answers this and cuts every stream is not asked without end at full speed.
  await new Promise((after) => window.setTimeout(after, pauseMs));
}

export function lookNow(): void {
  void connection.look();
}

export function useIsServerUp(): boolean {
  return useSyncExternalStore(connection.subscribe, () => connection.isUp);
}
