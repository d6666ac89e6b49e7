import { useState } from "react";
import type { JsonSchema } from "../form/schema.ts";
import { Segments } from "../parts/field.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";
import { HistoryPanel } from "./history-panel.tsx";
import { InputPanel, type Breakpoints } from "./input-panel.tsx";
import { StatePanel } from "./state-panel.tsx";
import { Steps } from "./steps.tsx";
import type { Session } from "./use-session.ts";

type Side = "input" | "state" | "history" | "log";

/** What goes in, what the thread holds, and what it held before. */
export function SidePanel(props: {
  mode: "graph" | "chat";
  session: Session;
  threadId: string | undefined;
  checkpointId: string | undefined;
  schema: JsonSchema | null;
  isSchemaKnown: boolean;
  nodes: string[];
  isStreamed: boolean;
  onStreamedChange(isStreamed: boolean): void;
  breakpoints: Breakpoints;
  onBreakpointsChange(breakpoints: Breakpoints): void;
  onChooseCheckpoint(checkpointId: string | undefined): void;
  onShowMain(): void;
}) {
  const words = useWords();
  const { session, mode } = props;
  const sides: Side[] =
    mode === "graph" ? ["input", "state", "history"] : ["state", "history", "log"];
  const [side, setSide] = useState<Side>(sides[0]!);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <Segments
        className="m-2"
        label={words.test.details}
        value={side}
        onChange={setSide}
        options={sides.map((value) => ({ value, label: words.test.sides[value] }))}
      />
      <div className="min-h-0 flex-1 overflow-auto">
        {side === "input" && !props.isSchemaKnown && <Loading />}
        {side === "input" && props.isSchemaKnown && (
          <InputPanel
            schema={props.schema}
            nodes={props.nodes}
            isRunning={session.isRunning}
            isStreamed={props.isStreamed}
            onStreamedChange={props.onStreamedChange}
            breakpoints={props.breakpoints}
            onBreakpointsChange={props.onBreakpointsChange}
            onSubmit={(input) => {
              props.onShowMain();
              void session.submit({ input });
            }}
            onCancel={session.cancel}
          />
        )}
        {side === "state" && (
          <>
            {Boolean(session.stateProblem) && !session.isMissing && (
              <div className="p-3 pb-0">
                <Problem thrown={session.stateProblem} />
              </div>
            )}
            <StatePanel
              threadId={props.threadId}
              checkpointId={props.checkpointId}
              values={session.values}
              next={session.next}
              nodes={props.nodes}
              isRunning={session.isRunning}
              onEdited={(checkpoint) => {
                session.refresh();
                props.onChooseCheckpoint(checkpoint);
              }}
              onRunAgain={() => {
                props.onShowMain();
                void session.submit({ input: null });
              }}
            />
          </>
        )}
        {side === "history" && (
          <HistoryPanel
            threadId={props.threadId}
            checkpointId={props.checkpointId}
            generation={session.generation}
            onChoose={props.onChooseCheckpoint}
          />
        )}
        {side === "log" && <Steps run={session.run} />}
      </div>
    </div>
  );
}
