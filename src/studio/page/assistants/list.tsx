import type { Assistant } from "@langchain/langgraph-sdk";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import {
  ArrowDown,
  ArrowUp,
  Bot,
  Code,
  Ellipsis,
  FlaskConical,
  History,
  Pencil,
  Plus,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { assistantsQuery, graphsQuery } from "../api/queries.ts";
import { Badge } from "../parts/badge.tsx";
import { buttonClass, IconButton } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Select } from "../parts/field.tsx";
import { Menu } from "../parts/menu.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Pager } from "../parts/pager.tsx";
import { Time } from "../parts/time.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { useWords } from "../words/words.tsx";
import { CodeDialog } from "./code-dialog.tsx";
import { isDefault } from "./content.ts";
import { DeleteAssistant } from "./delete.tsx";
import { NoAssistants } from "./none.tsx";

const route = getRouteApi("/assistants");
const pageSize = 20;
type SortBy = "name" | "graph_id" | "created_at" | "updated_at";

/** All assistants over all graphs. */
export function AssistantList() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const name = useSettled(search.name);
  const found = useQuery(
    assistantsQuery({
      name,
      graphId: search.graph,
      sortBy: search.sort ?? "updated_at",
      sortOrder: search.order ?? "desc",
      offset: search.offset ?? 0,
      limit: pageSize,
    }),
  );
  const isFiltered = Boolean(search.name || search.graph);
  return (
    <Page
      title={words.places.assistants}
      lead={words.assistants.lead}
      actions={
        <Link to="/assistants/new" className={buttonClass("primary")}>
          <Plus className="size-4" aria-hidden />
          {words.assistants.new}
        </Link>
      }
    >
      <Filters />
      {found.isError && <Problem thrown={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Loading />}
      {found.data && (
        <div className="card">
          {found.data.items.length > 0 ? (
            <Table assistants={found.data.items} />
          ) : isFiltered ? (
            <Empty icon={Bot} title={words.assistants.noneFound}>
              <p>{words.assistants.noneFoundAdvice}</p>
            </Empty>
          ) : (
            <NoAssistants />
          )}
          <Pager
            offset={search.offset ?? 0}
            pageSize={pageSize}
            total={found.data.total}
            onMove={(offset) => void navigate({ search: (before) => ({ ...before, offset }) })}
          />
        </div>
      )}
    </Page>
  );
}

function Filters() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const graphs = useQuery(graphsQuery);
  const change = (next: object) =>
    void navigate({
      search: (before) => ({ ...before, offset: undefined, ...next }),
      replace: true,
    });
  return (
    <div className="flex flex-wrap gap-2">
      <input
        type="search"
        aria-label={words.assistants.searchName}
        placeholder={words.assistants.searchName}
        className="control max-w-64"
        value={search.name ?? ""}
        onChange={({ target }) => change({ name: target.value || undefined })}
      />
      <Select
        aria-label={words.assistants.graph}
        className="w-auto"
        value={search.graph ?? ""}
        options={[
          { value: "", label: words.assistants.allGraphs },
          ...(graphs.data ?? []).map(({ graphId }) => ({ value: graphId, label: graphId })),
        ]}
        onChange={({ target }) => change({ graph: target.value || undefined })}
      />
      <Select
        aria-label={words.common.sort}
        className="w-auto md:hidden"
        value={search.sort ?? "updated_at"}
        options={(["updated_at", "name", "graph_id", "created_at"] as const).map((value) => ({
          value,
          label: words.assistants.sorts[value],
        }))}
        onChange={({ target }) => change({ sort: target.value })}
      />
    </div>
  );
}

