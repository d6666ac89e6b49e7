import * as ourLanggraph from "@langchain/langgraph";
import * as ourCheckpoint from "@langchain/langgraph-checkpoint";
import * as ourSchemaHelpers from "@langchain/langgraph/zod/schema";
import { peerSpecifier } from "./hooks.ts";

type LangGraph = typeof import("@langchain/langgraph");
type Checkpoint = typeof import("@langchain/langgraph-checkpoint");
type SchemaHelpers = typeof import("@langchain/langgraph/zod/schema");

/**
 * The LangGraph packages as a graph's own file gets them. What the graph is handed (messages it will
 * ask `instanceof`, a `Command`, revived checkpoints) must be made with these, not with our copies.
 */
export interface Peers {
  langgraph: LangGraph;
  checkpoint: Checkpoint;
  schemaHelpers: SchemaHelpers;
  /** True when they are the project's; false when it has none and these are the server's. */
  own: boolean;
}

/**
 * Node's own `import`. Written in a data module because test runners rewrite `import()` in files they
 * transform, and then users' files would go through them instead of our hooks.
 */
const nativeModule = (await import(
  /* @vite-ignore */ `data:text/javascript,${encodeURIComponent("export const load = (url) => import(url);")}`
)) as { load: (url: string) => Promise<Record<string, unknown>> };

export function importNatively(url: string): Promise<Record<string, unknown>> {
  return nativeModule.load(url);
}

/** The server's own. */
export const serverPeers: Peers = {
  langgraph: ourLanggraph,
  checkpoint: ourCheckpoint,
  schemaHelpers: ourSchemaHelpers,
  own: false,
};

/** LangGraph may be a dependency of the project's `langchain` only. */
const waysToLangGraph = [["@langchain/langgraph"], ["langchain", "@langchain/langgraph"]];

/** The packages as `file` would import them, each ours where the project has none. Never throws. */
export async function loadPeers(file: string): Promise<Peers> {
  for (const way of waysToLangGraph) {
    const langgraph = await importPeer<LangGraph>(file, way);
    if (!langgraph) continue;
    const entry = way.at(-1)!;
    const checkpoint = await importPeer<Checkpoint>(file, [...way, `${entry}-checkpoint`]);
    const schemaHelpers = await importPeer<SchemaHelpers>(file, [
      ...way.slice(0, -1),
      `${entry}/zod/schema`,
    ]);
    return {
      langgraph,
      checkpoint: checkpoint ?? serverPeers.checkpoint,
      schemaHelpers: schemaHelpers ?? serverPeers.schemaHelpers,
      own: true,
    };
  }
  return serverPeers;
}

async function importPeer<Module>(file: string, chain: string[]): Promise<Module | null> {
  try {
    return (await importNatively(peerSpecifier(file, chain))) as Module;
  } catch {
    return null; // the project does not have it, or a version without this entry
  }
}
