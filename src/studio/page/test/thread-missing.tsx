import { getRouteApi } from "@tanstack/react-router";
import { Button } from "../parts/button.tsx";
import { Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";

const route = getRouteApi("/test");

/** The address names a thread that is not there, or a checkpoint that the thread does not have. */
export function ThreadMissing(props: { problem: unknown }) {
  const words = useWords();
  const { checkpoint, thread, ...others } = route.useSearch();
  const navigate = route.useNavigate();
  const leave = () => void navigate({ search: checkpoint ? { ...others, thread } : others });
  return (
    <div className="p-3">
      <Problem thrown={props.problem}>
        <Button onClick={leave}>{checkpoint ? words.history.toLatest : words.threads.new}</Button>
      </Problem>
    </div>
  );
}
