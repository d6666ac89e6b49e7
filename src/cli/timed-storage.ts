import type { Storage } from "../core/ports/storage.ts";

/** Takes the time of one operation of the storage, such as `threads.transact`, in ms. */
type TimerFor = (operation: string) => (tookMs: number) => void;

/** The same storage, whose operations are timed. What failed took its time, too. */
export function timedStorage(storage: Storage, timerFor: TimerFor): Storage {
  return {
    assistants: timedPart("assistants", storage.assistants, timerFor),
    threads: timedPart("threads", storage.threads, timerFor),
    runs: timedPart("runs", storage.runs, timerFor),
    checkpoints: timedPart("checkpoints", storage.checkpoints, timerFor),
    items: timedPart("items", storage.items, timerFor),
    crons: timedPart("crons", storage.crons, timerFor),
    deliveries: timedPart("deliveries", storage.deliveries, timerFor),
    sweeps: timedPart("sweeps", storage.sweeps, timerFor),
    check: () => storage.check(),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

function timedPart<Part extends object>(noun: string, part: Part, timerFor: TimerFor): Part {
  const timed = Object.create(part) as Record<string, unknown>;
  for (const [name, method] of methodsOf(part)) {
    const observe = timerFor(`${noun}.${name}`);
    timed[name] = (...given: unknown[]): unknown => {
      const startedAt = performance.now();
      const result: unknown = method.apply(part, given);
      // Some give their rows one by one; how long the reader takes is not the database's.
      if (!(result instanceof Promise)) return result;
      // Beside who waits for it, who would else wait for three more promises with each operation.
      const ended = () => observe(performance.now() - startedAt);
      result.then(ended, ended);
      return result;
    };
  }
  return timed as Part;
}

/** Own ones and those of its classes. */
function methodsOf(part: object): [string, Function][] {
  const found = new Map<string, Function>();
  for (let at = part; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (name === "constructor" || found.has(name)) continue;
      if (typeof value === "function") found.set(name, value as Function);
    }
  }
  return [...found];
}
