import type { Failure } from "../error.ts";
import type { Ports } from "../ports/ports.ts";
import type { Span } from "../ports/tracing.ts";
import type { Run, RunStatus } from "../run.ts";
import { runAttributes, runFields, traceparentOf } from "../trace-context.ts";

/** Tells those who watch that a run has ended: settled by its worker, or ended from outside. */
export function observeEnd(
  ports: Ports,
  run: Run,
  end: { status: RunStatus; error: Failure | null },
): void {
  const { meter, tracing, clock } = ports;
  const endedAt = clock.now();
  const tookMs = run.startedAt === null ? null : Math.max(endedAt - run.startedAt, 0);
  meter?.runEnded(run, end.status, tookMs);
  tracing?.record({
    name: `run ${run.request.graphId}`,
    kind: "internal",
    traceparent: traceparentOf(run),
    parent: run.request.traceparent ?? null,
    startedAt: run.createdAt,
    endedAt,
    attributes: {
      ...runAttributes(run),
      "adjutant.run.status": end.status,
      "adjutant.run.attempts": run.attempt,
    },
    error: end.error,
  });
}

/** One attempt at a run, for those who watch. */
export class ObservedAttempt implements Disposable {
  readonly #ports: Ports;
  readonly #run: Run;
  readonly span: Span | undefined;

  constructor(ports: Ports, run: Run, takenOver: boolean) {
    this.#ports = ports;
    this.#run = run;
    const due = Math.max(run.createdAt, run.notBefore);
    const waitedMs = Math.max(ports.clock.now() - due, 0);
    ports.meter?.attemptBegun(run, { takenOver, waitedMs });
    this.span = ports.tracing?.start({
      name: `attempt ${run.attempt}`,
      kind: "internal",
      parent: traceparentOf(run),
      attributes: { ...runAttributes(run), "adjutant.attempt": run.attempt },
    });
  }

  /** What `work` writes to the console, and spans of its own, bear the run's name. */
  within<Result>(work: () => Result): Result {
    const { tracing, named } = this.#ports;
    const { span } = this;
    const traced = span && tracing ? () => tracing.within(span, work) : work;
    return named ? named(runFields(this.#run), traced) : traced();
  }

  /** @param how a status of runs, or why the attempt ended without one. */
  end(how: string, error: unknown = null): void {
    this.span?.set({ "adjutant.attempt.end": how });
    if (error !== null) this.span?.fail(error);
  }

  [Symbol.dispose](): void {
    this.span?.end();
    this.#ports.meter?.attemptEnded();
  }
}
