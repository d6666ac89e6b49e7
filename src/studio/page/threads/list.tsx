import type { Thread } from "@langchain/langgraph-sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { MessagesSquare, Plus } from "lucide-react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { threadsQuery } from "../api/queries.ts";
import { Status } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Pager } from "../parts/pager.tsx";
import { StatusSelect } from "../parts/status-select.tsx";
import { Time } from "../parts/time.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { useWords } from "../words/words.tsx";
import { ThreadActions } from "./actions.tsx";
import { ThreadSearchBox } from "./search-box.tsx";
import { graphOf, nameOf, readFind } from "./thread.ts";

const route = getRouteApi("/threads");
const pageSize = 25;
const statuses = ["idle", "busy", "interrupted", "error"] as const;

export function ThreadList() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const cache = useQueryClient();
  const find = search.find ?? "";
  const offset = search.offset ?? 0;
  const found = useQuery({
    ...threadsQuery({
      ...readFind(useSettled(find)),
      status: search.status,
      offset,
      limit: pageSize,
    }),
    refetchInterval: 5_000,
  });
  const change = (next: object) =>
    void navigate({
      search: (before) => ({ ...before, offset: undefined, ...next }),
      replace: true,
    });
  const create = useMutation({
    mutationFn: () => client.threads.create(),
    onSuccess: async ({ thread_id: thread }) => {
      await cache.invalidateQueries({ queryKey: ["threads"] });
      await navigate({ to: "/test", search: { thread } });
    },
    onError: (thrown) => toast.error(thrown.message),
  });
  const isFiltered = find !== "" || search.status !== undefined;
  return (
    <Page
      title={words.places.threads}
      lead={words.threads.lead}
      actions={
        <Button
          variant="primary"
          icon={Plus}
          isBusy={create.isPending}
          onClick={() => create.mutate()}
        >
          {words.threads.new}
        </Button>
      }
    >
      <div className="flex flex-wrap gap-2">
        <ThreadSearchBox
          value={find}
          onChange={(text) => change({ find: text === "" ? undefined : text })}
        />
        <StatusSelect
          statuses={statuses}
          value={search.status}
          onChange={(status) => change({ status })}
        />
      </div>
      {found.isPending && <Loading />}
      {found.isError && <Problem thrown={found.error} onRetry={() => void found.refetch()} />}
      {found.data && (
        <div className="card">
          {found.data.items.length === 0 ? (
            <Empty
              icon={MessagesSquare}
              title={isFiltered ? words.threads.noneFound : words.threads.none}
            >
              <p>{isFiltered ? words.threads.noneFoundAdvice : words.threads.noneAdvice}</p>
            </Empty>
          ) : (
            <ul>
              {found.data.items.map((thread) => (
                <Row key={thread.thread_id} thread={thread} />
              ))}
            </ul>
          )}
          <Pager
            offset={offset}
            pageSize={pageSize}
            total={found.data.total}
            onMove={(next) => change({ offset: next })}
          />
        </div>
      )}
    </Page>
  );
}

function Row({ thread }: { thread: Thread }) {
  const words = useWords();
  const navigate = route.useNavigate();
  const { thread_id: threadId } = thread;
  const metadata = (thread.metadata ?? {}) as Record<string, unknown>;
  const assistant = metadata["assistant_id"];
  return (
    <li className="flex items-center gap-3 border-b border-line px-3 py-2 last:border-0">
      <div className="min-w-0 flex-1">
        <Link
          to="/test"
          search={{
            thread: threadId,
            ...(typeof assistant === "string" && { assistant }),
          }}
          className="font-medium hover:text-accent hover:underline"
        >
          {nameOf(thread)}
        </Link>
        <p className="flex items-center gap-x-2 text-xs text-muted">
          <span className="min-w-0 truncate font-mono max-md:hidden" title={threadId}>
            {threadId}
          </span>
          <CopyButton text={threadId} label={words.common.copyId} />
          {graphOf(thread) && (
            <span className="max-w-40 truncate font-mono" title={graphOf(thread)}>
              {graphOf(thread)}
            </span>
          )}
          <Time at={thread.updated_at} />
        </p>
      </div>
      <Status status={thread.status} />
      <Link
        to="/runs"
        search={{ thread: threadId }}
        className="text-sm text-accent underline max-md:hidden"
        aria-label={words.threads.runsOf(nameOf(thread))}
      >
        {words.places.runs}
      </Link>
      <ThreadActions
        thread={thread}
        onCopied={(copy) => void navigate({ search: { find: copy } })}
        onDeleted={() => {}}
      />
    </li>
  );
}
