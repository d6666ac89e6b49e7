import type { Checkpoint, ThreadState } from "@langchain/langgraph-sdk";
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { callApi, client } from "../api/client.ts";
import { messagesOf } from "./message.ts";

/** A state of the past without its values, which are fetched when somebody looks. */
export interface PastState {
  checkpoint: Checkpoint & { checkpoint_id: string };
  parent_checkpoint: (Checkpoint & { checkpoint_id: string }) | null;
  metadata: { source?: string; step?: number; run_id?: string };
  created_at: string | null;
  next: string[];
}

const historyPage = 100;

/** Newest first, page by page, without values. `generation`: see `Session`. */
export function historyQuery(threadId: string, generation: number) {
  return infiniteQueryOptions({
    queryKey: ["threads", "history", threadId, generation],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam: before }) => {
      const select = ["checkpoint", "parent_checkpoint", "metadata", "created_at", "next"];
      const { answer } = await callApi<PastState[]>(`/threads/${threadId}/history`, {
        body: { limit: historyPage, select, ...(before && { before }) },
      });
      return answer;
    },
    getNextPageParam: (page) =>
      page.length < historyPage ? null : page.at(-1)!.checkpoint.checkpoint_id,
    placeholderData: (previous, query) => (query?.queryKey[2] === threadId ? previous : undefined),
  });
}

export type StateView = ThreadState<Record<string, unknown>> & {
  interrupts?: { id?: string; value: unknown }[];
};

/** `generation`: see `Session`. Until it is read again, the state of before stands in. */
export function stateQuery(threadId: string, checkpointId: string | undefined, generation: number) {
  const at = checkpointId ?? "latest";
  return queryOptions({
    queryKey: ["threads", "state", threadId, at, generation],
    gcTime: 0,
    placeholderData: (previous, query) =>
      query?.queryKey[2] === threadId && query.queryKey[3] === at ? previous : undefined,
    queryFn: () =>
      client.threads.getState<Record<string, unknown>>(
        threadId,
        checkpointId,
      ) as Promise<StateView>,
  });
}

export interface TimelineRow {
  state: PastState;
  /** The line of descent it stands in: 0 is that of the latest state. */
  lane: number;
  /** More than one state came of it. */
  isFork: boolean;
}

/** Newest first, each with the line it belongs to: a new one begins wherever a state has a second child. */
export function timeline(history: PastState[]): TimelineRow[] {
  const lanes = new Map<string, number>();
  const children = new Map<string, number>();
  let lanesUsed = 0;
  return history.map((state) => {
    const id = state.checkpoint.checkpoint_id;
    const lane = lanes.get(id) ?? lanesUsed++;
    const parent = state.parent_checkpoint?.checkpoint_id;
    if (parent) {
      children.set(parent, (children.get(parent) ?? 0) + 1);
      lanes.set(parent, Math.min(lane, lanes.get(parent) ?? lane));
    }
    return { state, lane, isFork: (children.get(id) ?? 0) > 1 };
  });
}

const searchPage = 10;

/**
 * From where to run again so that a message is replaced: the checkpoint before the one in which the
 * message is seen first. Null when it is not in the history.
 */
export async function checkpointBefore(
  threadId: string,
  messageId: string,
): Promise<PastState["checkpoint"] | null> {
  type Found = PastState & { values?: unknown };
  let firstSeen: Found | null = null;
  let before: string | undefined;
  for (;;) {
    const select = ["checkpoint", "parent_checkpoint", "values.messages"];
    const body = { limit: searchPage, select, ...(before && { before }) };
    const { answer: page } = await callApi<Found[]>(`/threads/${threadId}/history`, { body });
    for (const state of page) {
      const holds = messagesOf(state.values)?.some(({ id }) => id === messageId);
      if (holds) firstSeen = state;
      else if (firstSeen?.parent_checkpoint?.checkpoint_id === state.checkpoint.checkpoint_id) {
        return firstSeen.parent_checkpoint;
      }
    }
    if (page.length < searchPage) return firstSeen?.parent_checkpoint ?? null;
    before = page.at(-1)!.checkpoint.checkpoint_id;
  }
}

/** The part of a checkpoint that names it to the server. */
export function referenceTo(checkpointId: string) {
  return { checkpoint_id: checkpointId, checkpoint_ns: "", checkpoint_map: {} };
}
