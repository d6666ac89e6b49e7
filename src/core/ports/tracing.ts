/** Values of a span's attributes. */
export type Attributes = Record<string, string | number | boolean>;

export interface SpanStart {
  name: string;
  /** `server` answers somebody else's call, `client` makes one; all else is `internal`. */
  kind: "server" | "client" | "internal";
  /** W3C `traceparent` of the span it belongs to; null: it begins a trace. */
  parent: string | null;
  attributes: Attributes;
}

/** Something that takes time, while it does. */
export interface Span {
  /** W3C `traceparent` of this span, for those below it. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  fail(error: unknown): void;
  /** A second end is ignored. */
  end(): void;
}

/** A span that is over. Its ids were settled before, since others have it as their parent already. */
export interface EndedSpan extends SpanStart {
  traceparent: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt: number;
  error: { error: string; message: string } | null;
}

/**
 * Tells a collector what took how long. Nothing here throws or waits: a collector that is slow or gone
 * costs the spans, not the runs.
 */
export interface Tracing extends AsyncDisposable {
  start(span: SpanStart): Span;
  record(span: EndedSpan): void;
  /** The span is the current one for `work` and all it begins: spans of user code lie below it. */
  within<Result>(span: Span, work: () => Result): Result;
}
