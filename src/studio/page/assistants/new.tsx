import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { graphsQuery, schemasQuery, type Graph } from "../api/queries.ts";
import { Button, buttonClass } from "../parts/button.tsx";
import { Hint, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { defaultsOf } from "../form/schema.ts";
import { useWords } from "../words/words.tsx";
import { payloadOf, type Content } from "./content.ts";
import { AssistantForm, contextSchemaOf, useContentProblem } from "./form.tsx";

const route = getRouteApi("/assistants/new");
const blank: Content = {
  graphId: "",
  name: "",
  description: "",
  context: {},
  config: {},
  note: "",
};

export function NewAssistant() {
  const words = useWords();
  const { graph } = route.useSearch();
  const graphs = useQuery(graphsQuery);
  if (graphs.isPending) return <Loading />;
  return (
    <Page title={words.assistants.newTitle} lead={words.assistants.newLead}>
      {graphs.isError ? (
        <Problem thrown={graphs.error} onRetry={() => void graphs.refetch()} />
      ) : (
        <>
          {graphs.data.every(({ isBuiltin }) => isBuiltin) && (
            <Hint>{words.assistants.noGraphsAdvice}</Hint>
          )}
          <NewForm graphs={graphs.data} graphId={graph ?? firstOf(graphs.data)} />
        </>
      )}
    </Page>
  );
}

/** One of the project's own, where there is one. */
function firstOf(graphs: Graph[]): string {
  return (graphs.find(({ isBuiltin }) => !isBuiltin) ?? graphs[0])?.graphId ?? "";
}

function NewForm(props: { graphs: Graph[]; graphId: string }) {
  const words = useWords();
  const navigate = route.useNavigate();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Content>({ ...blank, graphId: props.graphId });
  const [isTouched, setTouched] = useState(false);
  const [isChecked, setChecked] = useState(false);
  const graph = props.graphs.find(({ graphId }) => graphId === edited.graphId);
  const schemasOf = graph?.reference ?? "";
  const schemas = useQuery({ ...schemasQuery(schemasOf), enabled: schemasOf !== "" });
  const schema = contextSchemaOf(schemas.data);
  // Until something is edited, the form shows what the graph would take by itself.
  const content = isTouched ? edited : { ...edited, context: defaultsOf(schema) };
  const problem = useContentProblem(content, schemasOf);
  const create = useMutation({
    mutationFn: () => client.assistants.create({ graphId: content.graphId, ...payloadOf(content) }),
    onSuccess: async (assistant) => {
      await cache.invalidateQueries({ queryKey: ["assistants"] });
      toast.success(words.assistants.created(assistant.name));
      await navigate({ to: "/test", search: { assistant: assistant.assistant_id } });
    },
  });
  return (
    <AssistantForm
      isNew
      content={content}
      graphIds={props.graphs.map(({ graphId }) => graphId)}
      isBuiltin={graph?.isBuiltin ?? false}
      schemasOf={schemasOf}
      isChecked={isChecked}
      onChange={(next) => {
        setTouched(
          next.graphId === content.graphId && (isTouched || next.context !== content.context),
        );
        setEdited(next);
      }}
      onSubmit={() => {
        setChecked(true);
        if (problem === null) create.mutate();
      }}
    >
      {create.isError && <Problem thrown={create.error} />}
      {isChecked && problem && (
        <p role="alert" className="text-sm text-bad">
          {problem}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Link to="/assistants" className={buttonClass("plain")}>
          {words.common.cancel}
        </Link>
        <Button type="submit" variant="primary" isBusy={create.isPending}>
          {words.assistants.create}
        </Button>
      </div>
    </AssistantForm>
  );
}
