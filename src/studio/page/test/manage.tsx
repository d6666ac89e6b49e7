import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { useAssistants, versionsQuery } from "../api/queries.ts";
import { EditForm } from "../assistants/edit.tsx";
import { comparable, noteOf } from "../assistants/content.ts";
import { useActivate } from "../assistants/versions.tsx";
import { Badge } from "../parts/badge.tsx";
import { Button, buttonClass } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Field, Select, Toggle } from "../parts/field.tsx";
import { Loading, Problem } from "../parts/notice.tsx";
import { Time } from "../parts/time.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { useWords } from "../words/words.tsx";

/** Choose an assistant and a version, make the version active, or edit into a new one. */
export function ManageAssistants(props: {
  assistantId: string;
  onClose(): void;
  onUse(assistantId: string, version: number | undefined): void;
}) {
  const words = useWords();
  const [assistantId, setAssistantId] = useState(props.assistantId);
  const [isEditing, setEditing] = useState(false);
  const all = useAssistants(assistantId);
  const assistant = all.data?.find((one) => one.assistant_id === assistantId);
  return (
    <Dialog
      isOpen
      title={words.manage.title}
      description={words.manage.lead}
      width="large"
      onClose={props.onClose}
    >
      {all.isError && <Problem thrown={all.error} onRetry={() => void all.refetch()} />}
      {isEditing && assistant ? (
        <EditForm
          assistant={assistant}
          cancel={<Button onClick={() => setEditing(false)}>{words.common.cancel}</Button>}
          onSaved={(saved) => {
            setEditing(false);
            props.onUse(saved.assistant_id, undefined);
          }}
        />
      ) : (
        <div className="space-y-4">
          <div className="flex flex-wrap items-end gap-2">
            <div className="min-w-52 flex-1">
              <Field label={words.manage.assistant}>
                {(control) => (
                  <Select
                    {...control}
                    value={assistantId}
                    options={(all.data ?? []).map((one) => ({
                      value: one.assistant_id,
                      label: `${one.name} · ${one.graph_id} · v${one.version}`,
                    }))}
                    onChange={({ target }) => setAssistantId(target.value)}
                  />
                )}
              </Field>
            </div>
            <Button icon={Pencil} disabled={!assistant} onClick={() => setEditing(true)}>
              {words.assistants.edit}
            </Button>
            <Link to="/assistants/new" className={buttonClass("plain")}>
              <Plus className="size-4" aria-hidden />
              {words.assistants.new}
            </Link>
          </div>
          {assistant && (
            <VersionChoice
              key={assistantId}
              assistantId={assistantId}
              activeVersion={assistant.version}
              onUse={(version) => {
                props.onUse(assistantId, version === assistant.version ? undefined : version);
                props.onClose();
              }}
            />
          )}
        </div>
      )}
    </Dialog>
  );
}

function VersionChoice(props: {
  assistantId: string;
  activeVersion: number;
  onUse(version: number): void;
}) {
  const words = useWords();
  const versions = useQuery(versionsQuery(props.assistantId));
  const activate = useActivate(props.assistantId);
  const [picked, setPicked] = useState(props.activeVersion);
  if (versions.isPending) return <Loading />;
  if (versions.isError) {
    return <Problem thrown={versions.error} onRetry={() => void versions.refetch()} />;
  }
  const chosen = versions.data.find(({ version }) => version === picked);
  const isActive = picked === props.activeVersion;
  return (
    <div className="grid gap-4 md:grid-cols-[16rem_1fr]">
      <ol aria-label={words.assistants.versions} className="card max-h-80 overflow-auto p-1">
        {versions.data.map((version) => (
          <li key={version.version}>
            <button
              type="button"
              aria-current={version.version === picked ? "true" : undefined}
              onClick={() => setPicked(version.version)}
              className={classNames(
                "flex w-full items-center gap-2 rounded px-2 py-1.5 text-left text-sm hover:bg-sunken",
                version.version === picked && "bg-accent-soft",
              )}
            >
              <Badge tone={version.version === props.activeVersion ? "good" : "plain"}>
                v{version.version}
              </Badge>
              <span className="min-w-0 flex-1 truncate" title={noteOf(version) || version.name}>
                {noteOf(version) || version.name}
              </span>
              <span className="text-xs text-muted">
                <Time at={version.created_at} />
              </span>
            </button>
          </li>
        ))}
      </ol>
      {chosen && (
        <div className="min-w-0 space-y-3">
          <div className="flex flex-wrap items-center gap-3">
            <Toggle
              label={words.assistants.active}
              isOn={isActive}
              isDisabled={activate.isPending}
              onChange={(isOn) =>
                isOn ? activate.mutate(picked) : toast.info(words.assistants.oneIsActive)
              }
            />
            <span className="flex-1" />
            <Button variant="primary" onClick={() => props.onUse(picked)}>
              {words.manage.use(picked)}
            </Button>
          </div>
          {activate.isError && <Problem thrown={activate.error} />}
          <Verbatim className="max-h-72 rounded-md bg-sunken p-3">{comparable(chosen)}</Verbatim>
        </div>
      )}
    </div>
  );
}
