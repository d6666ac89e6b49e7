import { invalid } from "../error.ts";
import type { Ports } from "../ports/ports.ts";
import { endRun, type Outcome, type Run } from "../run.ts";
import { refusalOf, type Delivery } from "../webhook.ts";

/** @throws invalid when a run must not name this webhook. */
export function checkWebhook(ports: Ports, url: string | null): void {
  const refusal = url === null ? null : refusalOf(url, ports.webhookPolicy);
  if (refusal) throw invalid(refusal);
}

/** Ends runs, and says whom to tell: stored together, so that no crash comes between. */
export function ending(
  ports: Ports,
  runs: Run[],
  outcome: Outcome,
  told: { temporary: boolean; values: string | null },
): { update: Run[]; deliver: Delivery[] } {
  const now = ports.clock.now();
  const update = runs.map((run) => endRun(run, outcome, now));
  const deliver = update.flatMap((run): Delivery[] => {
    const { webhook } = run.request;
    if (webhook === null) return [];
    return [
      {
        deliveryId: ports.ids.delivery(),
        url: webhook,
        run,
        temporary: told.temporary,
        values: told.values,
        createdAt: now,
        attempts: 0,
        nextAttemptAt: now,
        lastError: null,
      },
    ];
  });
  return { update, deliver };
}

/** After the commit. */
export function announceDeliveries(ports: Ports, deliveries: Delivery[] | undefined): void {
  if (deliveries && deliveries.length > 0) ports.signals.publish({ kind: "delivery" });
}
