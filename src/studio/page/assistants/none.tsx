import { Link } from "@tanstack/react-router";
import { Bot, Plus } from "lucide-react";
import { buttonClass } from "../parts/button.tsx";
import { Empty } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";

/** The server has not one assistant: neither made by somebody nor of a graph that loads. */
export function NoAssistants() {
  const words = useWords();
  return (
    <Empty icon={Bot} title={words.assistants.none}>
      <p>{words.assistants.noneAdvice}</p>
      <Link to="/assistants/new" className={buttonClass("primary")}>
        <Plus className="size-4" aria-hidden />
        {words.assistants.new}
      </Link>
    </Empty>
  );
}
