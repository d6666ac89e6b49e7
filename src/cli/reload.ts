import type { DeployedGraphs } from "../graphs/graphs.ts";
import { loadGraphs, type LoadedGraphs } from "../graphs/load.ts";
import { readManifest, type Manifest } from "../graphs/manifest.ts";
import { ProjectWatcher } from "../graphs/watch.ts";
import type { Log } from "../core/ports/ports.ts";
import { applyEnvironment, type Settings } from "./settings.ts";

/**
 * Loads the graphs again after each change of a file. Runs in flight go on with the graph they began
 * with. What cannot be loaded is told, and the other graphs keep serving.
 */
export async function reloadOnChange(params: {
  manifest: Manifest;
  loaded: LoadedGraphs;
  graphs: DeployedGraphs;
  settings: Settings;
  log: Log;
  onReload: (manifest: Manifest, loaded: LoadedGraphs) => Promise<void>;
}): Promise<AsyncDisposable> {
  const { graphs, log } = params;
  let reloading = Promise.resolve();
  const reload = async (path: string) => {
    try {
      const manifest = await readManifest(params.manifest.path);
      applyEnvironment(manifest.env);
      const loaded = await loadGraphs(manifest);
      graphs.replace(loaded);
      watcher.addFiles(loaded.files);
      await params.onReload(manifest, loaded);
      for (const graph of loaded.graphs.values()) {
        if (graph.kind === "broken") log.error({ graphId: graph.graphId }, graph.error.message);
      }
      log.info({ path }, "graphs reloaded");
    } catch (thrown) {
      log.error({ path, error: (thrown as Error).message }, "the graphs could not be reloaded");
    }
  };
  const watcher = await ProjectWatcher.start({
    directory: params.manifest.directory,
    files: [
      params.manifest.path,
      ...(params.manifest.envFile ? [params.manifest.envFile] : []),
      ...params.loaded.files,
    ],
    ignore: [params.settings.dataDirectory],
    onChange: (path) => {
      reloading = reloading.then(() => reload(path));
    },
  });
  return watcher;
}
