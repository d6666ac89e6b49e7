import type { Ports } from "../ports/ports.ts";
import type { CheckpointStorage } from "../ports/checkpoints.ts";
import type { CronStorage } from "../ports/crons.ts";
import type { DeliveryStorage } from "../ports/deliveries.ts";
import type { ItemStorage, RunStorage, Storage, ThreadStorage } from "../ports/storage.ts";
import type { SweepStorage } from "../ports/sweeps.ts";
import type { Access } from "./access.ts";
import { GuardedAssistants } from "./assistants.ts";
import { GuardedCheckpoints } from "./checkpoints.ts";
import { GuardedCrons } from "./crons.ts";
import { GuardedDeliveries } from "./deliveries.ts";
import { GuardedEvents } from "./events.ts";
import { GuardedItems } from "./items.ts";
import { GuardedRuns } from "./runs.ts";
import { GuardedThreads } from "./threads.ts";

/**
 * What operations get when they act for a caller: the same ports, in which everything the caller may
 * not see is absent. A method of storage that has no guard here is closed to callers, so whoever adds
 * one to a port is told to guard it the first time a request needs it.
 */
export function guardPorts(ports: Ports, access: Access): Ports {
  const { storage, events } = ports;
  const threads = new GuardedThreads(storage, access);
  const runs = new GuardedRuns(ports, access, threads);
  const guarded: Storage = {
    threads: closed<ThreadStorage>("threads", threads),
    runs: closed<RunStorage>("runs", runs),
    assistants: closed("assistants", new GuardedAssistants(storage, access)),
    items: closed<ItemStorage>("items", new GuardedItems(storage, access)),
    crons: closed<CronStorage>("crons", new GuardedCrons(storage, access)),
    checkpoints: closed<CheckpointStorage>("checkpoints", new GuardedCheckpoints(storage, threads)),
    deliveries: closed<DeliveryStorage>("deliveries", new GuardedDeliveries(storage, runs)),
    sweeps: closed<SweepStorage>("sweeps", {}),
    check: () => storage.check(),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
  return {
    ...ports,
    storage: guarded,
    events: new GuardedEvents(events, runs),
    caller: access.user,
  };
}

function closed<Port extends object>(name: string, guarded: Partial<Port>): Port {
  return new Proxy(guarded, {
    get(target, key) {
      const own: unknown = Reflect.get(target, key);
      if (typeof own === "function") return own.bind(target) as unknown;
      if (own !== undefined || typeof key === "symbol") return own;
      return () => {
        throw new Error(`${name}.${key} is closed to callers: guard it in core/authorization.`);
      };
    },
  }) as Port;
}
