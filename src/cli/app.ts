import type { Hono } from "hono";
import type { Ports } from "../core/ports/ports.ts";
import { loadExport } from "../graphs/load.ts";
import type { Manifest } from "../graphs/manifest.ts";
import { ProjectUi } from "../graphs/ui-bundles.ts";
import { a2aDialect, a2aPaths, createA2aApp } from "../protocols/a2a/app.ts";
import { withCustomApp } from "../protocols/custom-app.ts";
import { langgraphDialect } from "../protocols/langgraph/app.ts";
import { createMcpApp, mcpDialect, mcpPaths } from "../protocols/mcp/app.ts";
import type { Metrics } from "../protocols/metrics.ts";
import { createOpenaiApp, openaiPaths } from "../protocols/openai/app.ts";
import type { OfferedModel } from "../protocols/openai/models.ts";
import { createServer, type Bindings } from "../protocols/server.ts";
import { readSecurity } from "./auth-settings.ts";
import { readHttpSettings } from "./http-settings.ts";
import { langgraphVersion, version } from "./version.ts";
import { serveStudio } from "../studio/serve.ts";

/** What the dialects are made of, beside the user's files. */
interface Base {
  ports: Ports;
  metrics: Metrics;
  /** Names of language models that somebody answers for. */
  models: () => OfferedModel[];
  /** Keys of the environment open the server. */
  hasKeys: boolean;
}

/**
 * What answers requests: the dialects, with the user's own app before them. Made again when the user's
 * files change, which keeps the address and all that is open.
 */
export class ServedApp {
  readonly #base: Base;
  #app: Hono<{ Bindings: Bindings }>;

  /** @throws invalid when `http` of langgraph.json or the app it names is wrong */
  static async open(params: Base & { manifest: Manifest; generation: number }): Promise<ServedApp> {
    const { manifest, generation, ...base } = params;
    return new ServedApp(base, await createApp(base, manifest, generation));
  }

  private constructor(base: Base, app: Hono<{ Bindings: Bindings }>) {
    this.#base = base;
    this.#app = app;
  }

  /** What is wrong with the new files is thrown, and the app before stays. */
  async replace(manifest: Manifest, generation: number): Promise<void> {
    this.#app = await createApp(this.#base, manifest, generation);
  }

  readonly fetch = (request: Request, bindings?: Bindings): Response | Promise<Response> =>
    this.#app.fetch(request, bindings);

  /** In process; a path is one of this server. */
  readonly request = (input: string | Request, init?: RequestInit): Response | Promise<Response> =>
    this.#app.request(input, init);
}

async function createApp(
  { ports, metrics, models, hasKeys }: Base,
  manifest: Manifest,
  generation: number,
): Promise<Hono<{ Bindings: Bindings }>> {
  const { http, disabled, serves, ...custom } = readHttpSettings(manifest.settings);
  const security = readSecurity(manifest.settings, hasKeys);
  const info = { version, langgraphVersion };
  const documented = [
    ...(serves.mcp ? mcpDialect(ports, { version }).routes : []),
    ...(serves.a2a ? a2aDialect(ports, http.mountPrefix).routes : []),
  ];
  const ui = new ProjectUi(manifest, ports.log);
  const options = { http, disabled, security, documented, ui };
  const dialect = langgraphDialect(ports, info, metrics, options);
  const api = createServer({ ports, metrics, http, dialect });
  for (const path of ["/studio", "/studio/*"]) {
    api.on(["GET", "HEAD"], path, ({ req }) =>
      serveStudio(req.method, req.path, req.header("accept-encoding")),
    );
  }
  mount(api, openaiPaths, createOpenaiApp(ports, { http, metrics, models }));
  if (serves.mcp) mount(api, mcpPaths, createMcpApp(ports, { http, metrics, version }));
  if (serves.a2a) mount(api, a2aPaths, createA2aApp(ports, { http, metrics }));
  const spec = manifest.settings.http?.app;
  if (spec === undefined) return api;
  const exported = await loadExport(manifest, { key: "http.app", spec, generation });
  const isPage = (path: string) =>
    path === "/studio" || /^\/(?:studio\/|ui\/[^/]+\/entrypoint\.(?:js|css)$)/.test(path);
  return withCustomApp(exported, { ...custom, ports, http, api, dialect, isPage });
}

type App = Hono<{ Bindings: Bindings }>;

function mount(api: App, paths: string[], dialect: App): void {
  for (const path of paths) api.all(path, ({ req, env }) => dialect.fetch(req.raw, env));
}
