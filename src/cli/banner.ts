import { styleText } from "node:util";
import { defaultAssistantId } from "../core/ids.ts";
import type { Database } from "./settings.ts";

/** What a person who starts the server wants to know, with three lines to try. */
export function banner(server: {
  url: string;
  version: string;
  graphs: { graphId: string; file: string; problem: string | null }[];
  database: Database;
  notices: string[];
  jobsPerWorker: number;
  startedInMs: number;
}): string {
  const { url, graphs } = server;
  const label = (text: string) => styleText("dim", text.padEnd(10));
  const width = Math.max(...graphs.map(({ graphId }) => graphId.length), 0);
  const graphLines = graphs.map(({ graphId, file, problem }, at) => {
    const state = problem === null ? "" : `  ${styleText("red", "broken:")} ${problem}`;
    return `  ${at === 0 ? label("Graphs") : label("")}${graphId.padEnd(width)}  ${styleText("dim", file)}${state}`;
  });
  const working = graphs.find(({ problem }) => problem === null);
  return [
    "",
    `  ${styleText("bold", "Adjutant")} ${server.version} ${styleText("dim", `ready in ${server.startedInMs} ms`)}`,
    "",
    `  ${label("API")}${styleText("cyan", url)}`,
    `  ${label("Studio")}${url}/studio`,
    `  ${label("Reference")}${url}/docs`,
    ...graphLines,
    `  ${label("Data")}${databaseLine(server.database)}`,
    `  ${label("Workers")}${server.jobsPerWorker} runs at once`,
    ...server.notices.map((notice) => `  ${styleText("yellow", "note".padEnd(10))}${notice}`),
    ...(working
      ? ["", "  Try it:", ...trial(url, working.graphId).map((line) => `    ${line}`)]
      : []),
    "",
  ].join("\n");
}

function databaseLine(database: Database): string {
  if (database.kind === "sqlite") return database.directory;
  const { host, pathname } = new URL(database.uri);
  return `Postgres ${host}${pathname}`;
}

function trial(url: string, graphId: string): string[] {
  const json = "-H 'content-type: application/json'";
  const input = '"input":{"messages":[{"role":"user","content":"Hello"}]}';
  return [
    `curl ${url}/assistants/${defaultAssistantId(graphId)}`,
    `curl ${url}/runs/wait ${json} -d '{"assistant_id":"${graphId}",${input}}'`,
    `curl -N ${url}/runs/stream ${json} -d '{"assistant_id":"${graphId}","stream_mode":"updates",${input}}'`,
  ];
}
