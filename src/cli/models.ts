import type { Log } from "../core/ports/ports.ts";
import { builtinGraphId } from "../core/message.ts";
import type { LoadedGraphs } from "../graphs/load.ts";
import type { OfferedModel } from "../protocols/openai/models.ts";

/** Names that lead to a language model as the server is set up. */
export function offeredModels(
  aliases: Record<string, string>,
  environment: Record<string, string | undefined>,
): OfferedModel[] {
  const named = Object.keys(aliases).filter((name) => name !== "*");
  const hasModel = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY"].some(
    (name) => environment[name],
  );
  const others = new Set([...Object.values(aliases), ...(hasModel ? [] : ["offline"])]);
  return [
    ...named.map((id) => ({ id, owner: "alias" })),
    ...[...others].filter((id) => !named.includes(id)).map((id) => ({ id, owner: "adjutant" })),
  ];
}

/** A graph of the project's own takes the place of the one behind the OpenAI API. */
export function warnOfReplacedGraph(loaded: LoadedGraphs, log: Log): void {
  if (!loaded.graphs.has(builtinGraphId)) return;
  log.warn(
    { graphId: builtinGraphId },
    `langgraph.json names a graph "${builtinGraphId}", which now answers for the OpenAI Assistants API in place of the built-in one. Name it otherwise to have both.`,
  );
}
