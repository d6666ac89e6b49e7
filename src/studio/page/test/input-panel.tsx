import { Play, Square } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { JsonEditor, useJsonText } from "../code/json-editor.tsx";
import { defaultsOf, hasFields, withPlainMessages, type JsonSchema } from "../form/schema.ts";
import { faultsOf } from "../form/validator.ts";
import { Button } from "../parts/button.tsx";
import { Segments, Toggle } from "../parts/field.tsx";
import { Loading } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";

const SchemaForm = lazy(() =>
  import("../form/schema-form.tsx").then((module) => ({ default: module.SchemaForm })),
);

export interface Breakpoints {
  before: ReadonlySet<string>;
  after: ReadonlySet<string>;
}

/** What a graph is given, how, and where it is to stop. */
export function InputPanel(props: {
  schema: JsonSchema | null;
  nodes: string[];
  isRunning: boolean;
  isStreamed: boolean;
  onStreamedChange(isStreamed: boolean): void;
  breakpoints: Breakpoints;
  onBreakpointsChange(breakpoints: Breakpoints): void;
  onSubmit(input: Record<string, unknown>): void;
  onCancel(): void;
}) {
  const words = useWords();
  const schema = props.schema ? withPlainMessages(props.schema) : null;
  const withForm = hasFields(schema);
  const [value, setValue] = useState<unknown>(() => blankInput(schema));
  const [chosen, setChosen] = useState<"form" | "json">("form");
  const [isChecked, setChecked] = useState(false);
  const json = useJsonText(value, setValue);
  const side = withForm ? chosen : "json";
  const input = withoutBlankMessages(value);
  const problem =
    json.isBroken && side === "json" ? words.json.fix : problemOf(schema, input, words);
  return (
    <form
      noValidate
      className="space-y-3 p-3"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (problem === null) props.onSubmit(input as Record<string, unknown>);
      }}
    >
      <div className="flex items-center gap-2">
        <h2 className="flex-1 text-sm font-semibold">{words.test.input}</h2>
        {withForm && (
          <Segments
            label={words.test.inputAs}
            value={chosen}
            onChange={setChosen}
            options={[
              { value: "form", label: words.common.form },
              { value: "json", label: "JSON" },
            ]}
          />
        )}
      </div>
      {side === "form" && withForm ? (
        <Suspense fallback={<Loading />}>
          <SchemaForm name="input" schema={schema} value={value} onChange={setValue} />
        </Suspense>
      ) : (
        <JsonEditor
          label={words.test.input}
          text={json.text}
          onChange={json.setText}
          height="18rem"
        />
      )}
      {isChecked && problem && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <div className="flex flex-wrap items-center gap-2">
        <Toggle
          label={words.test.stream}
          isOn={props.isStreamed}
          onChange={props.onStreamedChange}
        />
        <span className="flex-1" />
        {props.isRunning ? (
          <Button icon={Square} variant="danger" onClick={props.onCancel}>
            {words.test.cancel}
          </Button>
        ) : (
          <Button type="submit" variant="primary" icon={Play}>
            {words.test.submit}
          </Button>
        )}
      </div>
      <BreakpointList {...props} />
    </form>
  );
}

function BreakpointList(props: {
  nodes: string[];
  breakpoints: Breakpoints;
  onBreakpointsChange(breakpoints: Breakpoints): void;
}) {
  const words = useWords();
  const { before, after } = props.breakpoints;
  const toggle = (side: "before" | "after", node: string) => {
    const next = new Set(props.breakpoints[side]);
    if (!next.delete(node)) next.add(node);
    props.onBreakpointsChange({ ...props.breakpoints, [side]: next });
  };
  if (props.nodes.length === 0) return null;
  return (
    <details className="text-sm" open={before.size + after.size > 0 || undefined}>
      <summary className="text-muted">{words.test.breakpoints(before.size + after.size)}</summary>
      <table className="mt-1 w-full text-left">
        <thead className="text-xs text-muted">
          <tr>
            <th className="font-normal">{words.test.node}</th>
            <th className="w-16 font-normal">{words.test.before}</th>
            <th className="w-16 font-normal">{words.test.after}</th>
          </tr>
        </thead>
        <tbody>
          {props.nodes.map((node) => (
            <tr key={node}>
              <td className="font-mono text-[13px]">{node}</td>
              {(["before", "after"] as const).map((side) => (
                <td key={side}>
                  <input
                    type="checkbox"
                    className="size-4 accent-accent"
                    aria-label={words.test.breakpoint[side](node)}
                    checked={props.breakpoints[side].has(node)}
                    onChange={() => toggle(side, node)}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function blankInput(schema: JsonSchema | null): unknown {
  const defaults = defaultsOf(schema);
  const takesMessages = schema?.properties?.["messages"] !== undefined;
  return takesMessages ? { ...defaults, messages: [{ role: "user", content: "" }] } : defaults;
}

/** The empty line that a form of messages begins with is no message. */
function withoutBlankMessages(value: unknown): unknown {
  const { messages } = (value ?? {}) as { messages?: unknown };
  if (!Array.isArray(messages)) return value ?? {};
  return {
    ...(value as object),
    messages: messages.filter((one) => (one as { content?: unknown }).content !== ""),
  };
}

function problemOf(
  schema: JsonSchema | null,
  input: unknown,
  words: ReturnType<typeof useWords>,
): string | null {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return words.test.inputNoObject;
  }
  const { messages } = input as { messages?: unknown[] };
  if (messages?.length === 0) return words.test.messageMissing;
  const [fault] = schema ? faultsOf(schema, input, words) : [];
  return fault ? `${fault.path.join(".")}: ${fault.sentence}` : null;
}
