import type { Assistant } from "@langchain/langgraph-sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "sonner";
import { client } from "../api/client.ts";
import { versionsQuery } from "../api/queries.ts";
import { Confirm } from "../parts/dialog.tsx";
import { Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";

export function DeleteAssistant(props: {
  assistant: Assistant;
  onClose(): void;
  onDeleted?: () => void;
}) {
  const words = useWords();
  const cache = useQueryClient();
  const { assistant_id: assistantId, name } = props.assistant;
  const [withThreads, setWithThreads] = useState(false);
  const versions = useQuery(versionsQuery(assistantId));
  const threads = useQuery({
    queryKey: ["threads", "count", assistantId],
    queryFn: () => client.threads.count({ metadata: { assistant_id: assistantId } }),
  });
  const remove = useMutation({
    mutationFn: () => client.assistants.delete(assistantId, { deleteThreads: withThreads }),
    onSuccess: async () => {
      toast.success(words.assistants.deleted(name));
      props.onClose();
      props.onDeleted?.();
      await cache.invalidateQueries();
    },
  });
  const threadCount = threads.data ?? 0;
  return (
    <Confirm
      isOpen
      title={words.assistants.deleteTitle(name)}
      action={words.common.delete}
      isBusy={remove.isPending}
      onClose={props.onClose}
      onConfirm={() => remove.mutate()}
    >
      <p>{words.assistants.deleteText(versions.data?.length ?? props.assistant.version)}</p>
      {threadCount > 0 && (
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1 accent-accent"
            checked={withThreads}
            onChange={({ target }) => setWithThreads(target.checked)}
          />
          {words.assistants.deleteThreads(threadCount)}
        </label>
      )}
      {remove.isError && <Problem thrown={remove.error} />}
    </Confirm>
  );
}
