import { useQuery } from "@tanstack/react-query";
import { MessagesSquare, Plus } from "lucide-react";
import { useState } from "react";
import { threadsQuery } from "../api/queries.ts";
import { Status } from "../parts/badge.tsx";
import { IconButton } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { useWords } from "../words/words.tsx";
import { ThreadActions } from "./actions.tsx";
import { ThreadSearchBox } from "./search-box.tsx";
import { graphOf, nameOf, readFind } from "./thread.ts";

const shownMax = 100;

/** The threads beside the test page, those used last first. */
export function ThreadColumn(props: {
  threadId: string | undefined;
  onChoose(threadId: string | undefined): void;
}) {
  const words = useWords();
  const [find, setFind] = useState("");
  const found = useQuery({
    ...threadsQuery({ ...readFind(useSettled(find)), offset: 0, limit: shownMax }),
    refetchInterval: 5_000,
  });
  return (
    <div className="flex h-full flex-col">
      <div className="flex items-start gap-1 p-2">
        <ThreadSearchBox isNarrow value={find} onChange={setFind} />
        <IconButton
          label={words.threads.new}
          icon={Plus}
          onClick={() => props.onChoose(undefined)}
        />
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-1 pb-2">
        {found.isPending && <Loading />}
        {found.isError && <Problem thrown={found.error} onRetry={() => void found.refetch()} />}
        {found.data?.items.length === 0 && (
          <Empty icon={MessagesSquare} title={find ? words.threads.noneFound : words.threads.none}>
            <p>{find ? words.threads.noneFoundAdvice : words.threads.noneAdvice}</p>
          </Empty>
        )}
        <ul>
          {found.data?.items.map((thread) => {
            const isChosen = thread.thread_id === props.threadId;
            return (
              <li
                key={thread.thread_id}
                className={classNames(
                  "flex items-center rounded-md hover:bg-sunken",
                  isChosen && "bg-accent-soft",
                )}
              >
                <button
                  type="button"
                  aria-current={isChosen ? "true" : undefined}
                  className="min-w-0 flex-1 px-2 py-1.5 text-left"
                  onClick={() => props.onChoose(thread.thread_id)}
                >
                  <span className="flex items-center gap-1">
                    <span className="min-w-0 flex-1 truncate text-sm" title={nameOf(thread)}>
                      {nameOf(thread)}
                    </span>
                    {thread.status !== "idle" && <Status status={thread.status} />}
                  </span>
                  <span className="flex gap-1 text-xs text-muted">
                    <span className="truncate" title={graphOf(thread)}>
                      {graphOf(thread)}
                    </span>
                    <span className="flex-1" />
                    <Time at={thread.updated_at} />
                  </span>
                </button>
                <ThreadActions
                  thread={thread}
                  onCopied={props.onChoose}
                  onDeleted={() => isChosen && props.onChoose(undefined)}
                />
              </li>
            );
          })}
        </ul>
      </div>
    </div>
  );
}
