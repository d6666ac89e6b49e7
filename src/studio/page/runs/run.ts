import type { Run } from "@langchain/langgraph-sdk";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { callApi, searchApi } from "../api/client.ts";

/** A run as this server shows it: the official shape and what Adjutant adds. */
export interface RunRecord extends Omit<Run, "kwargs"> {
  assistant_version: number;
  attempt: number;
  /** When its first attempt began; null while it has never been at work. */
  started_at: string | null;
  kwargs: Record<string, unknown>;
  error?: { error: string; message: string };
}

export interface RunSearch {
  threadId?: string | undefined;
  assistantId?: string | undefined;
  status?: string | undefined;
  offset: number;
  limit: number;
}

export function runsQuery(search: RunSearch) {
  return queryOptions({
    queryKey: ["runs", "search", search],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      searchApi<RunRecord>(
        "/runs/search",
        {
          thread_id: search.threadId ?? null,
          assistant_id: search.assistantId ?? null,
          status: search.status ?? null,
          limit: search.limit,
          offset: search.offset,
        },
        signal,
      ),
  });
}

export function runQuery(threadId: string, runId: string) {
  return queryOptions({
    queryKey: ["runs", "one", runId],
    queryFn: async () => (await callApi<RunRecord>(`/threads/${threadId}/runs/${runId}`)).answer,
  });
}

interface RunExplanation {
  reason: string;
  explanation: string;
  next: string;
  blocked_by: { run_id: string; status: string } | null;
  queue: { ahead: number; running: number; slots: number } | null;
}

/** Why a run waits. */
export function explanationQuery(runId: string) {
  return queryOptions({
    queryKey: ["runs", "explanation", runId],
    queryFn: async () => (await callApi<RunExplanation>(`/runs/${runId}/explain`)).answer,
    refetchInterval: 1_000,
  });
}

export function isFinal(run: RunRecord): boolean {
  return run.status !== "pending" && run.status !== "running";
}

/** How long it waited for its turn, in ms. */
export function queueMs(run: RunRecord, now: number): number {
  const end = run.started_at
    ? Date.parse(run.started_at)
    : isFinal(run)
      ? Date.parse(run.updated_at)
      : now;
  return end - Date.parse(run.created_at);
}

/** How long it has been at work, in ms; null when it never was. */
export function workMs(run: RunRecord, now: number): number | null {
  if (!run.started_at) return null;
  return (isFinal(run) ? Date.parse(run.updated_at) : now) - Date.parse(run.started_at);
}
