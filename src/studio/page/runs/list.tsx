import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ListTree } from "lucide-react";
import { useAssistants } from "../api/queries.ts";
import { Badge, Status } from "../parts/badge.tsx";
import { buttonClass } from "../parts/button.tsx";
import { Select } from "../parts/field.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Pager } from "../parts/pager.tsx";
import { SearchBox } from "../parts/search-box.tsx";
import { StatusSelect } from "../parts/status-select.tsx";
import { Time } from "../parts/time.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { duration } from "../words/time.ts";
import { useWords } from "../words/words.tsx";
import { queueMs, runsQuery, workMs, type RunRecord } from "./run.ts";

const route = getRouteApi("/runs");
const pageSize = 25;
const refreshMs = 2_000;
const statuses = ["pending", "running", "success", "error", "interrupted", "timeout"] as const;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Runs over all threads, newest first; looks again every two seconds. */
export function RunList() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const offset = search.offset ?? 0;
  const thread = useSettled(search.thread ?? "").trim();
  const isThreadBroken = thread !== "" && !uuid.test(thread);
  const found = useQuery({
    ...runsQuery({
      threadId: thread === "" || isThreadBroken ? undefined : thread,
      assistantId: search.assistant,
      status: search.status,
      offset,
      limit: pageSize,
    }),
    refetchInterval: refreshMs,
  });
  const assistants = useAssistants(
    search.assistant,
    ...(found.data?.items ?? []).map((run) => run.assistant_id),
  );
  const change = (next: object) =>
    void navigate({
      search: (before) => ({ ...before, offset: undefined, ...next }),
      replace: true,
    });
  const names = new Map(assistants.data?.map((one) => [one.assistant_id, one.name]));
  const isFiltered = Boolean(search.status || search.assistant || thread);
  return (
    <Page title={words.places.runs} lead={words.runs.lead}>
      <div className="flex flex-wrap gap-2">
        <StatusSelect
          statuses={statuses}
          value={search.status}
          onChange={(status) => change({ status })}
        />
        <Select
          aria-label={words.manage.assistant}
          className="max-w-60 flex-1 basis-40"
          value={search.assistant ?? ""}
          options={[
            { value: "", label: words.runs.allAssistants },
            ...(assistants.data ?? []).map((one) => ({
              value: one.assistant_id,
              label: one.name,
            })),
          ]}
          onChange={({ target }) => change({ assistant: target.value || undefined })}
        />
        <SearchBox
          className="max-w-xs"
          label={words.runs.thread}
          placeholder={words.runs.threadPlaceholder}
          value={search.thread ?? ""}
          onChange={(text) => change({ thread: text || undefined })}
          problem={isThreadBroken ? words.runs.threadBroken : null}
        />
      </div>
      {found.isPending && <Loading />}
      {found.isError && <Problem thrown={found.error} onRetry={() => void found.refetch()} />}
      {found.data && (
        <div className="card">
          {found.data.items.length === 0 ? (
            <Empty icon={ListTree} title={isFiltered ? words.runs.noneFound : words.runs.none}>
              <p>{isFiltered ? words.runs.noneFoundAdvice : words.runs.noneAdvice}</p>
              {!isFiltered && (
                <Link to="/test" className={buttonClass("primary")}>
                  {words.places.test}
                </Link>
              )}
            </Empty>
          ) : (
            <Table runs={found.data.items} names={names} now={found.dataUpdatedAt} />
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

function Table(props: { runs: RunRecord[]; names: Map<string, string>; now: number }) {
  const words = useWords();
  const head = [
    words.common.status,
    words.runs.assistant,
    words.runs.created,
    words.runs.queued,
    words.runs.worked,
    words.runs.attempts,
  ];
  const cell = "px-3 py-2 max-md:inline-block max-md:py-0.5 max-md:text-sm";
  return (
    <table className="w-full text-left max-md:block">
      <thead className="border-b border-line text-sm max-md:hidden">
        <tr>
          {head.map((name) => (
            <th key={name} scope="col" className="px-3 py-2 font-semibold whitespace-nowrap">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="max-md:block">
        {props.runs.map((run) => (
          <tr
            key={run.run_id}
            data-run={run.run_id}
            className="border-b border-line last:border-0 hover:bg-sunken max-md:block max-md:py-1.5"
          >
            <td className={cell}>
              <Status status={run.status} />
            </td>
            <td className={cell}>
              <Link
                to="/runs/$threadId/$runId"
                params={{ threadId: run.thread_id, runId: run.run_id }}
                className="font-medium hover:text-accent hover:underline"
              >
                {props.names.get(run.assistant_id) ?? run.assistant_id.slice(-8)}
              </Link>{" "}
              <Badge>v{run.assistant_version}</Badge>
              {run.error && (
                <p className="line-clamp-1 text-sm text-bad" title={run.error.message}>
                  {run.error.message}
                </p>
              )}
            </td>
            <td className={cell}>
              <span className="text-sm text-muted">
                <Time at={run.created_at} />
              </span>
            </td>
            <td className={cell}>
              <Labelled label={words.runs.queued} value={duration(queueMs(run, props.now))} />
            </td>
            <td className={cell}>
              <Labelled
                label={words.runs.worked}
                value={run.started_at ? duration(workMs(run, props.now)!) : "—"}
              />
            </td>
            <td className={cell}>
              <Labelled label={words.runs.attempts} value={String(run.attempt)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The column's name stands beside the value where there are no columns. */
function Labelled(props: { label: string; value: string }) {
  return (
    <span className="tabular-nums">
      <span className="text-muted md:hidden">{props.label} </span>
      {props.value}
    </span>
  );
}
