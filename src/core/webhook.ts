import { BlockList, isIP } from "node:net";
import type { DeliveryId } from "./ids.ts";
import type { Run } from "./run.ts";

/** A run's end on its way to the address the run named. */
export interface Delivery {
  deliveryId: DeliveryId;
  url: string;
  /** As it ended. */
  run: Run;
  /** The run's thread was a temporary one. */
  temporary: boolean;
  /** The last state as JSON; null: what the thread says when the delivery is tried. */
  values: string | null;
  createdAt: number;
  /** Tries so far. */
  attempts: number;
  /** Null: given up. */
  nextAttemptAt: number | null;
  lastError: string | null;
}

/** Where webhooks may go (`webhooks.url` of langgraph.json, specification 4.3). */
export interface WebhookPolicy {
  /** None at all (`http.disable_webhooks`). */
  disabled: boolean;
  requireHttps: boolean;
  /** `example.org`, or `*.example.org` for what is below it. Null: all. */
  allowedDomains: string[] | null;
  /** Null: all. */
  allowedPorts: number[] | null;
  urlLengthMax: number;
  /** Whether `/path` reaches this server itself. */
  relativeUrls: boolean;
  /** Whether addresses of this machine and of private networks may be called. */
  privateTargets: boolean;
}

export const defaultWebhookPolicy: WebhookPolicy = {
  disabled: false,
  requireHttps: false,
  allowedDomains: null,
  allowedPorts: null,
  urlLengthMax: 65_536,
  relativeUrls: true,
  privateTargets: false,
};

/** A path of this server itself. `//host` names another one. */
export function isRelativeUrl(url: string): boolean {
  return url.startsWith("/") && !/^\/[/\\]/.test(url);
}

/**
 * Why a webhook must not go there, as a sentence; null when it may. Names are judged here by what they
 * say; the addresses they stand for are judged when the connection is made.
 */
export function refusalOf(url: string, policy: WebhookPolicy): string | null {
  if (policy.disabled) return "Webhooks are switched off on this server (http.disable_webhooks).";
  if (url.length > policy.urlLengthMax) {
    return `A webhook URL may have ${policy.urlLengthMax} characters; this one has ${url.length}.`;
  }
  if (isRelativeUrl(url)) {
    return policy.relativeUrls
      ? null
      : `The webhook ${url} is a path of this server, which webhooks.url.disable_loopback forbids.`;
  }
  const target = URL.parse(url);
  if (!target || !/^https?:$/.test(target.protocol)) {
    return `The webhook ${url} must be an http or https URL, or a path such as /hook on this server.`;
  }
  if (policy.requireHttps && target.protocol !== "https:") {
    return `The webhook ${url} must use https: webhooks.url.require_https is set.`;
  }
  const { allowedDomains, allowedPorts } = policy;
  const port = Number(target.port) || (target.protocol === "https:" ? 443 : 80);
  if (allowedPorts && !allowedPorts.includes(port)) {
    return `The webhook ${url} goes to port ${port}; allowed are ${allowedPorts.join(", ")}.`;
  }
  if (allowedDomains && !allowedDomains.some((one) => isInDomain(target.hostname, one))) {
    return `The webhook ${url} goes to ${target.hostname}; allowed are ${allowedDomains.join(", ")}.`;
  }
  return policy.privateTargets ? null : privateName(target.hostname);
}

function isInDomain(hostname: string, domain: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, "");
  const wanted = domain.toLowerCase();
  return wanted.startsWith("*.") ? host.endsWith(wanted.slice(1)) : host === wanted;
}

function privateName(hostname: string): string | null {
  const bare = hostname.replace(/^\[|\]$/g, "");
  const named = /(^|\.)localhost\.?$/i.test(bare);
  return named || (isIP(bare) !== 0 && isPrivateAddress(bare)) ? privateRefusal(bare) : null;
}

export function privateRefusal(host: string): string {
  return (
    `${host} is an address of this machine or of a private network, which webhooks may not call. ` +
    "Set ADJUTANT_WEBHOOK_PRIVATE_TARGETS=allow if they may."
  );
}

/** Ranges that are not the public internet (IANA's special-purpose registries), and tunnels into them. */
const privateRanges = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  privateRanges.addSubnet(net, prefix, "ipv4");
}
for (const [net, prefix] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  privateRanges.addSubnet(net, prefix, "ipv6");
}

/** `address` is an IP address; IPv4 in IPv6 (`::ffff:127.0.0.1`) counts as what it holds. */
export function isPrivateAddress(address: string): boolean {
  return privateRanges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

const firstDelayMs = 5_000;
const delayMsMax = 60 * 60 * 1000;

/**
 * How long to wait after the try number `attempts` (from 1) failed; null: not again. 5 s, 15 s, 45 s …
 * up to an hour, each up to a fifth longer by `chance` (0 to 1), so that what failed together does
 * not come back together.
 */
export function retryDelayMs(attempts: number, attemptsMax: number, chance: number): number | null {
  if (attempts >= attemptsMax) return null;
  const delay = Math.min(firstDelayMs * 3 ** (attempts - 1), delayMsMax);
  return Math.round(delay * (1 + chance / 5));
}
