import type { Assistant, AssistantVersion, Thread } from "@langchain/langgraph-sdk";
import { keepPreviousData, QueryClient, queryOptions, useQuery } from "@tanstack/react-query";
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
 * For lists to choose from: all there are, up to the largest page, by name; and one that somebody named
 * and that is beyond it.
 */
export function useAssistants(named?: string) {
  const all = useQuery(allAssistantsQuery);
  const isListed = all.data?.some((one) => one.assistant_id === named);
  const one = useQuery({
    ...assistantQuery(named ?? ""),
    enabled: isListed === false && all.data!.length >= listedMax && named !== undefined,
  });
  const { isError, error, refetch } = all;
  // Not yet: the one may be found that is missing.
  const known = one.isLoading ? undefined : all.data;
  const data = known && one.data && !isListed ? [...known, one.data] : known;
  return { data, isError, error, refetch };
}

const listedMax = 1000;

export const allAssistantsQuery = queryOptions({
  queryKey: ["assistants", "all"],
  queryFn: () => client.assistants.search({ limit: listedMax, sortBy: "name", sortOrder: "asc" }),
});

/**
 * Every graph, and an assistant of it to ask about it. Those of langgraph.json have a default assistant,
 * which the server made and marked; the built-in one has those that somebody made.
 */
export const graphsQuery = queryOptions({
  queryKey: ["assistants", "graphs"],
  queryFn: async () => {
    const all = await client.assistants.search({
      limit: 1000,
      select: ["graph_id", "assistant_id"],
    });
    const graphs = new Map(all.map((one) => [one.graph_id, one.assistant_id]));
    return [...graphs]
      .map(([graphId, assistantId]) => ({ graphId, assistantId }))
      .toSorted((a, b) => (a.graphId < b.graphId ? -1 : 1));
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
