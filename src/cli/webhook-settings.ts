import { validateHeaderName, validateHeaderValue } from "node:http";
import { invalid } from "../core/error.ts";
import { defaultWebhookPolicy, type WebhookPolicy } from "../core/webhook.ts";
import type { ManifestFile } from "../graphs/manifest.ts";

export interface WebhookConfiguration {
  policy: WebhookPolicy;
  headers: Record<string, string>;
  secret: string | null;
}

const defaultPrefix = "LG_WEBHOOK_";

/**
 * `webhooks` and `http.disable_webhooks` of langgraph.json (specification 4.3), `ADJUTANT_WEBHOOK_SECRET`
 * and `ADJUTANT_WEBHOOK_PRIVATE_TARGETS`.
 *
 * @throws invalid naming the key or the variable.
 */
export function readWebhookSettings(
  { webhooks, http }: Pick<ManifestFile, "webhooks" | "http">,
  environment: NodeJS.ProcessEnv,
): WebhookConfiguration {
  const url = webhooks?.url ?? {};
  const targets = environment["ADJUTANT_WEBHOOK_PRIVATE_TARGETS"]?.trim() || "refuse";
  if (targets !== "allow" && targets !== "refuse") {
    throw invalid(
      `ADJUTANT_WEBHOOK_PRIVATE_TARGETS must be "allow" or "refuse", not "${targets}".`,
    );
  }
  const prefix = webhooks?.env_prefix ?? defaultPrefix;
  return {
    policy: {
      disabled: http?.disable_webhooks ?? defaultWebhookPolicy.disabled,
      requireHttps: url.require_https ?? defaultWebhookPolicy.requireHttps,
      allowedDomains: url.allowed_domains ?? null,
      allowedPorts: url.allowed_ports ?? null,
      urlLengthMax: url.max_url_length ?? defaultWebhookPolicy.urlLengthMax,
      relativeUrls: !(url.disable_loopback ?? false),
      privateTargets: targets === "allow",
    },
    headers: Object.fromEntries(
      Object.entries(webhooks?.headers ?? {}).map(([name, text]) => [
        name.toLowerCase(),
        readHeader(name, text, prefix, environment),
      ]),
    ),
    secret: environment["ADJUTANT_WEBHOOK_SECRET"]?.trim() || null,
  };
}

/** `${{ env.NAME }}` stands for a variable, of those with the prefix: a webhook must not tell the others. */
function readHeader(
  name: string,
  text: string,
  prefix: string,
  environment: NodeJS.ProcessEnv,
): string {
  const key = `"webhooks.headers.${name}" of langgraph.json`;
  const value = text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_whole, inside: string) => {
    const variable = /^env\.(\w+)$/.exec(inside)?.[1];
    if (!variable) throw invalid(`${key} may hold \${{ env.NAME }}, not \${{ ${inside} }}.`);
    if (!variable.startsWith(prefix)) {
      throw invalid(
        `${key} names ${variable}; only variables that begin with ${prefix} may be sent.`,
      );
    }
    const found = environment[variable];
    if (found === undefined) throw invalid(`${key} names ${variable}, which is not set.`);
    return found;
  });
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch (thrown) {
    // The value may be a secret.
    const { code } = thrown as NodeJS.ErrnoException;
    throw invalid(`${key} is no HTTP header (${code}).`);
  }
  return value;
}
