import type { Assistant } from "@langchain/langgraph-sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { assistantQuery } from "../api/queries.ts";
import { Button, buttonClass } from "../parts/button.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { useWords } from "../words/words.tsx";
import { contentOf, payloadOf, type Content } from "./content.ts";
import { AssistantForm, useContentProblem } from "./form.tsx";

const route = getRouteApi("/assistants/$assistantId/edit");

export function EditAssistant() {
  const words = useWords();
  const navigate = route.useNavigate();
  const { assistantId } = route.useParams();
  const assistant = useQuery({ ...assistantQuery(assistantId), staleTime: Infinity });
  if (assistant.isPending) return <Loading />;
  if (assistant.isError) {
    return (
      <Page title={words.assistants.edit}>
        <Problem thrown={assistant.error} onRetry={() => void assistant.refetch()}>
          <Link to="/assistants" className={buttonClass("plain")}>
            {words.places.assistants}
          </Link>
        </Problem>
      </Page>
    );
  }
  return (
    <Page
      title={words.assistants.editTitle(assistant.data.name)}
      lead={words.assistants.editLead(assistant.data.version)}
    >
      <EditForm
        key={`${assistantId}@${assistant.data.version}`}
        assistant={assistant.data}
        cancel={
          <Link
            to="/assistants/$assistantId"
            params={{ assistantId }}
            className={buttonClass("plain")}
          >
            {words.common.cancel}
          </Link>
        }
        onSaved={() => void navigate({ to: "/assistants/$assistantId", params: { assistantId } })}
      />
    </Page>
  );
}

/** Also in the dialog of the test page. */
export function EditForm(props: {
  assistant: Assistant;
  cancel: ReactNode;
  onSaved(assistant: Assistant): void;
}) {
  const words = useWords();
  const cache = useQueryClient();
  const { assistant } = props;
  const [content, setContent] = useState<Content>(() => contentOf(assistant));
  const [isChecked, setChecked] = useState(false);
  const problem = useContentProblem(content, assistant.assistant_id);
  const save = useMutation({
    mutationFn: () => client.assistants.update(assistant.assistant_id, payloadOf(content)),
    onSuccess: async (saved) => {
      await cache.invalidateQueries({ queryKey: ["assistants"] });
      toast.success(words.assistants.saved(saved.version));
      props.onSaved(saved);
    },
  });
  return (
    <AssistantForm
      isNew={false}
      content={content}
      graphIds={[assistant.graph_id]}
      isBuiltin={false}
      schemasOf={assistant.assistant_id}
      isChecked={isChecked}
      onChange={setContent}
      onSubmit={() => {
        setChecked(true);
        if (problem === null) save.mutate();
      }}
    >
      {save.isError && <Problem thrown={save.error} />}
      {isChecked && problem && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <div className="flex justify-end gap-2">
        {props.cancel}
        <Button type="submit" variant="primary" isBusy={save.isPending}>
          {words.assistants.save}
        </Button>
      </div>
    </AssistantForm>
  );
}
