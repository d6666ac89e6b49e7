import { CirclePause, Play } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { JsonEditor, parseJson, prettyJson } from "../code/json-editor.tsx";
import { hasFields, type JsonSchema } from "../form/schema.ts";
import { faultsOf } from "../form/validator.ts";
import { Button } from "../parts/button.tsx";
import { Segments } from "../parts/field.tsx";
import { Loading } from "../parts/notice.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { useWords } from "../words/words.tsx";
import type { InterruptView } from "./run-view.ts";

const SchemaForm = lazy(() =>
  import("../form/schema-form.tsx").then((module) => ({ default: module.SchemaForm })),
);

/** A thread that waits: for an answer, or just to be continued behind a breakpoint. */
export function Waiting(props: {
  interrupts: InterruptView[];
  next: string[];
  onAnswer(resume: unknown): void;
  onContinue(): void;
}) {
  const words = useWords();
  if (props.interrupts.length === 0) {
    return (
      <div className="flex flex-wrap items-center gap-2 border-t border-warn bg-warn-soft px-3 py-2 text-sm">
        <CirclePause className="size-4 text-warn" aria-hidden />
        <p className="flex-1">{words.interrupt.stopped(props.next.join(", "))}</p>
        <Button icon={Play} variant="primary" onClick={props.onContinue}>
          {words.interrupt.continue}
        </Button>
      </div>
    );
  }
  const isOne = props.interrupts.length === 1;
  return (
    <div className="space-y-3 border-t border-warn bg-warn-soft px-3 py-2">
      {props.interrupts.map((interrupt, at) => (
        <Answer
          key={interrupt.id ?? at}
          interrupt={interrupt}
          onAnswer={(value) =>
            props.onAnswer(isOne || !interrupt.id ? value : { [interrupt.id]: value })
          }
        />
      ))}
    </div>
  );
}

function Answer(props: { interrupt: InterruptView; onAnswer(value: unknown): void }) {
  const words = useWords();
  const { interrupt } = props;
  const schema = interrupt.response_schema as JsonSchema | undefined;
  const withForm = hasFields(schema);
  const [kind, setKind] = useState<"form" | "json">("form");
  const [text, setText] = useState("");
  const [jsonText, setJsonText] = useState("");
  const [value, setValue] = useState<unknown>({});
  const json = parseJson(jsonText);
  const problem =
    kind === "json" && "value" in json && json.value === undefined ? words.interrupt.empty : null;
  const isReady =
    kind === "json"
      ? "value" in json && json.value !== undefined
      : withForm
        ? faultsOf(schema, value, words).length === 0
        : text.trim() !== "";
  const answer = () =>
    props.onAnswer(kind === "json" ? (json as { value: unknown }).value : withForm ? value : text);
  return (
    <form
      className="space-y-2 text-sm"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) answer();
      }}
    >
      <div className="flex flex-wrap items-center gap-2">
        <CirclePause className="size-4 text-warn" aria-hidden />
        <p className="flex-1 font-medium">{words.interrupt.title}</p>
        <Segments
          label={words.interrupt.answerAs}
          value={kind}
          onChange={setKind}
          options={[
            { value: "form", label: words.common.form },
            { value: "json", label: "JSON" },
          ]}
        />
      </div>
      <InterruptValue value={interrupt.value} />
      {kind === "json" ? (
        <JsonEditor
          label={words.interrupt.answer}
          text={jsonText}
          onChange={setJsonText}
          height="10rem"
          problem={jsonText === "" ? null : problem}
        />
      ) : withForm ? (
        <Suspense fallback={<Loading />}>
          <SchemaForm name="answer" schema={schema} value={value} onChange={setValue} />
        </Suspense>
      ) : (
        <input
          aria-label={words.interrupt.answer}
          placeholder={words.interrupt.answer}
          className="control"
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      )}
      <div className="flex justify-end">
        <Button type="submit" variant="primary" disabled={!isReady}>
          {words.interrupt.resume}
        </Button>
      </div>
    </form>
  );
}

/** A question in words where the interrupt has one, else its value. */
function InterruptValue({ value }: { value: unknown }) {
  if (typeof value === "string") return <p className="whitespace-pre-wrap">{value}</p>;
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  if (entries.length > 0 && entries.every(([, one]) => typeof one === "string")) {
    return (
      <dl className="space-y-1">
        {entries.map(([key, one]) => (
          <div key={key}>
            <dt className="font-mono text-xs text-muted">{key}</dt>
            <dd className="whitespace-pre-wrap">{String(one)}</dd>
          </div>
        ))}
      </dl>
    );
  }
  return <Verbatim className="max-h-48 rounded bg-panel p-2">{prettyJson(value)}</Verbatim>;
}
