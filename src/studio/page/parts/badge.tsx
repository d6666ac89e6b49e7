import { useWords } from "../words/words.tsx";
import { classNames } from "./class-names.ts";

const tones = {
  calm: "bg-calm-soft text-calm",
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  plain: "bg-sunken text-ink",
};

export type Tone = keyof typeof tones;

export function Badge(props: { tone?: Tone; children: React.ReactNode }) {
  return (
    <span
      className={classNames(
        "inline-flex items-center rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap",
        tones[props.tone ?? "plain"],
      )}
    >
      {props.children}
    </span>
  );
}

const statusTones: Record<string, Tone> = {
  pending: "plain",
  running: "calm",
  busy: "calm",
  success: "good",
  idle: "plain",
  interrupted: "warn",
  error: "bad",
  timeout: "bad",
};

/** The status of a thread or a run. */
export function Status({ status }: { status: string }) {
  const names: Record<string, string> = useWords().status;
  return <Badge tone={statusTones[status] ?? "plain"}>{names[status] ?? status}</Badge>;
}
