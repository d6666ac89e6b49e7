import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import type { LookupFunction } from "node:net";
import { callbackify } from "node:util";
import {
  isPrivateAddress,
  privateRefusal,
  refusalOf,
  type WebhookPolicy,
} from "../core/webhook.ts";

/** A webhook must not go there; trying again would not help. */
export class TargetRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TargetRefused";
  }
}

/** What addresses a name stands for. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>;

export const resolveByDns: Resolve = (hostname) => lookup(hostname, { all: true });

export interface WebhookPost {
  url: string;
  /** Sent to every host on the way. */
  headers: Record<string, string>;
  /** May hold a secret of the receiver: another origin that it redirects to does not get them. */
  ownHeaders: Record<string, string>;
  body: string;
  policy: WebhookPolicy;
  resolve: Resolve;
  signal: AbortSignal;
}

const redirectsMax = 3;
const redirects = new Set([301, 302, 307, 308]);

/**
 * Posts to the target, and to where it redirects, and returns the last status. Each host is judged
 * anew; its name is resolved once and the connection goes to the address that was judged.
 *
 * @throws TargetRefused, and whatever goes wrong on the network.
 */
export async function postWebhook(post: WebhookPost): Promise<number> {
  let url = post.url;
  const { origin } = new URL(url);
  for (let hops = 0; ; hops += 1) {
    const refusal = refusalOf(url, post.policy);
    if (refusal) throw new TargetRefused(refusal);
    const target = new URL(url);
    const { status, location } = await postOnce(post, target, target.origin === origin);
    if (!redirects.has(status) || location === undefined) return status;
    if (hops === redirectsMax) throw new TargetRefused(`More than ${redirectsMax} redirects.`);
    const next = URL.parse(location, target);
    if (!next)
      throw new TargetRefused(`It redirects to ${JSON.stringify(location)}, which is no URL.`);
    url = next.href;
  }
}

function postOnce(
  post: WebhookPost,
  target: URL,
  sameOrigin: boolean,
): Promise<{ status: number; location: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    location: string | undefined;
  }>();
  const send = target.protocol === "https:" ? requestSecure : requestPlain;
  const outgoing = send(target, {
    method: "POST",
    headers: {
      ...(sameOrigin && post.ownHeaders),
      ...post.headers,
      "content-length": String(Buffer.byteLength(post.body)),
    },
    // A connection of its own: one that is kept would lead to an address nobody has judged now.
    agent: false,
    lookup: judging(post),
    signal: post.signal,
  });
  outgoing.on("error", reject);
  outgoing.on("response", (response) => {
    // What it says beside its status is nobody's business; reading it ends the connection in good order.
    response.on("error", () => {});
    response.resume();
    resolve({ status: response.statusCode ?? 0, location: response.headers.location });
  });
  outgoing.end(post.body);
  return promise;
}

function judging(post: WebhookPost): LookupFunction {
  const judged = callbackify((hostname: string) => judgedAddresses(post, hostname));
  return (hostname, options, callback) => {
    judged(hostname, (error, addresses) => {
      if (error) callback(error, []);
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    });
  };
}

/** At least one. One private address among several is enough to refuse: any of them might be taken. */
async function judgedAddresses(
  { policy, resolve }: WebhookPost,
  hostname: string,
): Promise<LookupAddress[]> {
  const addresses = await resolve(hostname);
  if (addresses.length === 0) throw new Error(`${hostname} has no address.`);
  const inside = addresses.find(({ address }) => isPrivateAddress(address.split("%")[0]!));
  if (inside && !policy.privateTargets) {
    throw new TargetRefused(privateRefusal(`${hostname} (${inside.address})`));
  }
  return addresses;
}
