import type { Assistant, AssistantVersion, Thread } from "@langchain/langgraph-sdk";
import {
  keepPreviousData,
  QueryClient,
  queryOptions,
  useQueries,
  useQuery,
} from "@tanstack/react-query";
import { client, searchApi } from "./client.ts";

/** A request that failed is not repeated by itself, but when the server is back or somebody asks. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: false, staleTime: 2_000, networkMode: "always" },
    mutations: { retry: false, networkMode: "always" },
  },
});

export interface AssistantSearch {
  name?: string | undefined;
  graphId?: string | undefined;
  sortBy: "name" | "graph_id" | "created_at" | "updated_at";
  sortOrder: "asc" | "desc";
  offset: number;
  limit: number;
}

export function assistantsQuery(search: AssistantSearch) {
  return queryOptions({
    queryKey: ["assistants", "search", search],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      searchApi<Assistant>(
        "/assistants/search",
        {
          name: search.name || null,
          graph_id: search.graphId || null,
          sort_by: search.sortBy,
          sort_order: search.sortOrder,
          limit: search.limit,
          offset: search.offset,
        },
        signal,
      ),
  });
}

/**
 * For lists to choose from: all there are, up to the largest page, by name; and those that somebody named
 * and that are beyond it. While these are looked for, `isLooking` is true and `data` is without them.
 */
export function useAssistants(...named: (string | undefined)[]) {
  const { data: listed, isError, error, refetch } = useQuery(allAssistantsQuery);
  const ids = new Set(listed?.map((one) => one.assistant_id));
  const beyond = [...new Set(named)].filter(
    (id): id is string => ids.size >= listedMax && id !== undefined && !ids.has(id),
  );
  const others = useQueries({ queries: beyond.map(assistantQuery) });
  const isLooking = others.some((one) => one.isLoading);
  const data = listed && [
    ...listed,
    ...others.flatMap(({ data: one }) => (one && !ids.has(one.assistant_id) ? one : [])),
  ];
  return { data, isLooking, isError, error, refetch };
}

const listedMax = 1000;

const allAssistantsQuery = queryOptions({
  queryKey: ["assistants", "all"],
  queryFn: () => client.assistants.search({ limit: listedMax, sortBy: "name", sortOrder: "asc" }),
});

/** A graph that assistants can be made of. */
export interface Graph {
  graphId: string;
  /** Who is asked about it: an assistant of it, or the graph's own id. */
  reference: string;
  isBuiltin: boolean;
}

/** The graph behind the assistants of the OpenAI API. Every server has it, unless a graph of its own has this id. */
const builtinGraphId = "assistant";

/**
 * Every graph, by id. Those of langgraph.json have a default assistant, which the server made and marked;
 * one whose default assistant was deleted is known by another assistant of it.
 */
export const graphsQuery = queryOptions({
  queryKey: ["assistants", "graphs"],
  queryFn: async (): Promise<Graph[]> => {
    const page = { limit: listedMax, select: ["graph_id", "assistant_id"] as const };
    const search = (metadata: object) =>
      client.assistants.search({ ...page, select: [...page.select], metadata: { ...metadata } });
    const [defaults, others] = await Promise.all([search({ created_by: "system" }), search({})]);
    const graphs = new Map<string, Graph>(
      [...others, ...defaults].map(({ graph_id: graphId, assistant_id: reference }) => [
        graphId,
        { graphId, reference, isBuiltin: false },
      ]),
    );
    if (!defaults.some((one) => one.graph_id === builtinGraphId)) {
      const builtin = { graphId: builtinGraphId, reference: builtinGraphId, isBuiltin: true };
      graphs.set(builtinGraphId, builtin);
    }
    return [...graphs.values()].toSorted((a, b) => (a.graphId < b.graphId ? -1 : 1));
  },
});

export function assistantQuery(assistantId: string) {
  return queryOptions({
    queryKey: ["assistants", "one", assistantId],
    queryFn: () => client.assistants.get(assistantId),
  });
}

export function versionsQuery(assistantId: string) {
  return queryOptions({
    queryKey: ["assistants", "versions", assistantId],
    queryFn: () =>
      client.assistants.getVersions(assistantId, { limit: 1000 }) as Promise<AssistantVersion[]>,
  });
}

/** By assistant or graph id. Only a changed graph file changes it. */
export function schemasQuery(assistantId: string) {
  return queryOptions({
    queryKey: ["schemas", assistantId],
    queryFn: () => client.assistants.getSchemas(assistantId),
    staleTime: 15_000,
  });
}

export function drawingQuery(assistantId: string, xray: boolean | number) {
  return queryOptions({
    queryKey: ["drawing", assistantId, xray],
    queryFn: () => client.assistants.getGraph(assistantId, { xray }),
    staleTime: 15_000,
  });
}

export interface ThreadSearch {
  ids?: string[] | undefined;
  status?: string | undefined;
  metadata?: Record<string, unknown> | undefined;
  offset: number;
  limit: number;
}

/** Without values, which may be large. */
export function threadsQuery(search: ThreadSearch) {
  return queryOptions({
    queryKey: ["threads", "search", search],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      searchApi<Thread>(
        "/threads/search",
        {
          ids: search.ids ?? null,
          status: search.status || null,
          metadata: search.metadata ?? null,
          limit: search.limit,
          offset: search.offset,
          sort_by: "updated_at",
          sort_order: "desc",
          select: ["thread_id", "created_at", "updated_at", "metadata", "status", "error"],
        },
        signal,
      ),
  });
}