function SortHeader(props: { by: SortBy; label: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const isSorted = (search.sort ?? "updated_at") === props.by;
  const order = search.order ?? "desc";
  const next = isSorted ? (order === "asc" ? "desc" : "asc") : props.by === "name" ? "asc" : "desc";
  const Arrow = order === "asc" ? ArrowUp : ArrowDown;
  return (
    <th
      scope="col"
      className="px-3 py-2"
      aria-sort={isSorted ? (order === "asc" ? "ascending" : "descending") : "none"}
    >
      <button
        type="button"
        className="inline-flex items-center gap-1 font-semibold hover:text-accent"
        onClick={() =>
          void navigate({
            search: (before) => ({ ...before, sort: props.by, order: next, offset: undefined }),
          })
        }
      >
        {props.label}
        {isSorted && <Arrow className="size-3.5" aria-hidden />}
      </button>
    </th>
  );
}

function Table({ assistants }: { assistants: Assistant[] }) {
  const words = useWords();
  return (
    <table className="w-full text-left max-md:block">
      <thead className="border-b border-line text-sm max-md:hidden">
        <tr>
          <SortHeader by="name" label={words.assistants.name} />
          <SortHeader by="graph_id" label={words.assistants.graph} />
          <th scope="col" className="px-3 py-2 font-semibold whitespace-nowrap">
            {words.assistants.activeVersion}
          </th>
          <SortHeader by="updated_at" label={words.assistants.updated} />
          <th scope="col" className="px-3 py-2">
            <span className="sr-only">{words.common.actions}</span>
          </th>
        </tr>
      </thead>
      <tbody className="max-md:block">
        {assistants.map((assistant) => (
          <Row key={assistant.assistant_id} assistant={assistant} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ assistant }: { assistant: Assistant }) {
  const words = useWords();
  const navigate = route.useNavigate();
  const [open, setOpen] = useState<"code" | "delete" | null>(null);
  const { assistant_id: assistantId, description } = assistant as Assistant & {
    description?: string | null;
  };
  const cell = "px-3 py-2 align-middle max-md:inline-block max-md:py-0.5 max-md:text-sm";
  return (
    <tr className="border-b border-line last:border-0 max-md:block max-md:py-2">
      <td className={classNames(cell, "max-md:block! max-md:text-base!")}>
        <Link
          to="/assistants/$assistantId"
          params={{ assistantId }}
          className="font-medium hover:text-accent hover:underline"
        >
          {assistant.name}
        </Link>{" "}
        {isDefault(assistant) && <Badge>{words.assistants.default}</Badge>}
        {description && (
          <p className="line-clamp-2 text-sm text-muted" title={description}>
            {description}
          </p>
        )}
      </td>
      <td className={cell}>
        <span className="block max-w-44 truncate font-mono text-[13px]" title={assistant.graph_id}>
          {assistant.graph_id}
        </span>
      </td>
      <td className={cell}>
        <Badge tone="calm">v{assistant.version}</Badge>
      </td>
      <td className={classNames(cell, "text-sm text-muted")}>
        <Time at={assistant.updated_at} />
      </td>
      <td className={classNames(cell, "max-md:block! max-md:pt-1!")}>
        <div className="flex items-center gap-1 md:justify-end">
          <Link
            to="/test"
            search={{ assistant: assistantId }}
            className={buttonClass("plain")}
            aria-label={`Studio: ${assistant.name}`}
          >
            <FlaskConical className="size-4" aria-hidden />
            Studio
          </Link>
          <Link
            to="/assistants/$assistantId/edit"
            params={{ assistantId }}
            className={buttonClass("plain")}
            aria-label={`${words.assistants.edit}: ${assistant.name}`}
          >
            <Pencil className="size-4" aria-hidden />
            {words.assistants.edit}
          </Link>
          <Menu
            trigger={<IconButton label={words.common.moreFor(assistant.name)} icon={Ellipsis} />}
            entries={[
              {
                label: words.assistants.versions,
                icon: History,
                onSelect: () =>
                  void navigate({ to: "/assistants/$assistantId", params: { assistantId } }),
              },
              { label: words.assistants.asCode, icon: Code, onSelect: () => setOpen("code") },
              {
                label: words.common.delete,
                icon: Trash2,
                isDangerous: true,
                onSelect: () => setOpen("delete"),
              },
            ]}
          />
        </div>
        {open === "code" && <CodeDialog assistant={assistant} onClose={() => setOpen(null)} />}
        {open === "delete" && (
          <DeleteAssistant assistant={assistant} onClose={() => setOpen(null)} />
        )}
      </td>
    </tr>
  );
}
