import type { ThreadId } from "../../core/ids.ts";
import type { Signal, Signals } from "../../core/ports/events.ts";

/** Hints within one process. Listeners run in a microtask, so that no publisher runs in their stack. */
export class MemorySignals implements Signals {
  readonly #listeners = new Set<(signal: Signal) => void>();
  readonly #watchers = new Map<ThreadId, Set<() => void>>();

  publish(signal: Signal): void {
    if (signal.kind === "run") return this.#wake(signal.threadId);
    for (const listener of this.#listeners) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener(signal);
      });
    }
  }

  subscribe(listener: (signal: Signal) => void): () => void {
    // Its own function, so that a listener subscribed twice is stopped twice.
    const own = (signal: Signal): void => listener(signal);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  watch(threadId: ThreadId, listener: () => void): () => void {
    const own = (): void => listener();
    const watchers = this.#watchers.get(threadId) ?? new Set();
    this.#watchers.set(threadId, watchers.add(own));
    return () => {
      watchers.delete(own);
      if (watchers.size === 0 && this.#watchers.get(threadId) === watchers)
        this.#watchers.delete(threadId);
    };
  }

  #wake(threadId: ThreadId): void {
    const watchers = this.#watchers.get(threadId);
    for (const watcher of watchers ?? []) {
      queueMicrotask(() => {
        if (watchers?.has(watcher)) watcher();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    this.#watchers.clear();
  }
}
