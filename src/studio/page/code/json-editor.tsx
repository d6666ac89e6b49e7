import { useId, useState } from "react";
import { useWords } from "../words/words.tsx";
import { LazyEditor } from "./lazy-editor.tsx";

/** What a text of JSON is: the value, or why there is none. */
export type Parsed = { value: unknown } | { problem: string };

export function parseJson(text: string): Parsed {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (thrown) {
    return { problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function prettyJson(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** An editor of JSON as text; says below what is wrong with it. */
export function JsonEditor(props: {
  label: string;
  text: string;
  onChange(text: string): void;
  height?: string;
  /** What else is wrong, once the JSON can be read. */
  problem?: string | null;
}) {
  const words = useWords();
  const id = useId();
  const parsed = parseJson(props.text);
  const problem = "problem" in parsed ? words.json.malformed(parsed.problem) : props.problem;
  return (
    <div className="space-y-1">
      <LazyEditor
        language="json"
        label={props.label}
        text={props.text}
        onChange={props.onChange}
        minHeight="4rem"
        height={props.height ?? "14rem"}
        isInvalid={Boolean(problem)}
        describedBy={problem ? id : undefined}
      />
      {problem && (
        <p id={id} role="alert" className="text-xs text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

/**
 * The text of an editor beside a value that others change as well: it follows the value, except while
 * what is being typed already means that value, or is not yet JSON.
 */
export function useJsonText(
  value: unknown,
  onChange: (value: unknown) => void,
): { text: string; setText(text: string): void; isBroken: boolean } {
  const [draft, setDraft] = useState<{ text: string; means: string } | null>(null);
  const current = JSON.stringify(value) ?? "";
  const parsed = draft ? parseJson(draft.text) : null;
  const isBroken = parsed !== null && "problem" in parsed;
  const text = draft && (isBroken || draft.means === current) ? draft.text : prettyJson(value);
  return {
    text,
    isBroken,
    setText(next) {
      const read = parseJson(next);
      if ("problem" in read) return setDraft({ text: next, means: current });
      setDraft({ text: next, means: JSON.stringify(read.value) ?? "" });
      onChange(read.value);
    },
  };
}
