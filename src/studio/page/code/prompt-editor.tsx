import { LazyEditor } from "./lazy-editor.tsx";

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
  const { heights, ...rest } = props;
  const [minHeight, height] = heights;
  return <LazyEditor language="text" minHeight={minHeight} height={height} {...rest} />;
}
