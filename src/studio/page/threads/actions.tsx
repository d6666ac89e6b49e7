import type { Thread } from "@langchain/langgraph-sdk";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Copy, Ellipsis, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { Button, IconButton } from "../parts/button.tsx";
import { Confirm, Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { Menu } from "../parts/menu.tsx";
import { Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";
import { nameOf, threadNameKey } from "./thread.ts";

/** Rename, copy and delete a thread. */
export function ThreadActions(props: {
  thread: Pick<Thread, "thread_id" | "metadata">;
  onCopied(threadId: string): void;
  onDeleted(): void;
}) {
  const words = useWords();
  const cache = useQueryClient();
  const [open, setOpen] = useState<"rename" | "delete" | null>(null);
  const { thread_id: threadId } = props.thread;
  const refresh = () => cache.invalidateQueries({ queryKey: ["threads"] });
  const copy = useMutation({
    mutationFn: () => client.threads.copy(threadId),
    onSuccess: async (made) => {
      await refresh();
      toast.success(words.threads.copied);
      props.onCopied(made.thread_id);
    },
    onError: (thrown) => toast.error(thrown.message),
  });
  const remove = useMutation({
    mutationFn: () => client.threads.delete(threadId),
    onSuccess: async () => {
      setOpen(null);
      props.onDeleted();
      toast.success(words.threads.deleted);
      await refresh();
    },
  });
  return (
    <>
      <Menu
        trigger={<IconButton label={words.common.moreFor(nameOf(props.thread))} icon={Ellipsis} />}
        entries={[
          { label: words.threads.rename, icon: Pencil, onSelect: () => setOpen("rename") },
          { label: words.threads.copy, icon: Copy, onSelect: () => copy.mutate() },
          {
            label: words.common.delete,
            icon: Trash2,
            isDangerous: true,
            onSelect: () => setOpen("delete"),
          },
        ]}
      />
      {open === "rename" && (
        <Rename thread={props.thread} onClose={() => setOpen(null)} onRenamed={refresh} />
      )}
      <Confirm
        isOpen={open === "delete"}
        title={words.threads.deleteTitle(nameOf(props.thread))}
        action={words.common.delete}
        isBusy={remove.isPending}
        onClose={() => setOpen(null)}
        onConfirm={() => remove.mutate()}
      >
        <p>{words.threads.deleteText}</p>
        {remove.isError && <Problem thrown={remove.error} />}
      </Confirm>
    </>
  );
}

function Rename(props: {
  thread: Pick<Thread, "thread_id" | "metadata">;
  onClose(): void;
  onRenamed(): Promise<void>;
}) {
  const words = useWords();
  const [name, setName] = useState(nameOf(props.thread));
  const [isChecked, setChecked] = useState(false);
  const rename = useMutation({
    mutationFn: () =>
      client.threads.update(props.thread.thread_id, { metadata: { [threadNameKey]: name.trim() } }),
    onSuccess: async () => {
      await props.onRenamed();
      props.onClose();
    },
  });
  const isBlank = name.trim() === "";
  return (
    <Dialog isOpen title={words.threads.rename} width="small" onClose={props.onClose}>
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (!isBlank) rename.mutate();
        }}
      >
        <Field
          label={words.threads.name}
          problem={isChecked && isBlank ? words.threads.nameMissing : null}
        >
          {(control) => (
            <input
              {...control}
              autoFocus
              className="control"
              value={name}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
        {rename.isError && <Problem thrown={rename.error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={props.onClose}>{words.common.cancel}</Button>
          <Button type="submit" variant="primary" isBusy={rename.isPending}>
            {words.threads.rename}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
