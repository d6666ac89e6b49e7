import type { Item } from "@langchain/langgraph-sdk";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Database, Folder, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { isJsonObject, parseJson } from "../code/json-editor.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Confirm } from "../parts/dialog.tsx";
import { Empty, Loading, Problem } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Pager } from "../parts/pager.tsx";
import { SearchBox } from "../parts/search-box.tsx";
import { Time } from "../parts/time.tsx";
import { useSettled } from "../parts/use-settled.ts";
import { useWords } from "../words/words.tsx";
import { EditItem } from "./edit-item.tsx";

const route = getRouteApi("/memory");
const pageSize = 25;
const namespacesMax = 1000;

/** Namespaces stand in the address with dots, which no label may contain. */
function labelsOf(namespace: string | undefined): string[] {
  return namespace ? namespace.split(".") : [];
}

/** Long-term memory: what graphs have stored, by namespace. */
export function MemoryPage() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [isNew, setNew] = useState(false);
  const namespaces = useQuery({
    queryKey: ["items", "namespaces"],
    queryFn: async () => (await client.store.listNamespaces({ limit: namespacesMax })).namespaces,
  });
  const go = (namespace: string | undefined) => void navigate({ search: { namespace } });
  return (
    <Page
      title={words.places.memory}
      lead={words.memory.lead}
      actions={
        <Button variant="primary" icon={Plus} onClick={() => setNew(true)}>
          {words.memory.new}
        </Button>
      }
    >
      <div className="grid gap-4 md:grid-cols-[14rem_minmax(0,1fr)]">
        <nav
          aria-label={words.memory.namespaces}
          className="card h-fit max-h-96 overflow-auto p-1 max-md:max-h-44"
        >
          {namespaces.isError && <Problem thrown={namespaces.error} />}
          <Place isChosen={!search.namespace} onChoose={() => go(undefined)}>
            {words.memory.all}
          </Place>
          {namespaces.data?.map((labels) => {
            const name = labels.join(".");
            return (
              <Place key={name} isChosen={search.namespace === name} onChoose={() => go(name)}>
                {labels.join(" › ")}
              </Place>
            );
          })}
        </nav>
        <Items key={search.namespace ?? ""} />
      </div>
      {isNew && (
        <EditItem
          namespace={labelsOf(search.namespace)}
          item={null}
          onClose={() => setNew(false)}
        />
      )}
    </Page>
  );
}

function Place(props: { isChosen: boolean; onChoose(): void; children: string }) {
  return (
    <button
      type="button"
      aria-current={props.isChosen ? "true" : undefined}
      onClick={props.onChoose}
      className={classNames(
        "flex w-full items-center gap-2 rounded px-2 py-1.5 text-left text-sm hover:bg-sunken",
        props.isChosen && "bg-accent-soft font-medium",
      )}
    >
      <Folder className="size-4 shrink-0 text-muted" aria-hidden />
      <span className="min-w-0 truncate" title={props.children}>
        {props.children}
      </span>
    </button>
  );
}

