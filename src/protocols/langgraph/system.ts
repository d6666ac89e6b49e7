import { z } from "zod";
import { AdjutantError } from "../../core/error.ts";
import type { Metrics } from "../metrics.ts";
import { flag, text } from "../query.ts";
import { json, route, type Reply, type Route } from "../route.ts";
import { answer, failures } from "./schemas/common.ts";

const tag = "System";

const ok = route({
  method: "GET",
  path: "/ok",
  tag,
  summary: "Whether the server is up, and with `check_db` whether its database answers",
  action: null,
  query: { check_db: flag() },
  answers: { 200: answer(z.object({ ok: z.literal(true) }), "It is"), ...failures(503) },
  async handle({ ports, query }) {
    if (query.check_db) {
      await ports.storage.check().catch((thrown: unknown) => {
        ports.log.error({ error: thrown }, "the database does not answer");
        throw new AdjutantError(
          "unavailable",
          "The database does not answer. See the server's log.",
        );
      });
    }
    return json({ ok: true });
  },
});

/** What `/info` tells beside the flags. */
export interface ServerInfo {
  version: string;
  /** Of the LangGraph that is the server's own. */
  langgraphVersion?: string;
  mountPrefix?: string;
}

const information = z
  .object({
    version: z.string(),
    langgraph_js_version: z.string().nullable(),
    langgraph_py_version: z.null().meta({ description: "Graphs in Python are not served" }),
    context: z.literal("js"),
    flags: z.record(z.string(), z.boolean()),
    host: z.object({ kind: z.string() }),
    metadata: z.object({}),
  })
  .meta({ id: "Info" });

function infoRoute({ version, langgraphVersion }: ServerInfo): Route {
  const flags = {
    assistants: true,
    crons: true,
    langsmith: false,
    langsmith_tracing_replicas: false,
  };
  const info = {
    version,
    langgraph_js_version: langgraphVersion ?? null,
    langgraph_py_version: null,
    context: "js",
    flags,
    host: { kind: "self-hosted" },
    metadata: {},
  };
  return route({
    method: "GET",
    path: "/info",
    tag,
    summary: "Which server this is and what it can do",
    action: null,
    answers: { 200: answer(information, "Version and flags") },
    handle: () => json(info),
  });
}

function rootRoute({ version, mountPrefix = "" }: ServerInfo): Route {
  const about = {
    name: "Adjutant",
    about: "A self-hosted server for assistants that speaks the LangGraph API.",
    version,
    docs: `${mountPrefix}/docs`,
    openapi: `${mountPrefix}/openapi.json`,
  };
  return route({
    method: "GET",
    path: "/",
    tag,
    summary: "What this is",
    action: null,
    answers: { 200: answer(z.record(z.string(), z.string()), "Where to go from here") },
    handle: () => json(about),
  });
}

function metricsRoute(metrics: Metrics): Route {
  return route({
    method: "GET",
    path: "/metrics",
    tag,
    summary: "What operators watch",
    action: "member",
    query: { format: text(z.enum(["prometheus", "json"]).default("prometheus")) },
    answers: {
      200: {
        schema: z.string(),
        description: "In the form that Prometheus scrapes, or as JSON",
        contentType: "text/plain",
        alternatives: { "application/json": z.array(z.looseObject({ name: z.string() })) },
      },
      ...failures(422),
    },
    async handle({ query }): Promise<Reply> {
      if (query.format === "json") return json(await metrics.json());
      const { contentType, body } = await metrics.text();
      return { status: 200, headers: { "content-type": contentType }, body };
    },
  });
}

export function systemRoutes(info: ServerInfo, metrics: Metrics): Route[] {
  return [rootRoute(info), ok, infoRoute(info), metricsRoute(metrics)];
}
