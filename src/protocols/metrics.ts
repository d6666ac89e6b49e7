import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Meter } from "../core/ports/meter.ts";
import type { RunStorage } from "../core/ports/storage.ts";
import type { Run, RunStatus } from "../core/run.ts";

/** Of requests, runs and waits, in seconds. */
const seconds = [0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 30, 120, 600, 3600];
/** Of single operations of the database, in seconds. */
const shortSeconds = [0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

export type StreamKind = "events" | "wait" | "websocket";
const streamKinds: StreamKind[] = ["events", "wait", "websocket"];

/** What operators watch; one for all dialects of a server. Counting costs a microsecond or two. */
export class Metrics implements Meter {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #requestSeconds: Histogram<"method" | "route">;
  readonly #streams: Gauge<"kind">;
  readonly #active: Gauge;
  readonly #attempts: Counter<"graph" | "taken_over">;
  readonly #waitSeconds: Histogram<"graph">;
  readonly #runs: Counter<"graph" | "status">;
  readonly #runSeconds: Histogram<"graph" | "status">;
  readonly #webhooks: Counter<"outcome">;
  readonly #crons: Counter<"outcome">;
  readonly #databaseSeconds: Histogram<"operation">;
  #readsProcess = false;

  constructor(runs: Pick<RunStorage, "counts">) {
    const registers = [this.#registry];
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
      new Counter({ name: `adjutant_${name}`, help, labelNames, registers });
    const histogram = <Label extends string>(
      name: string,
      help: string,
      labelNames: Label[],
      buckets = seconds,
    ) => new Histogram({ name: `adjutant_${name}`, help, labelNames, buckets, registers });
    const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
      new Gauge({ name: `adjutant_${name}`, help, labelNames, registers });

    this.#requests = counter("http_requests_total", "Requests answered, by route and status.", [
      "method",
      "route",
      "status",
    ]);
    this.#requestSeconds = histogram(
      "http_request_duration_seconds",
      "Time from a request to its answer, of a stream to its beginning.",
      ["method", "route"],
    );
    this.#streams = gauge("streams_open", "Event streams, waits and WebSockets that are open.", [
      "kind",
    ]);
    for (const kind of streamKinds) this.#streams.set({ kind }, 0);
    this.#active = gauge("runs_active", "Runs that this process executes now.");
    this.#attempts = counter(
      "run_attempts_total",
      "Attempts begun; taken over: the one before was lost.",
      ["graph", "taken_over"],
    );
    this.#waitSeconds = histogram(
      "run_wait_seconds",
      "Time a run waited from when it could begin until it began.",
      ["graph"],
    );
    this.#runs = counter("runs_ended_total", "Runs ended, by graph and status.", [
      "graph",
      "status",
    ]);
    this.#runSeconds = histogram(
      "run_duration_seconds",
      "Time from a run's beginning to its end, with all its attempts.",
      ["graph", "status"],
    );
    this.#webhooks = counter("webhook_deliveries_total", "Tries to deliver webhooks.", ["outcome"]);
    this.#crons = counter("cron_firings_total", "Crons that were due.", ["outcome"]);
    this.#databaseSeconds = histogram(
      "database_operation_seconds",
      "Time of operations of the storage, waiting for a connection included.",
      ["operation"],
      shortSeconds,
    );
    const queue = new Gauge({
      name: "adjutant_runs",
      help: "Runs in flight in the database, by status; asked when somebody looks.",
      labelNames: ["status"],
      registers,
      async collect() {
        const { pending, running } = await runs.counts();
        queue.set({ status: "pending" }, pending);
        queue.set({ status: "running" }, running);
      },
    });
  }

  countRequest(method: string, route: string, status: number): void {
    this.#requests.inc({ method, route, status });
  }

  /** Of one route, so that its labels are looked up once. */
  requestTimer(method: string, route: string): (tookMs: number) => void {
    const timer = this.#requestSeconds.labels({ method, route });
    return (tookMs) => timer.observe(tookMs / 1000);
  }

  streamOpened(kind: StreamKind): void {
    this.#streams.inc({ kind });
  }

  streamClosed(kind: StreamKind): void {
    this.#streams.dec({ kind });
  }

  attemptBegun(run: Run, begun: { takenOver: boolean; waitedMs: number }): void {
    const { graphId: graph } = run.request;
    this.#active.inc();
    this.#attempts.inc({ graph, taken_over: String(begun.takenOver) });
    if (run.attempt === 1) this.#waitSeconds.observe({ graph }, begun.waitedMs / 1000);
  }

  attemptEnded(): void {
    this.#active.dec();
  }

  runEnded(run: Run, status: RunStatus, tookMs: number | null): void {
    const labels = { graph: run.request.graphId, status };
    this.#runs.inc(labels);
    if (tookMs !== null) this.#runSeconds.observe(labels, tookMs / 1000);
  }

  webhookTried(outcome: "delivered" | "again" | "given_up"): void {
    this.#webhooks.inc({ outcome });
  }

  cronFired(outcome: "run" | "refused"): void {
    this.#crons.inc({ outcome });
  }

  /** Of one operation, such as `threads.transact`. */
  databaseTimer(operation: string): (tookMs: number) => void {
    const timer = this.#databaseSeconds.labels({ operation });
    return (tookMs) => timer.observe(tookMs / 1000);
  }

  /** In the text form that Prometheus scrapes. */
  async text(): Promise<{ contentType: string; body: string }> {
    this.#readProcess();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  async json(): Promise<unknown> {
    this.#readProcess();
    return this.#registry.getMetricsAsJSON();
  }

  /** Its observers of the event loop and of garbage collection are only for those who look. */
  #readProcess(): void {
    if (this.#readsProcess) return;
    this.#readsProcess = true;
    collectDefaultMetrics({ register: this.#registry });
  }
}
