import type { Log } from "../core/ports/ports.ts";
import type { Tracing } from "../core/ports/tracing.ts";
import type { TracingSettings } from "../tracing/open.ts";
import { version } from "./version.ts";

/** How long a stopping server waits for the collector, in ms. */
const flushMs = 3000;

type Environment = Record<string, string | undefined>;

/**
 * What the standard variables of OpenTelemetry ask for; null: nothing is traced, and nothing loaded. An
 * endpoint is enough, or an exporter that is named.
 */
function readTracing(environment: Environment, log: Log): TracingSettings | null {
  const env = (name: string) => environment[name]?.trim() || undefined;
  if (env("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return null;
  const endpoint = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? env("OTEL_EXPORTER_OTLP_ENDPOINT");
  const named = env("OTEL_TRACES_EXPORTER");
  const [wanted] = (named ?? (endpoint ? "otlp" : "none")).split(",").map((one) => one.trim());
  if (wanted === "none") return null;
  if (wanted !== "otlp" && wanted !== "console") {
    log.warn({ OTEL_TRACES_EXPORTER: named }, "nothing is traced: only otlp and console are known");
    return null;
  }
  const protocol =
    env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? env("OTEL_EXPORTER_OTLP_PROTOCOL") ?? "http/json";
  if (wanted === "otlp" && protocol !== "http/json") {
    log.warn({ protocol }, "traces are sent as http/json, the only protocol that is spoken here");
  }
  const attributes = readAttributes(env("OTEL_RESOURCE_ATTRIBUTES"));
  const name = env("OTEL_SERVICE_NAME") ?? attributes["service.name"] ?? "adjutant";
  return {
    exporter: wanted,
    attributes: { "service.version": version, ...attributes, "service.name": name },
    flushMs,
  };
}

/** `key=value,key=value`, values percent-encoded. What is no pair is left out. */
function readAttributes(text = ""): Record<string, string> {
  const pairs = text.split(",").flatMap((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) return [];
    return [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Loaded only when asked for: its packages would cost every start time and memory. */
export async function openConfiguredTracing(
  environment: Environment,
  log: Log,
): Promise<Tracing | null> {
  const settings = readTracing(environment, log);
  if (!settings) return null;
  const { openTracing } = await import("../tracing/open.ts");
  return openTracing(settings, log);
}
