import { useState } from "react";
import { ListTree } from "lucide-react";
import { prettyJson } from "../code/json-editor.tsx";
import { Badge } from "../parts/badge.tsx";
import { Segments } from "../parts/field.tsx";
import { Empty } from "../parts/notice.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { duration } from "../words/time.ts";
import { useWords } from "../words/words.tsx";
import type { RunOutline, StepView, TaskView } from "./run-view.ts";
import { isMessage, textOf, typeOf } from "./message.ts";

type Form = "pretty" | "json";

/** The supersteps of a run: which nodes ran, and what each changed in the state. */
export function Steps({ run }: { run: RunOutline }) {
  const words = useWords();
  const [form, setForm] = useState<Form>("pretty");
  if (run.steps.length === 0 && run.custom.length === 0) {
    return (
      <Empty icon={ListTree} title={words.steps.none}>
        <p>{words.steps.noneAdvice}</p>
      </Empty>
    );
  }
  return (
    <div className="space-y-2 p-3">
      <div className="flex items-center gap-2">
        <h2 className="flex-1 text-sm font-semibold">
          {words.steps.title}{" "}
          {run.startedAt && run.endedAt && (
            <span className="font-normal text-muted">{duration(run.endedAt - run.startedAt)}</span>
          )}
        </h2>
        <Segments
          label={words.steps.form}
          value={form}
          onChange={setForm}
          options={[
            { value: "pretty", label: words.steps.pretty },
            { value: "json", label: "JSON" },
          ]}
        />
      </div>
      <ol className="space-y-2">
        {run.steps.map((step) => (
          <li key={step.number} className="card">
            <p className="border-b border-line px-3 py-1 text-xs text-muted">
              {words.steps.step(step.number)}
            </p>
            <ul>
              {step.tasks.map((task) => (
                <Task key={task.id} task={task} step={step} form={form} />
              ))}
            </ul>
          </li>
        ))}
      </ol>
      {run.custom.length > 0 && (
        <details className="card px-3 py-1 text-sm">
          <summary>{words.steps.custom(run.custom.length)}</summary>
          <Json value={run.custom} />
        </details>
      )}
    </div>
  );
}

function Task({ task, step, form }: { task: TaskView; step: StepView; form: Form }) {
  const words = useWords();
  return (
    <li className="space-y-1 border-b border-line px-3 py-2 text-sm last:border-0">
      <p className="flex flex-wrap items-center gap-2">
        <span className="font-medium">{[...task.path, task.name].join(" › ")}</span>
        {task.error ? (
          <Badge tone="bad">{words.graph.phases.failed}</Badge>
        ) : task.isInterrupted ? (
          <Badge tone="warn">{words.graph.phases.waiting}</Badge>
        ) : task.endedAt === null ? (
          <Badge tone="calm">{words.graph.phases.running}</Badge>
        ) : (
          <span className="text-xs text-muted">{duration(task.endedAt - task.startedAt)}</span>
        )}
      </p>
      {task.error && <p className="text-bad">{task.error}</p>}
      {task.update !== undefined && form === "json" && <Json value={task.update} />}
      {task.update !== undefined && form === "pretty" && (
        <Changes before={task.path.length === 0 ? step.before : null} update={task.update} />
      )}
    </li>
  );
}

/** What a node's return value changes, key by key of the state. */
function Changes({ before, update }: { before: unknown; update: unknown }) {
  const words = useWords();
  if (typeof update !== "object" || update === null) {
    return <p className="text-muted">{words.steps.noChange}</p>;
  }
  const updates = Array.isArray(update) ? update : [update];
  const entries = updates.flatMap((one) => Object.entries((one ?? {}) as object));
  if (entries.length === 0) return <p className="text-muted">{words.steps.noChange}</p>;
  return (
    <dl className="space-y-1">
      {entries.map(([key, value], at) => (
        <div key={`${key}-${at}`}>
          <dt className="font-mono text-xs text-muted">{key}</dt>
          <dd>
            <Change before={(before as Record<string, unknown> | null)?.[key]} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Change({ before, value }: { before: unknown; value: unknown }) {
  const list = Array.isArray(value) ? value : isMessage(value) ? [value] : null;
  if (list) {
    return (
      <ul className="space-y-0.5">
        {list.map((item, at) => (
          <li key={at} className="rounded bg-good-soft px-1.5 py-0.5 text-good">
            + <Item value={item} />
          </li>
        ))}
      </ul>
    );
  }
  const now = JSON.stringify(value);
  const was = before === undefined ? null : JSON.stringify(before);
  return (
    <div className="space-y-0.5 font-mono text-xs">
      {was !== null && was !== now && (
        <p className="rounded bg-bad-soft px-1.5 py-0.5 break-all text-bad">− {was}</p>
      )}
      <p className="rounded bg-good-soft px-1.5 py-0.5 break-all text-good">+ {now}</p>
    </div>
  );
}

function Item({ value }: { value: unknown }) {
  const words = useWords();
  if (!isMessage(value)) return <code className="text-xs break-all">{JSON.stringify(value)}</code>;
  const names: Record<string, string> = words.roles;
  const calls = value.tool_calls?.map(({ name, args }) => `${name}(${JSON.stringify(args)})`) ?? [];
  return (
    <>
      <strong>{names[typeOf(value)] ?? typeOf(value)}</strong>{" "}
      <span className="break-words">{[textOf(value), ...calls].filter(Boolean).join(" ")}</span>
    </>
  );
}

function Json({ value }: { value: unknown }) {
  return <Verbatim className="max-h-72 rounded bg-sunken p-2">{prettyJson(value)}</Verbatim>;
}
