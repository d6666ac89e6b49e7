import { useWords } from "../words/words.tsx";
import { readFind } from "./thread.ts";

export function ThreadSearchBox(props: { value: string; onChange(value: string): void }) {
  const words = useWords();
  const isBroken = readFind(props.value) === null;
  return (
    <div className="w-full max-w-md">
      <input
        type="search"
        className="control"
        aria-label={words.threads.search}
        placeholder={words.threads.searchPlaceholder}
        aria-invalid={isBroken || undefined}
        value={props.value}
        onChange={({ target }) => props.onChange(target.value)}
      />
      {isBroken && (
        <p role="alert" className="text-xs text-bad">
          {words.threads.searchBroken}
        </p>
      )}
    </div>
  );
}
