import { z } from "zod";
import { AdjutantError, notFound } from "../../core/error.ts";
import type { UiBundles } from "../../core/ports/ui.ts";
import { uiGlobalName } from "../../core/ui.ts";
import { route, type Reply, type Route } from "../route.ts";
import { answer, failures } from "./schemas/common.ts";

const tag = "UI";

const contentTypes: Record<string, string> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** Where langgraph.json names no components. */
export const noUi: UiBundles = {
  bundle: (key) => Promise.reject(notFound(`"ui" of langgraph.json names no "${key}".`)),
};

/** Components that graphs show in a chat, for `LoadExternalComponent` (specification 1.11). */
export function uiRoutes(ui: UiBundles, mountPrefix: string): Route[] {
  const component = route({
    method: "POST",
    path: "/ui/{agent}",
    tag,
    summary: "What a page adds to itself to show a component",
    action: "member",
    params: z.object({ agent: z.string() }),
    body: z.object({ name: z.string() }).meta({ id: "UiComponent" }),
    answers: {
      200: { schema: z.string(), description: "Tags", contentType: "text/html" },
      ...failures(404),
    },
    async handle({ params: { agent }, body, headers }): Promise<Reply> {
      const { files } = await ui.bundle(agent);
      const place = `${originOf(headers["host"])}${mountPrefix}/ui/${encodeURIComponent(agent)}`;
      const call = `${uiGlobalName(agent)}.render(${JSON.stringify(body.name)}, "{{shadowRootId}}")`;
      const styles = [...files.keys()]
        .filter((name) => name.endsWith(".css"))
        .map((name) => `<link rel="stylesheet" href="${place}/${name}" />`);
      const script = `<script src="${place}/entrypoint.js" onload='${attribute(call)}'></script>`;
      const html = { "content-type": "text/html; charset=utf-8" };
      return { status: 200, headers: html, body: [...styles, script].join("\n") };
    },
  });

  /** Open to everyone: a page's script tag carries no credentials. The files hold code, and no data. */
  const file = route({
    method: "GET",
    path: "/ui/{agent}/{file}",
    tag,
    summary: "A file of a set of components",
    action: null,
    params: z.object({ agent: z.string(), file: z.string() }),
    answers: {
      200: { schema: z.string(), description: "The file", contentType: "text/javascript" },
      304: answer(null, "The file is the one that the request names"),
      ...failures(404),
    },
    async handle({ params: { agent, file: name }, headers }): Promise<Reply> {
      const { files } = await ui.bundle(agent);
      const found = files.get(name);
      if (!found) throw notFound(`There is no file "${name}" in the components of "${agent}".`);
      const etag = `"${found.digest}"`;
      const extension = name.slice(name.lastIndexOf(".") + 1);
      const common = { "cache-control": "no-cache", etag, "x-content-type-options": "nosniff" };
      if (headers["if-none-match"] === etag) return { status: 304, headers: common, body: null };
      const type = { "content-type": contentTypes[extension] ?? "application/octet-stream" };
      return { status: 200, headers: { ...common, ...type }, body: found.bytes };
    },
  });
  return [component, file];
}

/** As the client reached us; elsewhere than on this machine with the scheme of the page. */
function originOf(host: string | string[] | undefined): string {
  // Within the process there is none.
  if (host === undefined) return "";
  if (typeof host !== "string" || !/^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?$/.test(host)) {
    throw new AdjutantError("malformed", "No address can be made of the request's Host header.");
  }
  const name = host.replace(/:\d+$/, "");
  return `${["localhost", "127.0.0.1", "[::1]"].includes(name) ? "http:" : ""}//${host}`;
}

function attribute(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "'": "&#39;", "<": "&lt;", ">": "&gt;" };
  return text.replaceAll(/[&'<>]/g, (character) => entities[character]!);
}
