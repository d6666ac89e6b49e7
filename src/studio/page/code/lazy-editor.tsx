import { lazy, Suspense, type ComponentProps } from "react";

const CodeEditor = lazy(() =>
  import("./code-editor.tsx").then((module) => ({ default: module.CodeEditor })),
);

/** The editor, which is loaded when the first one is shown; until then its place. */
export function LazyEditor(props: ComponentProps<typeof CodeEditor>) {
  return (
    <Suspense
      fallback={<div className="control" style={{ minHeight: props.minHeight }} aria-busy />}
    >
      <CodeEditor {...props} />
    </Suspense>
  );
}
