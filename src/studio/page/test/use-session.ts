import type { Assistant, ThreadState } from "@langchain/langgraph-sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { troubleOf } from "../api/problem.ts";
import { useWords } from "../words/words.tsx";
import { checkpointBefore, referenceTo, stateQuery } from "./history.ts";
import type { Breakpoints } from "./input-panel.tsx";
import { LiveRun, useRunOutline } from "./live-run.ts";
import type { ContentBlock, Message } from "./message.ts";
import { idleRun, type InterruptView, type RunOutline, type RunStart } from "./run-view.ts";

type Start = Omit<RunStart, "threadId" | "assistant" | "isStreamed">;

/** One assistant on one thread: its state, the run that is under way, and what can be done. */
export interface Session {
  live: LiveRun;
  run: RunOutline;
  /** Whether the run is of the thread that is shown. */
  isHere: boolean;
  isRunning: boolean;
  /** Grows whenever what was read of the thread is out of date. */
  generation: number;
  stateProblem: unknown;
  /** The thread that the address names is not there, or it has no such checkpoint. */
  isMissing: boolean;
  values: unknown;
  next: string[];
  interrupts: InterruptView[];
  isWaiting: boolean;
  /** Resolves when the run has ended: whether there was one. */
  submit(start: Start): Promise<boolean>;
  send(content: string | ContentBlock[]): Promise<boolean>;
  edit(message: Message, text: string): void;
  regenerate(message: Message): void;
  cancel(): void;
  refresh(): void;
}

export function useSession(params: {
  assistant: Assistant | undefined;
  version: number | undefined;
  threadId: string | undefined;
  checkpointId: string | undefined;
  isStreamed: boolean;
  breakpoints: Breakpoints;
  /** A thread was made, or the run goes on from the latest state. */
  onThread(threadId: string): void;
}): Session {
  const words = useWords();
  const cache = useQueryClient();
  const { assistant, threadId, checkpointId } = params;
  const [live] = useState(() => new LiveRun());
  const run = useRunOutline(live);
  const isRunning = run.phase === "running";
  // Until the address names the thread that was just made, no thread is shown but the run's.
  const isHere = threadId === undefined || run.threadId === threadId;
  const generation = useGeneration(live, run);
  const state = useQuery({
    ...stateQuery(threadId ?? "", checkpointId, generation),
    // While a run is at work here, its stream says what the state is.
    enabled: threadId !== undefined && !(isHere && isRunning),
  });

  useJoining(live, run, threadId);
  useEffect(() => {
    if (checkpointId !== undefined && live.view.phase === "done") live.reset();
  }, [checkpointId, live]);

  const submit = async (start: Start) => {
    if (!assistant) return false;
    try {
      const id = threadId ?? (await client.threads.create()).thread_id;
      const checkpoint = start.checkpoint ?? (checkpointId && referenceTo(checkpointId));
      const ended = live.start({
        ...start,
        ...(checkpoint && { checkpoint }),
        threadId: id,
        assistant: referenceOf(assistant, params.version),
        isStreamed: params.isStreamed,
        interruptBefore: [...params.breakpoints.before],
        interruptAfter: [...params.breakpoints.after],
      });
      params.onThread(id);
      await ended;
      return live.view.runId !== null;
    } catch (thrown) {
      toast.error(thrown instanceof Error ? thrown.message : String(thrown));
      return false;
    }
  };
  const fork = async (message: Message, input: Start["input"]) => {
    const checkpoint = threadId && (await forkPoint(threadId, message));
    if (!checkpoint) return void toast.error(words.chat.noFork);
    await submit({ ...(input === undefined ? {} : { input }), checkpoint });
  };
  const { next, interrupts } = waitingOf(state, isRunning);
  return {
    live,
    isHere,
    run: isHere ? run : idleRun,
    isRunning,
    generation,
    stateProblem: state.error,
    isMissing: state.isError && troubleOf(state.error).kind === "missing",
    values: isHere && run.values !== null ? run.values : (state.data?.values ?? null),
    next,
    interrupts,
    isWaiting: next.length > 0 && !checkpointId && !run.error,
    submit,
    send: (content) => submit({ input: { messages: [{ type: "human", content }] } }),
    edit: (message, text) =>
      void fork(message, { messages: [{ type: "human", content: withText(message, text) }] }),
    regenerate: (message) => void fork(message, null),
    cancel: () => void live.cancel().catch((thrown: unknown) => toast.error(String(thrown))),
    refresh: () => {
      live.renew();
      void cache.invalidateQueries({ queryKey: ["threads", "search"] });
    },
  };
}

/** From where the message can be said anew; null when the history does not go back that far. */
async function forkPoint(threadId: string, { id }: Message) {
  const found = id ? await checkpointBefore(threadId, id).catch(() => null) : null;
  return found && referenceTo(found.checkpoint_id);
}

/** A version is pinned by `@`; without one the active version counts. */
function referenceOf(assistant: Assistant, version: number | undefined): string {
  return version ? `${assistant.assistant_id}@${version}` : assistant.assistant_id;
}

/**
 * After a run, the thread is read again. What was asked while the run was at work may be answered after
 * its end and still be what was before: the number is part of what is asked, so that answer is not taken.
 */
function useGeneration(live: LiveRun, run: RunOutline): number {
  const cache = useQueryClient();
  useEffect(() => {
    if (run.phase !== "done") return;
    void cache.invalidateQueries({ queryKey: ["threads", "search"] });
    void cache.invalidateQueries({ queryKey: ["runs"] });
  }, [run.phase, run.endedAt, cache]);
  return useSyncExternalStore(live.subscribe, () => live.generation);
}

const lookEveryMs = 3_000;

/** Opening a thread that is at work shows its run from the beginning, as does one begun elsewhere. */
function useJoining(live: LiveRun, run: RunOutline, threadId: string | undefined): void {
  useEffect(() => {
    if (live.view.threadId !== threadId) live.reset();
  }, [live, threadId]);
  const isFree = run.phase !== "running";
  const atWork = useQuery({
    queryKey: ["runs", "at-work", threadId],
    queryFn: async () => {
      const [found] = await client.runs.list(threadId!, {
        status: "running",
        limit: 1,
        select: ["run_id"],
      });
      return found?.run_id ?? null;
    },
    enabled: threadId !== undefined && isFree,
    // The state's own query says what is wrong when nothing can be reached.
    refetchInterval: lookEveryMs,
    staleTime: 0,
    gcTime: 0,
  });
  const found = atWork.data;
  useEffect(() => {
    const { view } = live;
    if (!found || threadId === undefined || view.phase === "running" || view.runId === found)
      return;
    void live.join(threadId, found);
  }, [live, found, threadId]);
}

/** The message's pictures stay when its text is edited. */
function withText(message: Message, text: string): NonNullable<Message["content"]> {
  if (!Array.isArray(message.content)) return text;
  return [{ type: "text", text }, ...message.content.filter(({ type }) => type !== "text")];
}

/** Until it is read again, the state still waits for what the run that just ended was the answer to. */
function waitingOf(
  { data, isPlaceholderData }: { data?: ThreadState | undefined; isPlaceholderData: boolean },
  isRunning: boolean,
): { next: string[]; interrupts: InterruptView[] } {
  if (isRunning || isPlaceholderData) return { next: [], interrupts: [] };
  const known = data?.tasks?.flatMap((task) => task.interrupts ?? []) ?? [];
  return { next: data?.next ?? [], interrupts: known as InterruptView[] };
}
