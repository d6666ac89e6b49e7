import { useSpeech } from "../words/words.tsx";
import { absoluteTime, relativeTime } from "../words/time.ts";

export function Time({ at }: { at: string | null | undefined }) {
  const { language } = useSpeech();
  if (!at) return null;
  return (
    <time dateTime={at} title={absoluteTime(at, language)} className="whitespace-nowrap">
      {relativeTime(at, language)}
    </time>
  );
}
