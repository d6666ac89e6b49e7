import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { BuildFailure, BuildOptions, Plugin } from "esbuild";
import { invalid, notFound } from "../core/error.ts";
import { uiGlobalName } from "../core/ui.ts";
import type { Log } from "../core/ports/ports.ts";
import type { UiBundle, UiBundles, UiFile } from "../core/ports/ui.ts";
import type { Manifest } from "./manifest.ts";

/** What the page that shows the components brings itself; there must be one React on a page. */
const sharedByClient = [
  "react",
  "react-dom",
  "react/jsx-runtime",
  "@langchain/langgraph-sdk/react",
  "@langchain/langgraph-sdk/react-ui",
];

/** Pictures and fonts become part of what names them. */
const embedded = [
  "png",
  "jpg",
  "jpeg",
  "gif",
  "svg",
  "webp",
  "avif",
  "woff",
  "woff2",
  "ttf",
  "otf",
];

/**
 * Bundles the files of `ui`, each when it is first asked for, and keeps the result. Make a new one when
 * files have changed. esbuild works in a process of its own: nothing of the user's is run here.
 */
export class ProjectUi implements UiBundles {
  readonly #manifest: Manifest;
  readonly #log: Log;
  readonly #bundles = new Map<string, Promise<UiBundle>>();

  constructor(manifest: Manifest, log: Log) {
    this.#manifest = manifest;
    this.#log = log;
  }

  async bundle(key: string): Promise<UiBundle> {
    const { ui = {} } = this.#manifest.settings;
    const path = Object.hasOwn(ui, key) ? ui[key] : undefined;
    if (path === undefined) throw notFound(`"ui" of langgraph.json names no "${key}".`);
    let bundle = this.#bundles.get(key);
    if (!bundle) {
      bundle = this.#make(key, resolve(this.#manifest.directory, path));
      this.#bundles.set(key, bundle);
    }
    return bundle;
  }

  async #make(key: string, file: string): Promise<UiBundle> {
    const startedAt = performance.now();
    try {
      const made = await this.#build(key, file);
      const tookMs = Math.round(performance.now() - startedAt);
      this.#log.info({ ui: key, tookMs }, "UI components bundled");
      return made;
    } catch (thrown) {
      const message = `"ui.${key}" of langgraph.json could not be bundled: ${this.#explain(thrown)}`;
      this.#log.error({ ui: key }, message);
      throw invalid(message);
    }
  }

  async #build(key: string, file: string): Promise<UiBundle> {
    if (!existsSync(file)) throw new Error(`${this.#nameOf(file)} does not exist.`);
    const { build } = await import("esbuild");
    const shared = [...sharedByClient, ...(this.#manifest.settings.ui_config?.shared ?? [])];
    const { outputFiles } = await build({
      ...options,
      absWorkingDir: this.#manifest.directory,
      stdin: { contents: entrypoint(key, file), resolveDir: this.#manifest.directory },
      plugins: [fromPage(shared)],
    });
    const files = outputFiles.map(({ path, contents }): [string, UiFile] => {
      const bytes = new Uint8Array(contents);
      const digest = createHash("sha256").update(bytes).digest("base64url");
      return [path.endsWith(".css") ? "entrypoint.css" : "entrypoint.js", { bytes, digest }];
    });
    return { files: new Map(files) };
  }

  #explain(thrown: unknown): string {
    const { errors = [], message } = thrown as Partial<BuildFailure> & Error;
    const [first] = errors;
    if (!first) return message;
    const { text, location } = first;
    if (!location) return `${text}.`;
    return `${this.#nameOf(resolve(this.#manifest.directory, location.file))}:${location.line}: ${text}.`;
  }

  #nameOf(file: string): string {
    return relative(this.#manifest.directory, file);
  }
}

const options = {
  bundle: true,
  write: false,
  outdir: "ui",
  format: "iife",
  platform: "browser",
  target: "es2022",
  jsx: "automatic",
  minify: true,
  legalComments: "none",
  logLevel: "silent",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: Object.fromEntries(embedded.map((extension) => [`.${extension}`, "dataurl"])),
} satisfies BuildOptions;

/** What the script does on a page: it offers to show a component in the element that asked for it. */
function entrypoint(key: string, file: string): string {
  return `
    import * as exported from ${JSON.stringify(file)};
    const components = exported.default ?? exported;
    globalThis[${JSON.stringify(uiGlobalName(key))}] = {
      render(name, shadowRootId) {
        const component = components[name];
        if (!component) {
          console.error(${JSON.stringify(`"ui.${key}" has no component`)}, name, "but", Object.keys(components));
          return;
        }
        const root = document.getElementById(shadowRootId).shadowRoot;
        let target = root.querySelector("[data-ui]");
        if (!target) {
          target = root.appendChild(document.createElement("div"));
          target.dataset.ui = "";
        }
        globalThis[Symbol.for("LGUI_EXT_STORE")].respond(shadowRootId, component, target);
      },
    };
  `;
}

/** Takes packages from the page instead of bundling them. */
function fromPage(shared: string[]): Plugin {
  return {
    name: "from-page",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, ({ path }) =>
        shared.includes(path) ? { path, namespace: "page" } : null,
      );
      build.onLoad({ filter: /.*/, namespace: "page" }, ({ path }) => ({
        contents: `module.exports = globalThis[Symbol.for("LGUI_REQUIRE")](${JSON.stringify(path)});`,
      }));
    },
  };
}
