import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import { join, relative } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { randomIds } from "../core/ids.ts";
import { ensureDefaultAssistants } from "../core/operations/assistants.ts";
import type { EventLog, Signals } from "../core/ports/events.ts";
import type { Clock, Log, Ports } from "../core/ports/ports.ts";
import type { Storage } from "../core/ports/storage.ts";
import { Scheduler } from "../engine/scheduler.ts";
import { Sweeper } from "../engine/sweeper.ts";
import { CronerSchedules } from "../engine/schedules.ts";
import { Webhooks } from "../engine/webhooks.ts";
import { Worker } from "../engine/worker.ts";
import { DeployedGraphs } from "../graphs/graphs.ts";
import { loadGraphs, type LoadedGraphs } from "../graphs/load.ts";
import type { Manifest } from "../graphs/manifest.ts";
import type { Bindings } from "../protocols/server.ts";
import { WebSockets } from "../protocols/upgrade.ts";
import { presentDelivery } from "../protocols/langgraph/wire/webhooks.ts";
import { ServedApp } from "./app.ts";
import { mountPrefixOf } from "./http-settings.ts";
import { openEntrance, reloadAuth } from "./auth.ts";
import { readExpirySettings } from "./expiry-settings.ts";
import { openItemIndex, replaceItemIndex, tellOfVectors } from "./item-index.ts";
import { offeredModels, warnOfReplacedGraph } from "./models.ts";
import { listen } from "./listen.ts";
import type { Settings } from "./settings.ts";
import { reloadOnChange } from "./reload.ts";
import { measured, openWatching } from "./watching.ts";
import { readWebhookSettings } from "./webhook-settings.ts";

const clock: Clock = { now: () => Date.now() };

export interface RunningServer extends AsyncDisposable {
  url: string;
  loaded: LoadedGraphs;
}

