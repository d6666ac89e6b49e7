import { json } from "@codemirror/lang-json";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { useWords } from "../words/words.tsx";

const look = EditorView.theme({
  "&": { fontSize: "13px", backgroundColor: "transparent" },
  ".cm-content": { fontFamily: "var(--font-mono)", color: "var(--ink)" },
  ".cm-gutters": { display: "none" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--sunken) !important" },
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": {
    background: "var(--bad-soft) !important",
  },
  "&.cm-merge-b .cm-changedText, .cm-insertedLine": { background: "var(--good-soft) !important" },
});

/** Two texts side by side; one below the other, marked, where there is no room for two columns. */
export function TextDiff(props: { before: string; after: string; labels: [string, string] }) {
  const words = useWords();
  const holder = useRef<HTMLDivElement>(null);
  const { before, after } = props;
  const [beforeLabel, afterLabel] = props.labels;
  useEffect(() => {
    const parent = holder.current!;
    const still = (label: string) => [
      json(),
      look,
      EditorState.phrases.of(words.editor),
      EditorView.lineWrapping,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
    ];
    const collapseUnchanged = { margin: 3, minSize: 6 };
    const view =
      parent.clientWidth >= 560
        ? new MergeView({
            a: { doc: before, extensions: still(beforeLabel) },
            b: { doc: after, extensions: still(afterLabel) },
            parent,
            collapseUnchanged,
          })
        : new EditorView({
            doc: after,
            parent,
            extensions: [
              ...still(`${beforeLabel} → ${afterLabel}`),
              unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged }),
            ],
          });
    return () => view.destroy();
  }, [before, after, beforeLabel, afterLabel, words]);
  return (
    <div ref={holder} className="overflow-auto rounded-md border border-line" data-testid="diff" />
  );
}
