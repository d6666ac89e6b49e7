import { createRequire } from "node:module";
import type { RunnableConfig } from "@langchain/core/runnables";
import { Command, Send } from "@langchain/langgraph";
import { ownConfigurable } from "../core/config.ts";
import type { JsonObject } from "../core/json.ts";
import type { Command as CommandRequest, Goto, Run } from "../core/run.ts";

const libraryVersion = (
  createRequire(import.meta.url)("@langchain/langgraph/package.json") as { version: string }
).version;

/** Keys of a run's `config` that the library spells in camel case. */
const spelling: Record<string, string> = {
  recursion_limit: "recursionLimit",
  max_concurrency: "maxConcurrency",
  run_name: "runName",
};

/** What the graph library is given for one attempt at a run (specification 3.3). */
export function runnableConfig(run: Run): RunnableConfig {
  const {
    configurable,
    metadata: _metadata,
    callbacks: _callbacks,
    run_id: _run,
    ...rest
  } = run.request.config;
  const config: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) config[spelling[key] ?? key] = value;
  const identity = {
    run_id: run.runId,
    thread_id: run.threadId,
    graph_id: run.request.graphId,
    assistant_id: run.assistantId,
  };
  return {
    ...config,
    runId: run.runId,
    configurable: { ...run.request.context, ...configurable, ...settled(run), ...identity },
    context: run.request.context,
    metadata: {
      ...run.metadata,
      ...identity,
      assistant_version: run.assistantVersion,
      run_attempt: run.attempt,
      langgraph_version: libraryVersion,
      langgraph_plan: "self-hosted",
      langgraph_host: "self-hosted",
    },
  } as RunnableConfig;
}

/** Of a setting that was given in both spellings, the one that won: graphs that read the older one must see it too. */
function settled({ request }: Run): JsonObject {
  const own = Object.keys(ownConfigurable(request.config));
  const won = own.filter((key) => Object.hasOwn(request.context, key));
  return Object.fromEntries(won.map((key) => [key, request.context[key]!]));
}

/** What the graph is started with: a command, or the input. */
export function runInput(run: Run): unknown {
  return run.request.command ? toCommand(run.request.command) : run.request.input;
}

export function toCommand({ update, resume, goto }: CommandRequest): unknown {
  return new Command({
    ...(update === undefined || update === null ? {} : { update }),
    ...(resume === undefined ? {} : { resume }),
    ...(goto === undefined
      ? {}
      : { goto: Array.isArray(goto) ? goto.map(toTarget) : toTarget(goto) }),
  });
}

function toTarget(goto: Goto): string | Send {
  return typeof goto === "string" ? goto : new Send(goto.node, goto.input);
}
