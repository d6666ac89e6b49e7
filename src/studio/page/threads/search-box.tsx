import { SearchBox } from "../parts/search-box.tsx";
import { useWords } from "../words/words.tsx";
import { readFind } from "./thread.ts";

export function ThreadSearchBox(props: {
  value: string;
  onChange(value: string): void;
  isNarrow?: boolean;
}) {
  const words = useWords();
  return (
    <SearchBox
      className="max-w-md"
      label={words.threads.search}
      placeholder={props.isNarrow ? words.threads.search : words.threads.searchPlaceholder}
      title={props.isNarrow ? words.threads.searchPlaceholder : undefined}
      problem={readFind(props.value) === null ? words.threads.searchBroken : null}
      value={props.value}
      onChange={props.onChange}
    />
  );
}
