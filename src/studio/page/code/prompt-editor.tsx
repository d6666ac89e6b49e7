import { lazy, Suspense } from "react";

const CodeEditor = lazy(() =>
  import("./code-editor.tsx").then((module) => ({ default: module.CodeEditor })),
);

/** An editor of a text that people write: wrapped, spell-checked, each line in its own direction. */
export function PromptEditor(props: {
  id?: string;
  label: string;
  text: string;
  onChange(text: string): void;
  isReadOnly?: boolean;
  /** CSS heights: as large as an empty text, and as large as it may grow. */
  heights: [string, string];
  describedBy?: string | undefined;
  isInvalid?: boolean;
}) {
  const [least, most] = props.heights;
  return (
    <Suspense fallback={<div className="control" style={{ minHeight: least }} aria-busy />}>
      <CodeEditor
        language="text"
        label={props.label}
        text={props.text}
        onChange={props.onChange}
        isReadOnly={props.isReadOnly ?? false}
        minHeight={least}
        height={most}
        {...(props.id && { id: props.id })}
        {...(props.describedBy && { describedBy: props.describedBy })}
        isInvalid={props.isInvalid ?? false}
      />
    </Suspense>
  );
}
