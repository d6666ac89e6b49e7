import type { Item } from "@langchain/langgraph-sdk";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { isJsonObject, JsonEditor, parseJson, prettyJson } from "../code/json-editor.tsx";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Problem } from "../parts/notice.tsx";
import { absoluteTime } from "../words/time.ts";
import { useSpeech } from "../words/words.tsx";
import { ttlOf, TtlField, type TtlChoice } from "./ttl-field.tsx";

/** `item` is null for a new one; namespace and key of an old one stay as they are. */
export function EditItem(props: { namespace: string[]; item: Item | null; onClose(): void }) {
  const { words, language } = useSpeech();
  const cache = useQueryClient();
  const [namespace, setNamespace] = useState(props.namespace.join("."));
  const [key, setKey] = useState(props.item?.key ?? "");
  const [text, setText] = useState(() => prettyJson(props.item?.value ?? {}));
  const [ttlChoice, setTtlChoice] = useState<TtlChoice>({ kind: "server", minutes: "" });
  const [isChecked, setChecked] = useState(false);
  const parsed = parseJson(text);
  const value = "value" in parsed ? parsed.value : undefined;
  const isObject = isJsonObject(value);
  const labels = namespace.split(".").map((label) => label.trim());
  const namespaceProblem = labels.some((label) => label === "")
    ? words.memory.namespaceBroken
    : null;
  const keyProblem = key.trim() === "" ? words.memory.keyMissing : null;
  const ttl = ttlOf(ttlChoice);
  const save = useMutation({
    mutationFn: () =>
      client.store.putItem(labels, key.trim(), value as Record<string, unknown>, ttl),
    onSuccess: async () => {
      toast.success(ttl?.ttl ? words.memory.savedUntil(endOf(ttl.ttl)) : words.memory.saved);
      await cache.invalidateQueries({ queryKey: ["items"] });
      props.onClose();
    },
  });
  const endOf = (minutes: number) =>
    absoluteTime(new Date(Date.now() + minutes * 60_000).toISOString(), language);
  const submit = () => {
    setChecked(true);
    if (!namespaceProblem && !keyProblem && isObject && ttl) save.mutate();
  };
  return (
    <Dialog
      isOpen
      title={props.item ? words.memory.editItem(props.item.key) : words.memory.new}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{words.common.cancel}</Button>
          <Button variant="primary" isBusy={save.isPending} onClick={submit}>
            {words.memory.save}
          </Button>
        </>
      }
    >
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Field
          label={words.memory.namespace}
          hint={words.memory.namespaceHint}
          problem={isChecked ? namespaceProblem : null}
        >
          {(control) => (
            <input
              {...control}
              className="control font-mono text-[13px]"
              value={namespace}
              disabled={props.item !== null}
              placeholder="users.42.preferences"
              onChange={({ target }) => setNamespace(target.value)}
            />
          )}
        </Field>
        <Field label={words.memory.key} problem={isChecked ? keyProblem : null}>
          {(control) => (
            <input
              {...control}
              className="control"
              value={key}
              disabled={props.item !== null}
              onChange={({ target }) => setKey(target.value)}
            />
          )}
        </Field>
        <div className="space-y-1">
          <p className="label">{words.memory.value}</p>
          <JsonEditor
            label={words.memory.value}
            text={text}
            onChange={setText}
            height="18rem"
            problem={isObject ? null : words.test.inputNoObject}
          />
        </div>
        <TtlField
          choice={ttlChoice}
          onChange={setTtlChoice}
          isNew={props.item === null}
          isChecked={isChecked}
        />
        {save.isError && <Problem thrown={save.error} />}
      </form>
    </Dialog>
  );
}
