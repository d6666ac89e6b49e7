import { AsyncLocalStorage } from "node:async_hooks";
import {
  context,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type ContextManager,
  type Span as LibrarySpan,
  type SpanContext,
  type Tracer,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  RandomIdGenerator,
  type IdGenerator,
} from "@opentelemetry/sdk-trace-base";
import type { Log } from "../core/ports/ports.ts";
import type { EndedSpan, Span, SpanStart, Tracing } from "../core/ports/tracing.ts";
import { ThrottledWarnings } from "./warnings.ts";

export interface TracingSettings {
  exporter: "otlp" | "console";
  /** Of the resource that the spans come from, `service.name` among them. */
  attributes: Record<string, string>;
  /** How long a stopping server waits for the collector, in ms. */
  flushMs: number;
}

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

/**
 * Traces by the OpenTelemetry SDK, which reads the standard variables itself: endpoint, headers,
 * timeouts, sampler, batch sizes and limits. The provider is the process's, so that spans that a graph's
 * own libraries make by `@opentelemetry/api` come along.
 */
export function openTracing(settings: TracingSettings, log: Log): Tracing {
  const warnings = new ThrottledWarnings(log);
  diag.setLogger(warnings, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter =
    settings.exporter === "console" ? new ConsoleSpanExporter() : new OTLPTraceExporter();
  const ids = new ChosenIds();
  const provider = new BasicTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(settings.attributes)),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  context.setGlobalContextManager(new LocalContexts().enable());
  trace.setGlobalTracerProvider(provider);
  const tracer = provider.getTracer("adjutant");
  return {
    start: (span) => new OpenSpan(startSpan(tracer, span)),
    record: (span) => recordSpan(tracer, ids, span),
    within: (span, work) =>
      context.with(trace.setSpan(context.active(), (span as OpenSpan).inner), work),
    async [Symbol.asyncDispose]() {
      const patience = AbortSignal.timeout(settings.flushMs);
      const given = new Promise((resolve) => patience.addEventListener("abort", resolve));
      // A collector that does not answer must not keep the server from stopping.
      await Promise.race([provider.shutdown().catch(() => {}), given]);
      trace.disable();
      context.disable();
      diag.disable();
    },
  };
}

class OpenSpan implements Span {
  readonly inner: LibrarySpan;

  constructor(inner: LibrarySpan) {
    this.inner = inner;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.inner.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  set(attributes: SpanStart["attributes"]): void {
    this.inner.setAttributes(attributes);
  }

  fail(error: unknown): void {
    const known = error instanceof Error ? error : new Error(String(error));
    this.inner.recordException(known);
    this.inner.setStatus({ code: SpanStatusCode.ERROR, message: known.message });
  }

  end(): void {
    if (this.inner.isRecording()) this.inner.end();
  }
}

function startSpan(tracer: Tracer, span: SpanStart, startTime?: number): LibrarySpan {
  const { name, kind, attributes, parent } = span;
  const options = { kind: kinds[kind], attributes, ...(startTime !== undefined && { startTime }) };
  const above = parent === null ? null : contextOf(parent);
  const place = above ? trace.setSpanContext(ROOT_CONTEXT, above) : ROOT_CONTEXT;
  return tracer.startSpan(name, options, place);
}

function recordSpan(tracer: Tracer, ids: ChosenIds, ended: EndedSpan): void {
  ids.choose(contextOf(ended.traceparent));
  const span = startSpan(tracer, ended, ended.startedAt);
  ids.choose(null);
  if (ended.error) {
    const { error, message } = ended.error;
    span.recordException({ name: error, message }, ended.endedAt);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }
  span.end(ended.endedAt);
}

function contextOf(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = "00"] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

/** Random ones, but for a span whose ids were settled before it began. */
class ChosenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #chosen: SpanContext | null = null;

  choose(chosen: SpanContext | null): void {
    this.#chosen = chosen;
  }

  generateTraceId(): string {
    return this.#chosen?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#chosen?.spanId ?? this.#random.generateSpanId();
  }
}

/** Which span is the current one, kept by Node through promises and timers. */
class LocalContexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<Args extends unknown[], Work extends (...args: Args) => ReturnType<Work>>(
    active: Context,
    work: Work,
    self?: ThisParameterType<Work>,
    ...args: Args
  ): ReturnType<Work> {
    return this.#storage.run(active, () => work.apply(self, args));
  }

  bind<Target>(active: Context, target: Target): Target {
    if (typeof target !== "function") return target;
    const run = (...args: unknown[]): unknown =>
      this.#storage.run(active, () => target(...args) as unknown);
    return run as Target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}
