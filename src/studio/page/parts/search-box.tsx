import { useId } from "react";
import { classNames } from "./class-names.ts";

/** What a list is searched by; below it, what is wrong with the text that stands there. */
export function SearchBox(props: {
  label: string;
  placeholder: string;
  value: string;
  onChange(text: string): void;
  problem?: string | null;
  /** What is true of the answers, when nothing is wrong. */
  note?: string | null;
  /** Where there is little room for the placeholder. */
  title?: string | undefined;
  isCode?: boolean;
  className?: string;
}) {
  const id = useId();
  const { problem = null, note = null } = props;
  return (
    <div className={classNames("w-full", props.className)}>
      <input
        type="search"
        className={classNames("control", props.isCode && "font-mono text-[13px]")}
        aria-label={props.label}
        placeholder={props.placeholder}
        title={props.title}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem !== null || note !== null ? id : undefined}
        value={props.value}
        onChange={({ target }) => props.onChange(target.value)}
      />
      {problem !== null ? (
        <p id={id} role="alert" className="mt-1 text-xs text-bad">
          {problem}
        </p>
      ) : (
        note !== null && (
          <p id={id} role="status" className="hint mt-1">
            {note}
          </p>
        )
      )}
    </div>
  );
}
