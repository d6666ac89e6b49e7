import { useInfiniteQuery } from "@tanstack/react-query";
import { GitFork, History } from "lucide-react";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useWords } from "../words/words.tsx";
import { historyQuery, timeline } from "./history.ts";

const laneWidth = 14;

/** The thread's checkpoints, newest first, forks beside each other. */
export function HistoryPanel(props: {
  threadId: string | undefined;
  checkpointId: string | undefined;
  generation: number;
  onChoose(checkpointId: string | undefined): void;
}) {
  const words = useWords();
  const history = useInfiniteQuery({
    ...historyQuery(props.threadId ?? "", props.generation),
    enabled: props.threadId !== undefined,
  });
  if (props.threadId === undefined || history.data?.pages[0]?.length === 0) {
    return (
      <Empty icon={History} title={words.history.none}>
        <p>{words.history.noneAdvice}</p>
      </Empty>
    );
  }
  if (history.isPending) return <Loading />;
  if (history.isError && !history.data) {
    return <Problem thrown={history.error} onRetry={() => void history.refetch()} />;
  }
  const rows = timeline(history.data.pages.flat());
  const latest = rows[0]?.state.checkpoint.checkpoint_id;
  const sources: Record<string, string> = words.history.sources;
  return (
    <div className="p-2">
      {props.checkpointId && (
        <Button className="mb-2 w-full" onClick={() => props.onChoose(undefined)}>
          {words.history.toLatest}
        </Button>
      )}
      <ol aria-label={words.history.title}>
        {rows.map(({ state, lane, isFork }) => {
          const id = state.checkpoint.checkpoint_id;
          const isChosen = id === (props.checkpointId ?? latest);
          return (
            <li key={id}>
              <button
                type="button"
                aria-current={isChosen ? "true" : undefined}
                data-checkpoint={id}
                className={classNames(
                  "flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left text-sm hover:bg-sunken",
                  isChosen && "bg-accent-soft",
                )}
                onClick={() => props.onChoose(id === latest ? undefined : id)}
              >
                <span style={{ width: lane * laneWidth }} aria-hidden />
                <span
                  aria-hidden
                  className={classNames(
                    "size-2.5 shrink-0 rounded-full border-2",
                    lane === 0 ? "border-accent bg-accent" : "border-line-strong bg-panel",
                  )}
                />
                <span className="min-w-0 flex-1 truncate" title={state.next.join(", ")}>
                  {words.history.step(state.metadata?.step ?? 0)}
                  {state.next.length > 0 && (
                    <span className="text-muted"> → {state.next.join(", ")}</span>
                  )}
                </span>
                {isFork && (
                  <GitFork className="size-3.5 text-warn" aria-label={words.history.fork} />
                )}
                <Badge>{sources[state.metadata?.source ?? ""] ?? state.metadata?.source}</Badge>
                <span className="text-xs text-muted">
                  <Time at={state.created_at} />
                </span>
              </button>
            </li>
          );
        })}
      </ol>
      {history.isError && <Problem thrown={history.error} />}
      {history.hasNextPage && (
        <Button
          className="mt-2 w-full"
          isBusy={history.isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
        >
          {words.history.older}
        </Button>
      )}
    </div>
  );
}
