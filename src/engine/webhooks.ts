import { createHmac } from "node:crypto";
import type { JsonObject } from "../core/json.ts";
import type { Ports } from "../core/ports/ports.ts";
import { runFields } from "../core/trace-context.ts";
import { isRelativeUrl, refusalOf, retryDelayMs, type Delivery } from "../core/webhook.ts";
import { Rounds, type StartTimer, startTimer } from "./rounds.ts";
import { postWebhook, resolveByDns, TargetRefused, type Resolve } from "./webhook-post.ts";

export interface WebhookSettings {
  /** Sent along with each. */
  headers: Record<string, string>;
  /** Signs each, when there is one. */
  secret: string | null;
  /** The body of a delivery in the words of the API, without what it is sent with. */
  present: (delivery: Delivery, sentAt: number) => JsonObject;
  /** Answers a request to this server in process. */
  loopback: (path: string, init: RequestInit) => Response | Promise<Response>;
  resolve?: Resolve;
  startTimer?: StartTimer;
  /** 0 to 1. */
  chance?: () => number;
}

/**
 * Takes deliveries from the table and makes them, up to `webhooksAtOnce` at a time. A receiver that does
 * not answer with 2xx is asked again, less and less often; one that answers 410 is not. A delivery is
 * made at least once: after a crash perhaps twice, with the same `webhook-id`.
 */
export class Webhooks implements AsyncDisposable {
  readonly #ports: Ports;
  readonly #settings: WebhookSettings;
  readonly #rounds: Rounds;
  readonly #sending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(ports: Ports, settings: WebhookSettings) {
    this.#ports = ports;
    this.#settings = settings;
    this.#rounds = new Rounds(ports, settings.startTimer ?? startTimer, () => this.#sendAll());
    this.#unsubscribe = ports.signals.subscribe((signal) => {
      if (signal.kind === "delivery") void this.#rounds.ask();
    });
    void this.#rounds.ask();
  }

  /** Tries what is due now, and waits for what came of it. */
  async ask(): Promise<void> {
    await this.#rounds.ask();
    await Promise.all(this.#sending);
  }

  async #sendAll(): Promise<number | null> {
    const { clock, limits, storage } = this.#ports;
    while (this.#sending.size < limits.webhooksAtOnce) {
      const now = clock.now();
      const leaseUntil = now + limits.webhookTimeoutMs + limits.leaseMs;
      const delivery = await storage.deliveries.claim({ now, leaseUntil });
      if (!delivery) return storage.deliveries.nextDue();
      const sending = this.#send(delivery).finally(() => {
        this.#sending.delete(sending);
        // There may have been no room for the next one.
        if (this.#sending.size === limits.webhooksAtOnce - 1) void this.#rounds.ask();
      });
      this.#sending.add(sending);
    }
    return null;
  }

  async #send(delivery: Delivery): Promise<void> {
    const { storage, log } = this.#ports;
    const { deliveryId, attempts } = delivery;
    try {
      const status = await this.#post(delivery);
      if (status >= 200 && status < 300) {
        this.#ports.meter?.webhookTried("delivered");
        return await storage.deliveries.delete(deliveryId);
      }
      await this.#failed(delivery, `The receiver answered with status ${status}.`, status !== 410);
    } catch (thrown) {
      const reason = reasonOf(thrown);
      if (this.#stop.signal.aborted) {
        // Not the receiver's fault: the next server tries at once.
        const at = this.#ports.clock.now();
        return await storage.deliveries.fail({ deliveryId, attempts, at, error: reason });
      }
      await this.#failed(delivery, reason, !(thrown instanceof TargetRefused)).catch(
        (failure: unknown) =>
          log.error(
            { delivery_id: deliveryId, ...runFields(delivery.run), error: failure },
            "a webhook's failure could not be stored",
          ),
      );
    }
  }

  async #failed(delivery: Delivery, error: string, again: boolean): Promise<void> {
    const { storage, clock, limits, log } = this.#ports;
    const { deliveryId, attempts, run, url } = delivery;
    const chance = this.#settings.chance ?? Math.random;
    const delay = again ? retryDelayMs(attempts, limits.webhookAttemptsMax, chance()) : null;
    const at = delay === null ? null : clock.now() + delay;
    await storage.deliveries.fail({ deliveryId, attempts, at, error });
    const fields = { ...runFields(run), target: withoutSecrets(url), tries: attempts, error };
    this.#ports.meter?.webhookTried(delay === null ? "given_up" : "again");
    if (delay === null) log.error(fields, "a webhook was given up");
    else log.warn({ ...fields, again_in_ms: delay }, "a webhook failed; it is tried again");
    // So that the timer knows the new date.
    void this.#rounds.ask();
  }

  async #post(delivery: Delivery): Promise<number> {
    const { clock, graphs, limits, storage, webhookPolicy: policy } = this.#ports;
    const { headers: ownHeaders, loopback, resolve = resolveByDns, present } = this.#settings;
    let { values } = delivery;
    if (values === null) {
      const thread = await storage.threads.get(delivery.run.threadId);
      values = JSON.stringify(thread && (await graphs.values(thread).catch(() => null)));
    }
    const sentAt = clock.now();
    const body = JSON.stringify(present({ ...delivery, values }, sentAt));
    const headers = this.#headers(delivery, sentAt, body);
    const { url } = delivery;
    const signal = AbortSignal.any([
      this.#stop.signal,
      AbortSignal.timeout(limits.webhookTimeoutMs),
    ]);
    if (!isRelativeUrl(url)) {
      return postWebhook({ url, headers, ownHeaders, body, policy, resolve, signal });
    }
    const refusal = refusalOf(url, policy);
    if (refusal) throw new TargetRefused(refusal);
    const init = { method: "POST", headers: { ...ownHeaders, ...headers }, body, signal };
    const response = await loopback(url, init);
    await response.body?.cancel();
    return response.status;
  }

  /** As standardwebhooks.com has them, so that receivers find a library that checks them. */
  #headers(delivery: Delivery, sentAt: number, body: string): Record<string, string> {
    const id = delivery.deliveryId;
    const timestamp = String(Math.floor(sentAt / 1000));
    const { secret } = this.#settings;
    return {
      "content-type": "application/json",
      "user-agent": "Adjutant",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      ...(secret !== null && {
        "webhook-signature": `v1,${signatureOf(secret, `${id}.${timestamp}.${body}`)}`,
      }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    await this.#rounds[Symbol.asyncDispose]();
    this.#stop.abort(new Error("The server stops."));
    await Promise.all(this.#sending);
  }
}

/** A secret that begins with `whsec_` is base64; any other is taken as it is. */
function signatureOf(secret: string, content: string): string {
  const key = secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret);
  return createHmac("sha256", key).update(content).digest("base64");
}

function reasonOf(thrown: unknown): string {
  const { name, message, code } = thrown as NodeJS.ErrnoException;
  const reason = (thrown as { cause?: unknown }).cause;
  if (name === "AbortError" && reason instanceof Error) return reason.message;
  return message || code || String(thrown);
}

/** Paths and queries of webhooks often hold a token. */
function withoutSecrets(url: string): string {
  return URL.parse(url)?.origin ?? "this server";
}
