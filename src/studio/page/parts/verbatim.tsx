import { classNames } from "./class-names.ts";

/** JSON or another text as it is: long lines are broken, not cut off, and the keyboard scrolls it. */
export function Verbatim(props: { children: string; className?: string }) {
  return (
    <pre
      tabIndex={0}
      className={classNames("overflow-auto text-xs whitespace-pre-wrap", props.className)}
    >
      {props.children}
    </pre>
  );
}
