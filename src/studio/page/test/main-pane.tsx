import { lazy, Suspense } from "react";
import { Loading, Problem } from "../parts/notice.tsx";
import { Chat, RunTrouble } from "./chat.tsx";
import type { Drawing } from "./graph-layout.ts";
import type { Breakpoints } from "./input-panel.tsx";
import { Waiting } from "./interrupt.tsx";
import { Steps } from "./steps.tsx";
import type { Session } from "./use-session.ts";

const GraphView = lazy(() =>
  import("./graph-view.tsx").then((module) => ({ default: module.GraphView })),
);

/** The graph with the log of its steps below it, or the conversation. */
export function MainPane(props: {
  mode: "graph" | "chat";
  session: Session;
  drawing: { data?: unknown; isPending: boolean; error: unknown; refetch(): unknown };
  breakpoints: Breakpoints;
}) {
  const { session } = props;
  const waiting = session.isWaiting && (
    <Waiting
      interrupts={session.interrupts}
      next={session.next}
      onAnswer={(resume) => void session.submit({ command: { resume } })}
      onContinue={() => void session.submit({ input: null })}
    />
  );
  if (props.mode === "chat") {
    return (
      <Chat
        values={session.values}
        live={session.live}
        isHere={session.isHere}
        isRunning={session.isRunning}
        onSend={session.send}
        onCancel={session.cancel}
        onEdit={session.edit}
        onRegenerate={session.regenerate}
        waiting={waiting}
      />
    );
  }
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="min-h-56 flex-1 basis-0">
        {props.drawing.error ? (
          <div className="p-3">
            <Problem thrown={props.drawing.error} onRetry={() => void props.drawing.refetch()} />
          </div>
        ) : props.drawing.isPending ? (
          <Loading />
        ) : (
          <Suspense fallback={<Loading />}>
            <GraphView
              drawing={props.drawing.data as Drawing}
              steps={session.run.steps}
              next={session.next}
              isRunning={session.isRunning}
              before={props.breakpoints.before}
              after={props.breakpoints.after}
            />
          </Suspense>
        )}
      </div>
      <div className="min-h-32 flex-1 basis-0 overflow-auto border-t border-line bg-panel">
        {waiting}
        <div className="pt-2">
          <RunTrouble run={session.run} />
        </div>
        <Steps run={session.run} />
      </div>
    </div>
  );
}
