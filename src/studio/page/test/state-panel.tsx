import { useMutation } from "@tanstack/react-query";
import { Braces, Pencil, RotateCcw } from "lucide-react";
import { useMemo, useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { isJsonObject, JsonEditor, parseJson, prettyJson } from "../code/json-editor.tsx";
import { Button } from "../parts/button.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field, Select } from "../parts/field.tsx";
import { Empty, Problem } from "../parts/notice.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { useWords } from "../words/words.tsx";
import { referenceTo } from "./history.ts";

/** Characters: laying out more of them takes longer than people wait for a click. */
const shownMax = 50_000;

/** The values at a checkpoint; editing them, or running again from them, forks the thread there. */
export function StatePanel(props: {
  threadId: string | undefined;
  checkpointId: string | undefined;
  values: unknown;
  next: string[];
  nodes: string[];
  isRunning: boolean;
  onEdited(checkpointId: string | undefined): void;
  onRunAgain(): void;
}) {
  const words = useWords();
  const [isEditing, setEditing] = useState(false);
  const { threadId, values } = props;
  const text = useMemo(() => prettyJson(values), [values]);
  const [isWhole, setWhole] = useState(false);
  const isBlank = !values || Object.keys(values as object).length === 0;
  if (threadId === undefined || (isBlank && props.next.length === 0)) {
    return (
      <Empty icon={Braces} title={words.state.none}>
        <p>{words.state.noneAdvice}</p>
      </Empty>
    );
  }
  return (
    <div className="space-y-2 p-3">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="flex-1 text-sm font-semibold whitespace-nowrap">
          {props.checkpointId ? words.state.past : words.state.now}
        </h2>
        <CopyButton text={text} />
        <Button icon={Pencil} disabled={props.isRunning} onClick={() => setEditing(true)}>
          {words.state.edit}
        </Button>
        {(props.checkpointId || props.next.length > 0) && (
          <Button icon={RotateCcw} disabled={props.isRunning} onClick={props.onRunAgain}>
            {words.state.runAgain}
          </Button>
        )}
      </div>
      {props.next.length > 0 && <p className="hint">{words.state.next(props.next.join(", "))}</p>}
      <Verbatim className="rounded-md bg-sunken p-2">
        {isWhole ? text : text.slice(0, shownMax)}
      </Verbatim>
      {!isWhole && text.length > shownMax && (
        <Button onClick={() => setWhole(true)}>{words.state.showAll(text.length)}</Button>
      )}
      {isEditing && (
        <EditState
          threadId={threadId}
          checkpointId={props.checkpointId}
          values={values}
          nodes={props.nodes}
          onClose={() => setEditing(false)}
          onEdited={props.onEdited}
        />
      )}
    </div>
  );
}

function EditState(props: {
  threadId: string;
  checkpointId: string | undefined;
  values: unknown;
  nodes: string[];
  onClose(): void;
  onEdited(checkpointId: string | undefined): void;
}) {
  const words = useWords();
  const [text, setText] = useState(() => prettyJson(props.values));
  const [asNode, setAsNode] = useState("");
  const parsed = parseJson(text);
  const value = "value" in parsed ? parsed.value : undefined;
  const isObject = isJsonObject(value);
  const save = useMutation({
    mutationFn: () =>
      client.threads.updateState(props.threadId, {
        values: changedKeys(props.values, value as Record<string, unknown>),
        ...(asNode && { asNode }),
        ...(props.checkpointId && {
          checkpoint: { thread_id: props.threadId, ...referenceTo(props.checkpointId) },
        }),
      }),
    onSuccess: () => {
      toast.success(words.state.saved);
      props.onEdited(undefined);
      props.onClose();
    },
  });
  return (
    <Dialog
      isOpen
      title={words.state.edit}
      description={words.state.editLead}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{words.common.cancel}</Button>
          <Button
            variant="primary"
            disabled={!isObject}
            isBusy={save.isPending}
            onClick={() => save.mutate()}
          >
            {words.state.save}
          </Button>
        </>
      }
    >
      <div className="space-y-3">
        <JsonEditor
          label={words.state.edit}
          text={text}
          onChange={setText}
          height="22rem"
          problem={isObject ? null : words.test.inputNoObject}
        />
        <Field label={words.state.asNode} hint={words.state.asNodeHint}>
          {(control) => (
            <Select
              {...control}
              value={asNode}
              options={[
                { value: "", label: words.state.asNodeAuto },
                ...props.nodes.map((node) => ({ value: node, label: node })),
              ]}
              onChange={({ target }) => setAsNode(target.value)}
            />
          )}
        </Field>
        {save.isError && <Problem thrown={save.error} />}
      </div>
    </Dialog>
  );
}

/** Only what was changed: the rest would be put in a second time by reducers that add. */
function changedKeys(before: unknown, after: Record<string, unknown>): Record<string, unknown> {
  const old = (before ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(after).flatMap(([key, value]) => {
      if (JSON.stringify(value) === JSON.stringify(old[key])) return [];
      return [[key, withRemovals(old[key], value)]];
    }),
  );
}

interface Identified {
  id: string;
}

/** A message taken out of the list is told to the reducer as `remove`, since leaving it out changes nothing. */
function withRemovals(before: unknown, after: unknown): unknown {
  if (!Array.isArray(before) || !Array.isArray(after)) return after;
  if (!before.every(isIdentifiedMessage)) return after;
  const kept = new Set(after.map((one) => (one as Partial<Identified> | null)?.id));
  const removed = before.filter(({ id }) => !kept.has(id));
  const known = new Map(before.map((one) => [one.id, JSON.stringify(one)]));
  const changed = after.filter((one) => {
    const id = (one as Partial<Identified> | null)?.id;
    return id === undefined || known.get(id) !== JSON.stringify(one);
  });
  return [...removed.map(({ id }) => ({ type: "remove", id, content: "" })), ...changed];
}

function isIdentifiedMessage(value: unknown): value is Identified {
  const { id, type } = (value ?? {}) as { id?: unknown; type?: unknown };
  return typeof id === "string" && typeof type === "string";
}
