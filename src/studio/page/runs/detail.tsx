import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { FlaskConical, Radio, Square, Trash2 } from "lucide-react";
import { useEffect, useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { assistantQuery } from "../api/queries.ts";
import { prettyJson } from "../code/json-editor.tsx";
import { Badge, Status } from "../parts/badge.tsx";
import { Button, buttonClass } from "../parts/button.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Time } from "../parts/time.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { duration } from "../words/time.ts";
import { useWords } from "../words/words.tsx";
import { explanationQuery, isFinal, queueMs, runQuery, workMs, type RunRecord } from "./run.ts";

const route = getRouteApi("/runs/$threadId/$runId");

/** One run: what it was asked, what it did, how it ended, and why it waits. */
export function RunDetail() {
  const words = useWords();
  const navigate = route.useNavigate();
  const cache = useQueryClient();
  const { threadId, runId } = route.useParams();
  const [isDeleting, setDeleting] = useState(false);
  const found = useQuery({
    ...runQuery(threadId, runId),
    refetchInterval: ({ state }) => (state.data && isFinal(state.data) ? false : 1_000),
  });
  const cancel = useMutation({
    mutationFn: () => client.runs.cancel(threadId, runId),
    onSuccess: () => cache.invalidateQueries({ queryKey: ["runs"] }),
    onError: (thrown) => toast.error(thrown.message),
  });
  const remove = useMutation({
    mutationFn: () => client.runs.delete(threadId, runId),
    onSuccess: async () => {
      await navigate({ to: "/runs" });
      await cache.invalidateQueries({ queryKey: ["runs"] });
    },
  });
  if (found.isPending) return <Loading />;
  if (found.isError) {
    return (
      <Page title={words.runs.title}>
        <Problem thrown={found.error} onRetry={() => void found.refetch()}>
          <Link to="/runs" className={buttonClass("plain")}>
            {words.places.runs}
          </Link>
        </Problem>
      </Page>
    );
  }
  const run = found.data;
  return (
    <Page
      title={
        <span className="flex flex-wrap items-center gap-2">
          {words.runs.title} <Status status={run.status} />
        </span>
      }
      lead={<span className="font-mono text-xs">{run.run_id}</span>}
      actions={
        <>
          <Link
            to="/test"
            search={{ assistant: run.assistant_id, thread: run.thread_id }}
            className={buttonClass("primary")}
          >
            <FlaskConical className="size-4" aria-hidden />
            {words.runs.openThread}
          </Link>
          {!isFinal(run) && (
            <Button icon={Square} isBusy={cancel.isPending} onClick={() => cancel.mutate()}>
              {words.test.cancel}
            </Button>
          )}
          <Button icon={Trash2} variant="danger" onClick={() => setDeleting(true)}>
            {words.common.delete}
          </Button>
        </>
      }
    >
      <Facts run={run} now={found.dataUpdatedAt} />
      {run.status === "pending" && <WhyPending run={run} />}
      {run.error && (
        <div role="alert" className="rounded-md border border-bad bg-bad-soft p-3">
          <p className="font-medium text-bad">{run.error.error}</p>
          <p className="break-words whitespace-pre-wrap">{run.error.message}</p>
        </div>
      )}
      <Events key={run.run_id} run={run} />
      <Section title={words.test.input} value={run.kwargs["command"] ?? run.kwargs["input"]} />
      <Section title={words.assistants.context} value={run.kwargs["context"]} />
      <Section title={words.runs.request} value={run.kwargs} isFolded />
      <Confirm
        isOpen={isDeleting}
        title={words.runs.deleteTitle}
        action={words.common.delete}
        isBusy={remove.isPending}
        onClose={() => setDeleting(false)}
        onConfirm={() => remove.mutate()}
      >
        <p>{words.runs.deleteText}</p>
        {remove.isError && <Problem thrown={remove.error} />}
      </Confirm>
    </Page>
  );
}

function Facts({ run, now }: { run: RunRecord; now: number }) {
  const words = useWords();
  const assistant = useQuery(assistantQuery(run.assistant_id));
  const facts: [string, React.ReactNode][] = [
    [
      words.runs.assistant,
      <span key="assistant">
        <Link
          to="/assistants/$assistantId"
          params={{ assistantId: run.assistant_id }}
          className="text-accent underline"
        >
          {assistant.data?.name ?? run.assistant_id.slice(-8)}
        </Link>{" "}
        <Badge>v{run.assistant_version}</Badge>
      </span>,
    ],
    [words.runs.created, <Time key="created" at={run.created_at} />],
    [words.runs.queued, duration(queueMs(run, now))],
    [words.runs.worked, run.started_at ? duration(workMs(run, now)!) : "—"],
    [words.runs.attempts, String(run.attempt)],
  ];
  return (
    <dl className="card grid grid-cols-2 gap-3 p-4 md:grid-cols-6">
      {facts.map(([name, value]) => (
        <div key={name} className="first:col-span-2">
          <dt className="text-xs text-muted">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The server's own explanation: in a word that this page knows, and in its sentences. */
function WhyPending({ run }: { run: RunRecord }) {
  const words = useWords();
  const found = useQuery(explanationQuery(run.run_id));
  if (!found.data) return null;
  const { reason, explanation, next, blocked_by: blockedBy, queue } = found.data;
  const reasons: Record<string, string> = words.runs.reasons;
  return (
    <div role="status" className="rounded-md border border-warn bg-warn-soft p-3 text-sm">
      <p className="font-medium">
        {words.runs.whyPending} {reasons[reason] ?? reason}
      </p>
      <p lang="en">
        {explanation} {next}
      </p>
      {blockedBy && (
        <Link
          to="/runs/$threadId/$runId"
          params={{ threadId: run.thread_id, runId: blockedBy.run_id }}
          className="text-accent underline"
        >
          {words.runs.openBlocking}
        </Link>
      )}
      {queue && <p>{words.runs.queue(queue.ahead, queue.running, queue.slots)}</p>}
    </div>
  );
}

interface EventRow {
  name: string;
  data: unknown;
}

const eventsMax = 2_000;

/** The run's log, from its beginning where the server still has it. */
function Events({ run }: { run: RunRecord }) {
  const words = useWords();
  const [events, setEvents] = useState<EventRow[]>([]);
  const [thrown, setThrown] = useState<unknown>(null);
  const { thread_id: threadId, run_id: runId } = run;
  useEffect(() => {
    const stop = new AbortController();
    const received: EventRow[] = [];
    const show = window.setInterval(() => setEvents([...received]), 150);
    const follow = async () => {
      const options = { signal: stop.signal, lastEventId: "-1" };
      for await (const { event, data } of client.runs.joinStream(threadId, runId, options)) {
        if (received.length < eventsMax) received.push({ name: event, data: data as unknown });
      }
    };
    follow()
      .catch((error: unknown) => !stop.signal.aborted && setThrown(error))
      .finally(() => {
        window.clearInterval(show);
        if (!stop.signal.aborted) setEvents([...received]);
      });
    return () => {
      window.clearInterval(show);
      stop.abort();
    };
  }, [threadId, runId]);
  return (
    <section className="card" aria-labelledby="events-title">
      <h2 id="events-title" className="border-b border-line px-4 py-2 font-semibold">
        {words.runs.events} <Badge>{events.length}</Badge>
      </h2>
      {Boolean(thrown) && <Problem thrown={thrown} />}
      {events.length === 0 && !thrown && (
        <Empty icon={Radio} title={words.runs.noEvents}>
          <p>{isFinal(run) ? words.runs.noEventsAdvice : words.runs.noEventsYet}</p>
        </Empty>
      )}
      <ol className="max-h-96 overflow-auto">
        {events.map(({ name, data }, at) => (
          <li key={at} className="border-b border-line last:border-0">
            <details className="px-4 py-1 text-sm">
              <summary className="flex gap-2">
                <span className="w-10 shrink-0 text-right text-muted tabular-nums">{at + 1}</span>
                <code className="shrink-0 font-medium">{name}</code>
                <span className="min-w-0 truncate text-muted">{JSON.stringify(data)}</span>
              </summary>
              <Verbatim className="mt-1 max-h-72 rounded bg-sunken p-2">
                {prettyJson(data)}
              </Verbatim>
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Section(props: { title: string; value: unknown; isFolded?: boolean }) {
  if (props.value === undefined || props.value === null) return null;
  return (
    <details className="card" open={!props.isFolded}>
      <summary className="px-4 py-2 font-semibold">{props.title}</summary>
      <Verbatim className="max-h-96 border-t border-line p-4">{prettyJson(props.value)}</Verbatim>
    </details>
  );
}
