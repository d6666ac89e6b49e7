import { useWords, type Words } from "../words/words.tsx";
import { Select } from "./field.tsx";

/** Narrows a list to one status, or to none in particular. */
export function StatusSelect<Value extends keyof Words["status"]>(props: {
  value: Value | undefined;
  statuses: readonly Value[];
  onChange(status: Value | undefined): void;
}) {
  const words = useWords();
  return (
    <Select
      aria-label={words.common.status}
      className="w-auto"
      value={props.value ?? ""}
      options={[
        { value: "", label: words.common.allStatuses },
        ...props.statuses.map((value) => ({ value, label: words.status[value] })),
      ]}
      onChange={({ target }) =>
        props.onChange(props.statuses.find((status) => status === target.value))
      }
    />
  );
}
