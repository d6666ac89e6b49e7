import { CircleAlert, Info, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { troubleOf } from "../api/problem.ts";
import { useWords } from "../words/words.tsx";
import { Button } from "./button.tsx";

/** Nothing here yet, and what to do about it. */
export function Empty(props: { icon: LucideIcon; title: string; children: ReactNode }) {
  const Icon = props.icon;
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <Icon className="size-8 text-muted" aria-hidden />
      <p className="font-medium">{props.title}</p>
      <div className="max-w-prose space-y-3 text-sm text-muted">{props.children}</div>
    </div>
  );
}

/** What to know before going on; nothing is wrong with the page. */
export function Hint(props: { children: ReactNode }) {
  return (
    <div role="note" className="flex gap-2 rounded-md border border-calm bg-calm-soft p-3 text-sm">
      <Info className="mt-0.5 size-4 shrink-0 text-calm" aria-hidden />
      <div className="min-w-0 flex-1">{props.children}</div>
    </div>
  );
}

export function Loading() {
  const words = useWords();
  return (
    <p role="status" className="flex items-center justify-center gap-2 p-6 text-muted">
      <LoaderCircle className="size-4 animate-spin" aria-hidden />
      {words.common.loading}
    </p>
  );
}

/** What happened, and what to try. */
export function Problem(props: {
  thrown: unknown;
  onRetry?: () => void;
  /** Where else to go from here: links and buttons. */
  children?: ReactNode;
}) {
  const words = useWords();
  const trouble = troubleOf(props.thrown);
  return (
    <div role="alert" className="flex gap-2 rounded-md border border-bad bg-bad-soft p-3 text-sm">
      <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
      <div className="min-w-0 flex-1 space-y-1">
        <p className="font-medium text-bad">{words.trouble[trouble.kind].title}</p>
        <p className="break-words">{trouble.sentence}</p>
        <p>{words.trouble[trouble.kind].advice}</p>
        {(props.onRetry || props.children) && (
          <div className="flex flex-wrap gap-2 pt-1">
            {props.onRetry && <Button onClick={props.onRetry}>{words.common.retry}</Button>}
            {props.children}
          </div>
        )}
      </div>
    </div>
  );
}
