import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Bot } from "lucide-react";
import { useState } from "react";
import { useAssistants, drawingQuery, schemasQuery } from "../api/queries.ts";
import type { JsonSchema } from "../form/schema.ts";
import { NoAssistants } from "../assistants/none.tsx";
import { buttonClass } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Segments } from "../parts/field.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { ThreadColumn } from "../threads/column.tsx";
import { useWords } from "../words/words.tsx";
import type { Breakpoints } from "./input-panel.tsx";
import { MainPane } from "./main-pane.tsx";
import { SidePanel } from "./side-panel.tsx";
import { ThreadMissing } from "./thread-missing.tsx";
import { Toolbar } from "./toolbar.tsx";
import { useSession } from "./use-session.ts";

const route = getRouteApi("/test");
type Pane = "main" | "side" | "threads";
const noBreakpoints: Breakpoints = { before: new Set(), after: new Set() };

/** Studio proper: an assistant on a thread, as a graph or as a chat. */
export function TestPage() {
  const words = useWords();
  const search = route.useSearch();
  const all = useAssistants(search.assistant);
  if (all.isError && !all.data) {
    return (
      <div className="p-4">
        <Problem thrown={all.error} onRetry={() => void all.refetch()} />
      </div>
    );
  }
  if (!all.data || all.isLooking) return <Loading />;
  const assistant =
    all.data.find(
      (one) => one.assistant_id === search.assistant || one.graph_id === search.assistant,
    ) ?? (search.assistant ? undefined : all.data[0]);
  if (!assistant) {
    return (
      <Page title={words.places.test}>
        <div className="card">
          {all.data.length === 0 ? (
            <NoAssistants />
          ) : (
            <Empty icon={Bot} title={words.test.noAssistant}>
              <p>{words.test.noAssistantAdvice}</p>
              <Link to="/assistants" className={buttonClass("primary")}>
                {words.places.assistants}
              </Link>
            </Empty>
          )}
        </div>
      </Page>
    );
  }
  return <Workbench key={assistant.graph_id} assistantId={assistant.assistant_id} />;
}

function Workbench({ assistantId }: { assistantId: string }) {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const all = useAssistants(assistantId);
  const assistant = all.data?.find((one) => one.assistant_id === assistantId);
  const schemas = useQuery(schemasQuery(assistantId));
  const drawing = useQuery(drawingQuery(assistantId, true));
  const [pane, setPane] = useState<Pane>("main");
  const [isStreamed, setStreamed] = useState(true);
  const [breakpoints, setBreakpoints] = useState(noBreakpoints);
  const session = useSession({
    assistant,
    version: search.version,
    threadId: search.thread,
    checkpointId: search.checkpoint,
    isStreamed,
    breakpoints,
    onThread: (thread) =>
      void navigate({ search: (before) => ({ ...before, thread, checkpoint: undefined }) }),
  });
  const takesMessages = acceptsMessages(schemas.data);
  const mode = search.mode ?? (takesMessages ? "chat" : "graph");
  const isModeKnown = search.mode !== undefined || !schemas.isPending;
  const nodes = nodesOf(drawing.data);
  const choose = (checkpoint: string | undefined) =>
    void navigate({ search: (before) => ({ ...before, checkpoint }) });
  // Reading the schemas of some graphs takes seconds: who knows what to look at need not wait for it.
  const toolbar = (
    <Toolbar
      assistantId={assistantId}
      mode={isModeKnown ? mode : null}
      takesMessages={takesMessages || !isModeKnown}
    />
  );
  if (!isModeKnown) {
    return (
      <div className="flex h-full min-h-0 flex-col">
        {toolbar}
        <Loading />
      </div>
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      {toolbar}
      <Segments
        className="m-2 lg:hidden"
        label={words.test.panes}
        value={pane}
        onChange={setPane}
        options={[
          { value: "main", label: words.test.modes[mode] },
          { value: "side", label: words.test.details },
          { value: "threads", label: words.places.threads },
        ]}
      />
      <div className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] lg:grid-cols-[13rem_minmax(0,1fr)_22rem] min-[88rem]:grid-cols-[15rem_minmax(0,1fr)_24rem] max-lg:border-t max-lg:border-line">
        <section
          aria-label={words.places.threads}
          className={classNames(
            "min-h-0 border-r border-line",
            pane !== "threads" && "max-lg:hidden",
          )}
        >
          <ThreadColumn
            threadId={search.thread}
            onChoose={(thread) => {
              setPane("main");
              void navigate({
                search: (before) => ({ ...before, thread, checkpoint: undefined }),
              });
            }}
          />
        </section>
        <section
          aria-label={words.test.modes[mode]}
          className={classNames("min-h-0 min-w-0", pane !== "main" && "max-lg:hidden")}
        >
          {session.isMissing ? (
            <ThreadMissing problem={session.stateProblem} />
          ) : (
            <MainPane mode={mode} session={session} drawing={drawing} breakpoints={breakpoints} />
          )}
        </section>
        <section
          aria-label={words.test.details}
          className={classNames(
            "min-h-0 border-line bg-panel lg:border-l",
            pane !== "side" && "max-lg:hidden",
          )}
        >
          <SidePanel
            key={mode}
            mode={mode}
            session={session}
            threadId={search.thread}
            checkpointId={search.checkpoint}
            schema={(schemas.data?.input_schema ?? null) as JsonSchema | null}
            isSchemaKnown={!schemas.isPending}
            nodes={nodes}
            isStreamed={isStreamed}
            onStreamedChange={setStreamed}
            breakpoints={breakpoints}
            onBreakpointsChange={setBreakpoints}
            onChooseCheckpoint={choose}
            onShowMain={() => setPane("main")}
          />
        </section>
      </div>
    </div>
  );
}

/** Of the graph itself, not of its subgraphs. */
function nodesOf(drawing: { nodes: { id: unknown }[] } | undefined): string[] {
  const ids = (drawing?.nodes ?? []).map(({ id }) => String(id));
  return ids.filter((id) => !id.includes(":") && !id.startsWith("__"));
}

/** A chat needs a state with messages. */
function acceptsMessages(
  schemas: { state_schema?: unknown; input_schema?: unknown } | undefined,
): boolean {
  return [schemas?.state_schema, schemas?.input_schema].some((schema) =>
    JSON.stringify(schema ?? null).includes('"messages"'),
  );
}