function Items() {
  const words = useWords();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [filterText, setFilterText] = useState("");
  const [queryText, setQueryText] = useState("");
  const offset = search.offset ?? 0;
  const toFirstPage = () =>
    void navigate({ search: (before) => ({ ...before, offset: undefined }), replace: true });
  const settled = useSettled(filterText);
  const query = useSettled(queryText.trim());
  const filter = parseJson(settled);
  const isBroken =
    "problem" in filter || (filter.value !== undefined && !isJsonObject(filter.value));
  const filterValue = isBroken || "problem" in filter ? undefined : filter.value;
  const found = useQuery({
    queryKey: ["items", "search", search.namespace, offset, filterValue, query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      client.store.searchItems(labelsOf(search.namespace), {
        ...(filterValue !== undefined && { filter: filterValue as Record<string, unknown> }),
        ...(query !== "" && { query }),
        // Who looks at memory here does not keep it alive.
        refreshTtl: false,
        limit: pageSize + 1,
        offset,
        signal,
      }),
  });
  // The API does not count: one item more than a page tells whether there is another.
  const items = found.data?.items ?? [];
  const isUnranked =
    query !== "" && items.length > 0 && items.every((item) => scoreOf(item) === null);
  return (
    <div className="min-w-0 space-y-3">
      <div className="grid items-start gap-2 md:grid-cols-2">
        <SearchBox
          label={words.memory.query}
          placeholder={`${words.memory.query}: ${words.memory.queryPlaceholder}`}
          value={queryText}
          onChange={(text) => {
            setQueryText(text);
            toFirstPage();
          }}
          note={isUnranked ? words.memory.notRanked : null}
        />
        <SearchBox
          isCode
          label={words.memory.filter}
          placeholder={words.memory.filterPlaceholder}
          value={filterText}
          onChange={(text) => {
            setFilterText(text);
            toFirstPage();
          }}
          problem={isBroken ? words.memory.filterBroken : null}
        />
      </div>
      {found.isPending && <Loading />}
      {found.isError && <Problem thrown={found.error} onRetry={() => void found.refetch()} />}
      {found.data && (
        <div className="card">
          {items.length === 0 ? (
            <Empty icon={Database} title={words.memory.none}>
              <p>{filterText || query ? words.memory.noneFoundAdvice : words.memory.noneAdvice}</p>
            </Empty>
          ) : (
            <ul>
              {items.slice(0, pageSize).map((item) => (
                <Row key={`${item.namespace.join(".")}/${item.key}`} item={item} />
              ))}
            </ul>
          )}
          <Pager
            offset={offset}
            pageSize={pageSize}
            total={offset + items.length}
            onMove={(next) => void navigate({ search: (before) => ({ ...before, offset: next }) })}
          />
        </div>
      )}
    </div>
  );
}

function Row({ item }: { item: Item }) {
  const words = useWords();
  const cache = useQueryClient();
  const [open, setOpen] = useState<"edit" | "delete" | null>(null);
  const remove = useMutation({
    mutationFn: () => client.store.deleteItem(item.namespace, item.key),
    onSuccess: async () => {
      setOpen(null);
      toast.success(words.memory.deleted);
      await cache.invalidateQueries({ queryKey: ["items"] });
    },
  });
  const score = scoreOf(item);
  const updatedAt = (item as unknown as { updated_at?: string }).updated_at ?? item.updatedAt;
  return (
    <li className="flex items-start gap-2 border-b border-line px-3 py-2 last:border-0">
      <div className="min-w-0 flex-1">
        <p className="font-medium">
          {item.key}{" "}
          <span className="text-xs font-normal text-muted">{item.namespace.join(" › ")}</span>
        </p>
        <p className="line-clamp-2 font-mono text-xs text-muted">{JSON.stringify(item.value)}</p>
        <p className="text-xs text-muted">
          <Time at={updatedAt} />
          {score !== null && ` · ${words.memory.score(score.toFixed(3))}`}
        </p>
      </div>
      <IconButton
        label={words.memory.editItem(item.key)}
        icon={Pencil}
        onClick={() => setOpen("edit")}
      />
      <IconButton
        label={words.memory.deleteItem(item.key)}
        icon={Trash2}
        onClick={() => setOpen("delete")}
      />
      {open === "edit" && (
        <EditItem namespace={item.namespace} item={item} onClose={() => setOpen(null)} />
      )}
      <Confirm
        isOpen={open === "delete"}
        title={words.memory.deleteItem(item.key)}
        action={words.common.delete}
        isBusy={remove.isPending}
        onClose={() => setOpen(null)}
        onConfirm={() => remove.mutate()}
      >
        <p>{words.memory.deleteText}</p>
        {remove.isError && <Problem thrown={remove.error} />}
      </Confirm>
    </li>
  );
}

/** How near it is to what was asked; null when nothing was, or it has no vector. */
function scoreOf(item: Item): number | null {
  const { score } = item as { score?: unknown };
  return typeof score === "number" ? score : null;
}
