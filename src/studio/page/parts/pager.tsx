import { ChevronLeft, ChevronRight } from "lucide-react";
import { useWords } from "../words/words.tsx";
import { IconButton } from "./button.tsx";

/** Steps through the pages of a search. `offset` counts items. */
export function Pager(props: {
  offset: number;
  pageSize: number;
  total: number;
  onMove(offset: number): void;
}) {
  const words = useWords();
  const { offset, pageSize, total } = props;
  if (total <= pageSize && offset === 0) return null;
  const last = Math.min(offset + pageSize, total);
  return (
    <nav aria-label={words.common.pages} className="flex items-center justify-end gap-2 px-3 py-2">
      <span className="text-sm text-muted">
        {words.common.range(Math.min(offset + 1, total), last, total)}
      </span>
      <IconButton
        label={words.common.previousPage}
        icon={ChevronLeft}
        disabled={offset === 0}
        onClick={() => props.onMove(Math.max(0, offset - pageSize))}
      />
      <IconButton
        label={words.common.nextPage}
        icon={ChevronRight}
        disabled={last >= total}
        onClick={() => props.onMove(offset + pageSize)}
      />
    </nav>
  );
}
