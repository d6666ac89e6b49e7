import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { Columns2, Plus, Settings2 } from "lucide-react";
import { useState } from "react";
import { useAssistants, versionsQuery } from "../api/queries.ts";
import { Button, buttonClass } from "../parts/button.tsx";
import { Segments, Select } from "../parts/field.tsx";
import { useWords } from "../words/words.tsx";
import { ManageAssistants } from "./manage.tsx";

const route = getRouteApi("/test");

/** Which assistant is tested, in which version, as what. */
export function Toolbar(props: {
  assistantId: string;
  /** Null while it is not known what the graph takes. */
  mode: "graph" | "chat" | null;
  takesMessages: boolean;
}) {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [isManaging, setManaging] = useState(false);
  const all = useAssistants(props.assistantId);
  const versions = useQuery(versionsQuery(props.assistantId));
  const assistant = all.data?.find((one) => one.assistant_id === props.assistantId);
  const use = (id: string, version: number | undefined) =>
    void navigate({ search: (before) => ({ ...before, assistant: id, version }) });
  return (
    <div className="flex flex-wrap items-center gap-2 border-b border-line bg-panel px-3 py-2 max-md:gap-1.5 max-md:px-2">
      <h1 className="sr-only">{words.places.test}</h1>
      <Select
        aria-label={words.manage.assistant}
        className="max-w-60 flex-1 basis-36"
        value={props.assistantId}
        options={(all.data ?? []).map((one) => ({
          value: one.assistant_id,
          label: `${one.name} · ${one.graph_id}`,
        }))}
        onChange={({ target }) => use(target.value, undefined)}
      />
      <Select
        aria-label={words.test.version}
        className="w-auto"
        value={String(search.version ?? "")}
        options={[
          { value: "", label: words.test.activeVersion(assistant?.version ?? 1) },
          ...(versions.data ?? []).map(({ version }) => ({
            value: String(version),
            label: `v${version}`,
          })),
        ]}
        onChange={({ target }) =>
          use(props.assistantId, target.value === "" ? undefined : Number(target.value))
        }
      />
      <Button
        icon={Settings2}
        aria-label={words.manage.title}
        title={words.manage.title}
        onClick={() => setManaging(true)}
      >
        <span className="max-md:hidden">{words.manage.title}</span>
      </Button>
      <span className="flex-1 max-md:hidden" />
      {/* Wraps as one, so that no button stands alone on its line. */}
      <div className="flex items-center gap-2">
        {props.takesMessages && (
          <Segments<"graph" | "chat">
            label={words.test.mode}
            value={props.mode}
            onChange={(mode) => void navigate({ search: (before) => ({ ...before, mode }) })}
            options={[
              { value: "graph", label: words.test.modes.graph },
              { value: "chat", label: words.test.modes.chat },
            ]}
          />
        )}
        <Link
          to="/compare"
          search={{ left: props.assistantId }}
          className={buttonClass("plain")}
          aria-label={words.compare.title}
          title={words.compare.title}
        >
          <Columns2 className="size-4" aria-hidden />
          <span className="max-md:hidden">{words.compare.title}</span>
        </Link>
        <Button
          icon={Plus}
          aria-label={words.threads.new}
          title={words.threads.new}
          onClick={() =>
            void navigate({
              search: (before) => ({ ...before, thread: undefined, checkpoint: undefined }),
            })
          }
        >
          <span className="max-md:hidden">{words.threads.new}</span>
        </Button>
      </div>
      {isManaging && (
        <ManageAssistants
          assistantId={props.assistantId}
          onClose={() => setManaging(false)}
          onUse={use}
        />
      )}
    </div>
  );
}