/** The one place where the rooms meet. */
export async function serve(params: {
  settings: Settings;
  manifest: Manifest;
  log: Log;
  reload: boolean;
}): Promise<RunningServer> {
  const { settings, manifest, log } = params;
  await using resources = new AsyncDisposableStack();
  const watching = await openWatching(settings, log, resources);
  const [opened, loaded] = await Promise.all([openDatabase(settings, log), loadGraphs(manifest)]);
  const { store, metrics } = measured(opened);
  resources.use(store.storage);
  resources.use(store.signals);
  resources.use(store.events);
  const itemIndex = await openItemIndex(manifest, loaded.generation, settings.limits);
  const shared = { itemIndex, expiry: readExpirySettings(manifest.settings), clock, log };
  const graphs = resources.use(openGraphs(settings, store.storage, { loaded, ...shared }));
  const webhooks = readWebhookSettings(manifest.settings, process.env);
  const ports: Ports = {
    ...store,
    ...shared,
    ...watching,
    meter: metrics,
    graphs,
    ids: randomIds,
    limits: settings.limits,
    schedules: new CronerSchedules(),
    webhookPolicy: webhooks.policy,
  };
  const { auth, handlers } = await openEntrance(manifest, settings.apiKeys, loaded.generation);
  if (auth) ports.auth = auth;
  await ensureDefaultAssistants(ports, assistantDefaults(settings, manifest));

  const app = await ServedApp.open({
    ports,
    metrics,
    manifest,
    generation: loaded.generation,
    models: () => offeredModels(settings.modelAliases, process.env),
    hasKeys: settings.apiKeys !== null,
  });
  warnOfReplacedGraph(loaded, log);
  await tellOfVectors(itemIndex, ports);
  const { server, port } = await listen(
    getRequestListener((request, bindings) => app.fetch(request, bindings as Bindings)),
    settings,
  );
  resources.defer(() => closeServer(server));
  const fetch = (request: Request, bindings: Bindings) => app.fetch(request, bindings);
  resources.use(new WebSockets(server, { fetch, limits: settings.limits, log }));
  // Before the connections close: that would look like clients going away, whose runs may ask to be cancelled then.
  resources.defer(() => store.events[Symbol.asyncDispose]());
  const url = `http://${hostOf(settings)}:${port}${mountPrefixOf(manifest.settings)}`;
  offerLoopback(url, (input, init) => app.request(input, init));
  const loopback = (path: string, init: RequestInit) => app.request(`${url}${path}`, init);
  resources.use(startEngine(ports, { ...webhooks, loopback }));
  if (params.reload) {
    const onReload = async (changed: Manifest, { generation }: LoadedGraphs) => {
      await ensureDefaultAssistants(ports, assistantDefaults(settings, changed));
      await reloadAuth(handlers, changed, generation, log);
      Object.assign(ports.expiry, readExpirySettings(changed.settings));
      await replaceItemIndex(itemIndex, changed, generation, ports);
      await app.replace(changed, generation);
    };
    resources.use(await reloadOnChange({ manifest, loaded, graphs, settings, log, onReload }));
  }
  const owned = resources.move();
  return { url, loaded, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function openGraphs(
  settings: Settings,
  { checkpoints, items }: Storage,
  others: Pick<
    ConstructorParameters<typeof DeployedGraphs>[0],
    "loaded" | "itemIndex" | "expiry" | "clock" | "log"
  >,
): DeployedGraphs {
  return new DeployedGraphs({
    ...others,
    checkpoints,
    items,
    cacheDirectory: settings.dataDirectory,
    schemaTimeoutMs: settings.schemaTimeoutMs,
    itemCacheBytesMax: settings.limits.itemCacheBytesMax,
    models: { aliases: settings.modelAliases, environment: process.env },
  });
}

/** All that is done without being asked for at the moment. */
function startEngine(
  ports: Ports,
  webhooks: Omit<ConstructorParameters<typeof Webhooks>[1], "present">,
): AsyncDisposable {
  const engine = new AsyncDisposableStack();
  engine.use(new Worker(ports, `${process.pid}-${randomUUID()}`));
  engine.use(new Scheduler(ports));
  engine.use(new Sweeper(ports));
  engine.use(new Webhooks(ports, { ...webhooks, present: presentDelivery }));
  return engine;
}

function hostOf({ host }: Settings): string {
  return host.includes(":") ? `[${host}]` : host;
}

interface Store {
  storage: Storage;
  events: EventLog;
  signals: Signals;
}

/** Drivers are loaded only when used: the embedded database must not cost the start of the other. */
async function openDatabase({ database, limits }: Settings, log: Log): Promise<Store> {
  if (database.kind === "postgres") {
    const [{ openPostgres }, { openPostgresEvents }] = await Promise.all([
      import("../storage/postgres/open.ts"),
      import("../events/postgres/open.ts"),
    ]);
    const storage = await openPostgres({ uri: database.uri });
    const { events, signals } = await openPostgresEvents({ uri: database.uri, limits, clock, log });
    return { storage, events, signals };
  }
  const [{ openSqlite }, { SqliteEventLog }, { MemorySignals }] = await Promise.all([
    import("../storage/sqlite/open.ts"),
    import("../events/sqlite/log.ts"),
    import("../events/memory/signals.ts"),
  ]);
  mkdirSync(database.directory, { recursive: true });
  // The storage first: its lock keeps other servers from both files.
  const storage = await openSqlite({ directory: database.directory });
  const path = join(database.directory, "events.sqlite");
  return {
    storage,
    events: new SqliteEventLog({ path, limits, clock, log }),
    signals: new MemorySignals(),
  };
}

/** Stops accepting, ends open streams; requests that are being answered have a second to end. */
async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 1000);
  await closed;
  clearTimeout(timer);
}

/** Lets graph code call its own server with a client that was given no URL (specification 0A.2). */
function offerLoopback(
  url: string,
  fetchInProcess: (input: string | Request, init?: RequestInit) => Response | Promise<Response>,
): void {
  const globals = globalThis as unknown as Record<symbol, unknown>;
  globals[Symbol.for("langgraph_api:url")] = url;
  globals[Symbol.for("langgraph_api:fetch")] = fetchInProcess;
}

/** What langgraph.json says of a graph describes its default assistant. */
function assistantDefaults(settings: Settings, manifest: Manifest) {
  const described = manifest.graphs.map(({ graphId, description }) => [
    graphId,
    { ...settings.assistantDefaults[graphId], description },
  ]);
  return { ...settings.assistantDefaults, ...Object.fromEntries(described) };
}

/** For the banner and the log: which graphs there are, and what is wrong with them. */
export function describeGraphs(loaded: LoadedGraphs, directory: string) {
  return [...loaded.graphs.values()].map((one) => ({
    graphId: one.graphId,
    file: relative(directory, one.file),
    problem: one.kind === "broken" ? one.error.message : null,
  }));
}
