import { json } from "@codemirror/lang-json";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import CodeMirror from "@uiw/react-codemirror";
import { useMemo } from "react";
import { useIsDark } from "../theme.ts";
import { useWords } from "../words/words.tsx";

const look = EditorView.theme({
  "&": { fontSize: "13px", backgroundColor: "transparent" },
  ".cm-content": { fontFamily: "var(--font-mono)" },
  ".cm-gutters": { backgroundColor: "transparent", border: "none", color: "var(--muted)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
});

const textLook = EditorView.theme({
  "&": { fontSize: "14px" },
  ".cm-content": { fontFamily: "inherit", lineHeight: "1.6", padding: "6px 4px" },
  ".cm-scroller": { fontFamily: "inherit" },
});

/** Tab leaves the editor, as it leaves every other control. */
export function CodeEditor(props: {
  id?: string;
  label: string;
  language: "json" | "text";
  text: string;
  onChange(text: string): void;
  isReadOnly?: boolean;
  minHeight?: string;
  height: string;
  describedBy?: string | undefined;
  isInvalid?: boolean;
}) {
  const isDark = useIsDark();
  const words = useWords();
  const { id, label, language, describedBy, isInvalid = false } = props;
  const extensions = useMemo(
    () => [
      ...(language === "json" ? [json(), look] : [textLook, look]),
      EditorState.phrases.of(words.editor),
      EditorView.lineWrapping,
      EditorView.perLineTextDirection.of(true),
      EditorView.contentAttributes.of({
        "aria-label": label,
        tabindex: "0",
        ...(id && { id }),
        ...(describedBy && { "aria-describedby": describedBy }),
        ...(isInvalid && { "aria-invalid": "true" }),
        ...(language === "text" && { spellcheck: "true", autocorrect: "on", dir: "auto" }),
      }),
    ],
    [language, id, label, describedBy, isInvalid, words],
  );
  return (
    <CodeMirror
      value={props.text}
      onChange={props.onChange}
      readOnly={props.isReadOnly ?? false}
      theme={isDark ? "dark" : "light"}
      extensions={extensions}
      indentWithTab={false}
      basicSetup={{
        lineNumbers: false,
        highlightActiveLine: false,
        highlightActiveLineGutter: false,
        foldGutter: language === "json",
        closeBrackets: language === "json",
        autocompletion: language === "json",
      }}
      minHeight={props.minHeight ?? "4rem"}
      maxHeight={props.height}
      className={
        "overflow-hidden rounded-md border bg-panel " +
        (isInvalid ? "border-bad" : "border-line-strong")
      }
    />
  );
}
