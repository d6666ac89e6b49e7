import { invalid } from "../core/error.ts";
import { loadExport } from "./load.ts";
import type { Manifest } from "./manifest.ts";

/** What turns texts into vectors. The interface of LangChain's `Embeddings`, as far as it is needed. */
export interface Embedder {
  embedDocuments(texts: string[]): Promise<unknown>;
  embedQuery(text: string): Promise<unknown>;
}

/** `store.index` of langgraph.json, read. */
export interface IndexSettings {
  /** `embed` as it stands there. */
  name: string;
  dims: number;
  fields: string[];
  embedder: Embedder;
}

type Environment = Record<string, string | undefined>;

/** Servers without authentication ignore it, and the client refuses to have none. */
const dummyKey = "no-key";
/** An outage of the provider should be reported within seconds. */
const maxRetries = 2;

const fileAndExport = /^(?:\.{0,2}\/|.*\.[cm]?[jt]sx?(?::|$))/;

/**
 * `store.index` of langgraph.json; null when there is none.
 *
 * @param environment keys and addresses of providers, looked at when the first text is embedded.
 * @throws invalid naming the key
 */
export async function loadIndexSettings(
  manifest: Manifest,
  generation: number,
  environment: Environment,
): Promise<IndexSettings | null> {
  const index = manifest.settings.store?.index;
  if (!index) return null;
  const { embed, dims, fields = ["$"] } = index;
  if (embed === undefined || dims === undefined) {
    const missing = embed === undefined ? "embed" : "dims";
    throw invalid(
      `"store.index.${missing}" of langgraph.json is missing: write {"embed": "openai:text-embedding-3-small", "dims": 1536} or the like.`,
    );
  }
  const embedder = fileAndExport.test(embed)
    ? readEmbedder(
        await loadExport(manifest, { key: "store.index.embed", spec: embed, generation }),
      )
    : providerEmbedder(embed, dims, environment);
  return { name: embed, dims, fields, embedder };
}

/** A function from texts to vectors, or an `Embeddings` object of whichever copy of LangChain. */
function readEmbedder(exported: unknown): Embedder {
  if (typeof exported === "function") {
    const embed = exported as (texts: string[]) => unknown;
    return {
      embedDocuments: async (texts) => embed(texts),
      embedQuery: async (text) => ((await embed([text])) as unknown[])[0],
    };
  }
  const embeddings = exported as Partial<Embedder> | null;
  if (
    typeof embeddings?.embedDocuments === "function" &&
    typeof embeddings.embedQuery === "function"
  ) {
    return embeddings as Embedder;
  }
  throw invalid(
    '"store.index.embed" of langgraph.json must name a function (texts: string[]) => Promise<number[][]>, or an Embeddings object of LangChain.',
  );
}

function providerEmbedder(embed: string, dims: number, environment: Environment): Embedder {
  const [, provider, model] = /^(\w+):(.+)$/.exec(embed) ?? [];
  if (provider !== "openai") {
    throw invalid(
      `"store.index.embed" of langgraph.json is "${embed}". Write "openai:<model>" (with OPENAI_BASE_URL for any compatible server), or "./file.ts:export" of a function from texts to vectors.`,
    );
  }
  let made: Promise<Embedder> | null = null;
  const embeddings = () => (made ??= openaiEmbeddings(model!, dims, environment));
  return {
    embedDocuments: async (texts) => (await embeddings()).embedDocuments(texts),
    embedQuery: async (text) => (await embeddings()).embedQuery(text),
  };
}

/** Loaded when first used: a server that embeds nothing need not wait for the library. */
async function openaiEmbeddings(
  model: string,
  dims: number,
  environment: Environment,
): Promise<Embedder> {
  const baseURL = environment["OPENAI_BASE_URL"];
  const apiKey = environment["OPENAI_API_KEY"] ?? (baseURL ? dummyKey : undefined);
  if (!apiKey) throw new Error("neither OPENAI_API_KEY nor OPENAI_BASE_URL is set");
  const { OpenAIEmbeddings } = await import("@langchain/openai");
  return new OpenAIEmbeddings({
    model,
    apiKey,
    maxRetries,
    encodingFormat: "float",
    // Older models have one size only, and refuse to be asked for it.
    ...(model.startsWith("text-embedding-3") && { dimensions: dims }),
    ...(baseURL && { configuration: { baseURL } }),
  });
}
