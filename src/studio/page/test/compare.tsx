import type { Assistant } from "@langchain/langgraph-sdk";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { SendHorizontal, Square } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { useAssistants, versionsQuery } from "../api/queries.ts";
import { isJsonObject, JsonEditor, parseJson } from "../code/json-editor.tsx";
import { NoAssistants } from "../assistants/none.tsx";
import { Button } from "../parts/button.tsx";
import { Segments, Select } from "../parts/field.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { duration } from "../words/time.ts";
import { useWords } from "../words/words.tsx";
import { conversation, RunTrouble } from "./chat.tsx";
import { LiveRun, useRunView } from "./live-run.ts";
import { MessageView } from "./message-view.tsx";
import { Steps } from "./steps.tsx";

const route = getRouteApi("/compare");
type Side = "left" | "right";

/** The same input for two assistants, or two versions of one, each on a thread of its own, at once. */
export function ComparePage() {
  const words = useWords();
  const search = route.useSearch();
  const all = useAssistants(idIn(search.left), idIn(search.right));
  const [runs] = useState(() => ({ left: new LiveRun(), right: new LiveRun() }));
  const views = { left: useRunView(runs.left), right: useRunView(runs.right) };
  const isRunning = views.left.phase === "running" || views.right.phase === "running";
  const { data: listed } = all;
  if (!listed || all.isLooking || listed.length === 0) {
    return (
      <Page title={words.compare.title} lead={words.compare.lead}>
        {all.isError ? (
          <Problem thrown={all.error} onRetry={() => void all.refetch()} />
        ) : listed?.length === 0 ? (
          <div className="card">
            <NoAssistants />
          </div>
        ) : (
          <Loading />
        )}
      </Page>
    );
  }
  const first = search.left ?? listed[0]?.assistant_id ?? "";
  const chosen = { left: first, right: search.right ?? defaultRight(first, listed) };
  const run = async (input: Record<string, unknown>) => {
    try {
      const threads = await Promise.all([client.threads.create(), client.threads.create()]);
      await Promise.all(
        (["left", "right"] as const).map((side, at) =>
          runs[side].start({
            threadId: threads[at]!.thread_id,
            assistant: chosen[side],
            input,
            isStreamed: true,
          }),
        ),
      );
    } catch (thrown) {
      toast.error(thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  return (
    <Page title={words.compare.title} lead={words.compare.lead}>
      <CompareInput
        isRunning={isRunning}
        onRun={(input) => void run(input)}
        onCancel={() => {
          for (const one of Object.values(runs)) {
            one.cancel().catch((thrown: unknown) => toast.error(String(thrown)));
          }
        }}
      />
      <div className="grid gap-4 md:grid-cols-2">
        {(["left", "right"] as const).map((side) => (
          <Column key={side} side={side} reference={chosen[side]} live={runs[side]} all={listed} />
        ))}
      </div>
    </Page>
  );
}

/** Of `id` or `id@version`. */
function idIn(reference: string | undefined): string | undefined {
  return reference?.split("@")[0];
}

/** The version before, where there is one: that is what somebody who just edited wants to see. */
function defaultRight(left: string, all: Assistant[]): string {
  const id = idIn(left);
  const assistant = all.find((one) => one.assistant_id === id);
  if (assistant && assistant.version > 1 && !left.includes("@")) {
    return `${id}@${assistant.version - 1}`;
  }
  return all.find((one) => one.assistant_id !== id)?.assistant_id ?? left;
}

function CompareInput(props: {
  isRunning: boolean;
  onRun(input: Record<string, unknown>): void;
  onCancel(): void;
}) {
  const words = useWords();
  const [kind, setKind] = useState<"message" | "json">("message");
  const [text, setText] = useState("");
  const [json, setJson] = useState("{}");
  const [isChecked, setChecked] = useState(false);
  const parsed = parseJson(json);
  const value = "value" in parsed ? parsed.value : undefined;
  const isObject = isJsonObject(value);
  const isReady = kind === "message" ? text.trim() !== "" : isObject;
  const input =
    kind === "message"
      ? { messages: [{ type: "human", content: text }] }
      : (value as Record<string, unknown>);
  return (
    <form
      className="card space-y-2 p-3"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (isReady) props.onRun(input);
      }}
    >
      <Segments
        label={words.test.inputAs}
        value={kind}
        onChange={setKind}
        options={[
          { value: "message", label: words.chat.message },
          { value: "json", label: "JSON" },
        ]}
      />
      {kind === "message" ? (
        <textarea
          aria-label={words.chat.message}
          placeholder={words.compare.placeholder}
          className="control field-sizing-content min-h-16"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      ) : (
        <JsonEditor label={words.test.input} text={json} onChange={setJson} height="14rem" />
      )}
      <div className="flex items-center justify-end gap-2">
        {isChecked && !isReady && (
          <p role="alert" className="flex-1 text-sm text-bad">
            {kind === "message" ? words.test.messageMissing : words.test.inputNoObject}
          </p>
        )}
        {props.isRunning ? (
          <Button icon={Square} variant="danger" onClick={props.onCancel}>
            {words.test.cancel}
          </Button>
        ) : (
          <Button type="submit" variant="primary" icon={SendHorizontal}>
            {words.compare.run}
          </Button>
        )}
      </div>
    </form>
  );
}

function Column(props: { side: Side; reference: string; live: LiveRun; all: Assistant[] }) {
  const words = useWords();
  const navigate = route.useNavigate();
  const run = useRunView(props.live);
  const [id = "", version = ""] = props.reference.split("@");
  const versions = useQuery({ ...versionsQuery(id), enabled: id !== "" });
  const choose = (reference: string) =>
    void navigate({ search: (before) => ({ ...before, [props.side]: reference }) });
  const messages = conversation(run.values, run);
  const assistant = props.all.find((one) => one.assistant_id === id);
  return (
    <section aria-label={words.compare[props.side]} className="card min-w-0" data-side={props.side}>
      <header className="flex flex-wrap gap-2 border-b border-line p-2">
        <Select
          aria-label={words.compare.assistant[props.side]}
          className="min-w-32 flex-1"
          value={id}
          options={props.all.map((one) => ({ value: one.assistant_id, label: one.name }))}
          onChange={({ target }) => choose(target.value)}
        />
        <Select
          aria-label={words.compare.version[props.side]}
          className="w-auto"
          value={version}
          options={[
            { value: "", label: words.test.activeVersion(assistant?.version ?? 1) },
            ...(versions.data ?? []).map((one) => ({
              value: String(one.version),
              label: `v${one.version}`,
            })),
          ]}
          onChange={({ target }) => choose(target.value ? `${id}@${target.value}` : id)}
        />
      </header>
      <div className="space-y-2 p-3">
        {run.phase === "idle" && <p className="text-sm text-muted">{words.compare.empty}</p>}
        {messages.map((message, at) => (
          <MessageView
            key={message.id ?? at}
            message={message}
            isStreaming={run.phase === "running" && at >= messages.length - run.partial.length}
          />
        ))}
        {run.phase === "running" && messages.length < 2 && (
          <p role="status" className="text-sm text-muted">
            {run.isReconnecting ? words.chat.reconnecting : words.chat.working}
          </p>
        )}
        {run.interrupts.length > 0 && <p className="text-sm text-warn">{words.interrupt.title}</p>}
        <RunTrouble run={run} />
        {run.startedAt && run.endedAt && (
          <p className="flex flex-wrap gap-2 text-xs text-muted">
            {words.compare.took(duration(run.endedAt - run.startedAt))}
            {run.threadId && (
              <Link
                to="/test"
                search={{ assistant: id, thread: run.threadId }}
                className="text-accent underline"
              >
                {words.compare.open}
              </Link>
            )}
          </p>
        )}
      </div>
      {run.steps.length > 0 && (
        <details className="border-t border-line">
          <summary className="px-3 py-2 text-sm text-muted">{words.steps.title}</summary>
          <Steps run={run} />
        </details>
      )}
    </section>
  );
}
