import { SearchBox } from "../parts/search-box.tsx";
import { useWords } from "../words/words.tsx";
import { readFind } from "./thread.ts";

export function ThreadSearchBox(props: { value: string; onChange(value: string): void }) {
  const words = useWords();
  return (
    <SearchBox
      className="max-w-md"
      label={words.threads.search}
      placeholder={words.threads.searchPlaceholder}
      problem={readFind(props.value) === null ? words.threads.searchBroken : null}
      {...props}
    />
  );
}
