import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Code, FlaskConical, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { assistantQuery } from "../api/queries.ts";
import { Button, buttonClass } from "../parts/button.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { useWords } from "../words/words.tsx";
import { CodeDialog } from "./code-dialog.tsx";
import { DeleteAssistant } from "./delete.tsx";
import { Versions } from "./versions.tsx";

const route = getRouteApi("/assistants/$assistantId");

export function AssistantDetail() {
  const words = useWords();
  const navigate = route.useNavigate();
  const { assistantId } = route.useParams();
  const [open, setOpen] = useState<"code" | "delete" | null>(null);
  const found = useQuery(assistantQuery(assistantId));
  if (found.isPending) return <Loading />;
  if (found.isError) {
    return (
      <Page title={words.places.assistants}>
        <Problem thrown={found.error} onRetry={() => void found.refetch()}>
          <Link to="/assistants" className={buttonClass("plain")}>
            {words.places.assistants}
          </Link>
        </Problem>
      </Page>
    );
  }
  const assistant = found.data;
  const { description } = assistant as { description?: string | null };
  return (
    <Page
      title={assistant.name}
      lead={
        <>
          {description && <p>{description}</p>}
          <p className="flex items-center gap-x-2">
            <span className="max-w-40 shrink-0 truncate font-mono" title={assistant.graph_id}>
              {assistant.graph_id}
            </span>{" "}
            ·
            <span className="min-w-0 truncate font-mono text-xs" title={assistant.assistant_id}>
              {assistant.assistant_id}
            </span>
            <CopyButton text={assistant.assistant_id} label={words.common.copyId} />
          </p>
        </>
      }
      actions={
        <>
          <Link
            to="/test"
            search={{ assistant: assistant.assistant_id }}
            className={buttonClass("primary")}
          >
            <FlaskConical className="size-4" aria-hidden />
            Studio
          </Link>
          <Link
            to="/assistants/$assistantId/edit"
            params={{ assistantId }}
            className={buttonClass("plain")}
          >
            <Pencil className="size-4" aria-hidden />
            {words.assistants.edit}
          </Link>
          <Button icon={Code} onClick={() => setOpen("code")}>
            {words.assistants.asCode}
          </Button>
          <Button icon={Trash2} variant="danger" onClick={() => setOpen("delete")}>
            {words.common.delete}
          </Button>
        </>
      }
    >
      <Versions assistant={assistant} />
      {open === "code" && <CodeDialog assistant={assistant} onClose={() => setOpen(null)} />}
      {open === "delete" && (
        <DeleteAssistant
          assistant={assistant}
          onClose={() => setOpen(null)}
          onDeleted={() => void navigate({ to: "/assistants" })}
        />
      )}
    </Page>
  );
}
