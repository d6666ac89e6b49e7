import { describe, expect } from "vitest";
import { randomIds } from "../../../src/core/ids.ts";
import { givenUpKeptMs } from "../../../src/core/ports/deliveries.ts";
import type { Storage } from "../../../src/core/ports/storage.ts";
import type { Delivery } from "../../../src/core/webhook.ts";
import { itStores, newRun, newThread, type OpenStorage, start } from "./fixtures.ts";

function newDelivery(change: Partial<Delivery> = {}): Delivery {
  return {
    deliveryId: randomIds.delivery(),
    url: "https://example.org/hook",
    run: newRun(randomIds.thread(), { status: "error", error: { error: "E", message: "🙂" } }),
    temporary: true,
    values: '{"b":1,"a":[2]}',
    createdAt: start,
    attempts: 0,
    nextAttemptAt: start,
    lastError: null,
    ...change,
  };
}

async function store(storage: Storage, ...deliver: Delivery[]): Promise<void> {
  const { threadId } = newThread();
  await storage.threads.transact(threadId, () => ({ deliver }));
}

export function describeDeliveries(open: OpenStorage): void {
  describe("deliveries", () => {
    itStores(open, "a delivery reads back as it was stored, without a thread", async (storage) => {
      const full = newDelivery();
      const bare = newDelivery({ values: null, nextAttemptAt: null });
      await store(storage, full, bare);
      expect(await storage.deliveries.ofRun(full.run.runId)).toEqual(full);
      expect(await storage.deliveries.ofRun(bare.run.runId)).toEqual(bare);
      expect(await storage.deliveries.ofRun(randomIds.run())).toBeNull();
    });

    itStores(open, "a decision that fails leaves none behind", async (storage) => {
      const delivery = newDelivery();
      const { threadId } = newThread();
      const stored = storage.threads.transact(threadId, () => ({
        deliver: [delivery],
        insert: [newRun(threadId)],
      }));
      await expect(stored).rejects.toThrow(/foreign key/i);
      expect(await storage.deliveries.ofRun(delivery.run.runId)).toBeNull();
    });

    itStores(
      open,
      "a claim counts the try and keeps it from others for a while",
      async (storage) => {
        const late = newDelivery({ nextAttemptAt: start + 1 });
        const soon = newDelivery();
        await store(storage, late, soon);
        const claim = (now: number) => storage.deliveries.claim({ now, leaseUntil: now + 50 });
        expect(await claim(start - 1)).toBeNull();
        expect(await claim(start + 1)).toEqual({ ...soon, attempts: 1, nextAttemptAt: start + 51 });
        expect((await claim(start + 1))?.deliveryId).toBe(late.deliveryId);
        expect(await claim(start + 1)).toBeNull();
        expect(await storage.deliveries.nextDue()).toBe(start + 51);
        expect(await claim(start + 51)).toMatchObject({ attempts: 2 });
      },
    );

    itStores(open, "servers that claim at the same time get it once", async (storage) => {
      await store(storage, newDelivery(), newDelivery(), newDelivery());
      const claim = () => storage.deliveries.claim({ now: start, leaseUntil: start + 9 });
      const claimed = (await Promise.all(Array.from({ length: 8 }, claim))).filter(Boolean);
      for (let next = await claim(); next; next = await claim()) claimed.push(next);
      expect(claimed).toHaveLength(3);
      expect(new Set(claimed.map((one) => one!.deliveryId)).size).toBe(3);
    });

    itStores(open, "a try that failed is due again when it says, or never", async (storage) => {
      const delivery = newDelivery();
      const { deliveryId } = delivery;
      await store(storage, delivery);
      await storage.deliveries.claim({ now: start, leaseUntil: start + 50 });
      await storage.deliveries.fail({ deliveryId, attempts: 1, at: start + 7, error: "503" });
      expect(await storage.deliveries.nextDue()).toBe(start + 7);
      await storage.deliveries.claim({ now: start + 7, leaseUntil: start + 57 });
      // Somebody thought dead, who began the try before.
      await storage.deliveries.fail({ deliveryId, attempts: 1, at: start + 8, error: "late" });
      expect(await storage.deliveries.nextDue()).toBe(start + 57);
      await storage.deliveries.fail({ deliveryId, attempts: 2, at: null, error: "gone" });
      expect(await storage.deliveries.nextDue()).toBeNull();
      expect(await storage.deliveries.claim({ now: start * 2, leaseUntil: start * 3 })).toBeNull();
      expect(await storage.deliveries.ofRun(delivery.run.runId)).toEqual({
        ...delivery,
        attempts: 2,
        nextAttemptAt: null,
        lastError: "gone",
      });
    });

    itStores(
      open,
      "what has arrived is gone, and what was given up goes a day later",
      async (storage) => {
        const arrived = newDelivery();
        const givenUp = newDelivery({ nextAttemptAt: null });
        await store(storage, arrived, givenUp);
        await storage.deliveries.delete(arrived.deliveryId);
        expect(await storage.deliveries.ofRun(arrived.run.runId)).toBeNull();
        await store(storage, newDelivery({ createdAt: start + givenUpKeptMs }));
        expect(await storage.deliveries.ofRun(givenUp.run.runId)).toEqual(givenUp);
        await store(storage, newDelivery({ createdAt: start + givenUpKeptMs + 1 }));
        expect(await storage.deliveries.ofRun(givenUp.run.runId)).toBeNull();
      },
    );
  });
}
