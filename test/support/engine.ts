import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { defaultExpiryPolicy, type ExpiryPolicy } from "../../src/core/expiry.ts";
import { randomIds } from "../../src/core/ids.ts";
import { defaultLimits, type Limits } from "../../src/core/limits.ts";
import { ensureDefaultAssistants } from "../../src/core/operations/assistants.ts";
import { createRun, type CreateRun } from "../../src/core/operations/runs.ts";
import { followRun } from "../../src/core/operations/streams.ts";
import type { EventContent, RunEnd } from "../../src/core/event.ts";
import { type ItemIndex, noItemIndex } from "../../src/core/ports/item-index.ts";
import type { Clock, Log, Ports } from "../../src/core/ports/ports.ts";
import type { Run } from "../../src/core/run.ts";
import type { Storage } from "../../src/core/ports/storage.ts";
import { defaultWebhookPolicy } from "../../src/core/webhook.ts";
import { CronerSchedules } from "../../src/engine/schedules.ts";
import { Worker } from "../../src/engine/worker.ts";
import { MemoryEventLog } from "../../src/events/memory/log.ts";
import { MemorySignals } from "../../src/events/memory/signals.ts";
import type { ModelSources } from "../../src/graphs/builtin/models.ts";
import { DeployedGraphs } from "../../src/graphs/graphs.ts";
import { loadGraphs } from "../../src/graphs/load.ts";
import { readManifest } from "../../src/graphs/manifest.ts";
import { openSqlite } from "../../src/storage/sqlite/open.ts";

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** What the fixture's nodes tell tests; see test/fixtures/engine/graphs.ts. */
export interface EngineFixture {
  ran: string[];
  gates: Map<string, () => void>;
  onWait: (name: string) => void;
}

export function engineFixture(): EngineFixture {
  return (globalThis as unknown as { engineFixture: EngineFixture }).engineFixture;
}

/** Resolves when the node `name` (`node:thread`) waits at its gate. */
export function waiting(name: string): Promise<void> {
  const fixture = engineFixture();
  if (fixture.gates.has(name)) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = fixture.onWait;
  fixture.onWait = (waits) => {
    before(waits);
    if (waits === name) resolve();
  };
  return promise;
}

export interface TestEngine extends AsyncDisposable {
  ports: Ports;
  /** A worker on the same ports; more than one is fine. */
  startWorker(name?: string): Worker;
}

/** Everything real but the network: the fixture's graphs on a database in memory. */
export async function openEngine(
  params: {
    limits?: Partial<Limits>;
    storage?: Storage;
    models?: ModelSources;
    itemIndex?: ItemIndex;
    expiry?: ExpiryPolicy;
    clock?: Clock;
  } = {},
): Promise<TestEngine> {
  const limits = { ...defaultLimits, shutdownGraceMs: 1, ...params.limits };
  const clock = params.clock ?? { now: () => Date.now() };
  const expiry = params.expiry ?? defaultExpiryPolicy;
  const storage = params.storage ?? (await openSqlite({ directory: null }));
  const manifest = await readManifest(
    fileURLToPath(new URL("../fixtures/engine/langgraph.json", import.meta.url)),
  );
  const itemIndex = params.itemIndex ?? noItemIndex;
  const graphs = new DeployedGraphs({
    loaded: await loadGraphs(manifest),
    checkpoints: storage.checkpoints,
    items: storage.items,
    itemIndex,
    expiry,
    clock,
    log: silentLog,
    cacheDirectory: tmpdir(),
    schemaTimeoutMs: 30_000,
    itemCacheBytesMax: limits.itemCacheBytesMax,
    models: params.models ?? { aliases: {}, environment: {} },
  });
  const ports: Ports = {
    storage,
    graphs,
    events: new MemoryEventLog({ limits, clock }),
    signals: new MemorySignals(),
    clock,
    ids: randomIds,
    limits,
    schedules: new CronerSchedules(),
    itemIndex,
    expiry,
    webhookPolicy: { ...defaultWebhookPolicy, privateTargets: true },
    log: silentLog,
  };
  await ensureDefaultAssistants(ports, {});
  const workers: Worker[] = [];
  return {
    ports,
    startWorker(name = "worker") {
      const worker = new Worker(ports, name);
      workers.push(worker);
      return worker;
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) await worker[Symbol.asyncDispose]();
      await ports.events[Symbol.asyncDispose]();
      await ports.signals[Symbol.asyncDispose]();
      await graphs[Symbol.asyncDispose]();
      if (!params.storage) await storage[Symbol.asyncDispose]();
    },
  };
}

export function runCommand(assistant: string, changes: Partial<CreateRun> = {}): CreateRun {
  return {
    threadId: null,
    assistant,
    assistantVersion: null,
    input: { input: "x" },
    command: null,
    checkpoint: null,
    config: null,
    context: null,
    metadata: null,
    configurable: {},
    streamModes: ["values"],
    streamSubgraphs: false,
    resumable: false,
    interruptBefore: null,
    interruptAfter: null,
    durability: "async",
    webhook: null,
    feedbackKeys: null,
    strategy: "enqueue",
    ifNotExists: "create",
    afterMs: 0,
    onCompletion: "keep",
    ...changes,
  };
}

/** Reads a run to its end. */
export async function readToEnd(
  ports: Ports,
  run: Run,
): Promise<{ events: EventContent[]; end: RunEnd }> {
  const events: EventContent[] = [];
  for await (const part of followRun(ports, run, "start", AbortSignal.timeout(15_000))) {
    if ("end" in part) return { events, end: part.end };
    events.push(...part.events);
  }
  throw new Error(`Run ${run.runId} did not end in time.`);
}

/** Creates a run and reads it to its end. */
export async function runToEnd(ports: Ports, command: CreateRun) {
  const run = await createRun(ports, command);
  return { run, ...(await readToEnd(ports, run)) };
}

export function named(events: EventContent[], name: string): unknown[] {
  return events
    .filter((event) => event.name === name)
    .map(({ data }) => JSON.parse(data) as unknown);
}
