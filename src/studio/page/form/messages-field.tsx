import type { FieldProps } from "@rjsf/utils";
import { Plus, Trash2 } from "lucide-react";
import { Button, IconButton } from "../parts/button.tsx";
import { Select } from "../parts/field.tsx";
import { useWords } from "../words/words.tsx";

interface PlainMessage {
  role: string;
  content: string;
}

/** Messages as people write them: who speaks, and what. */
export function MessagesField(props: FieldProps) {
  const words = useWords();
  const given = (props.formData ?? []) as unknown[];
  const change = (next: unknown[]) => props.onChange(next, props.fieldPathId.path);
  const messages = given.length > 0 ? given : [{ role: "user", content: "" }];
  if (!messages.every(isPlain)) return <p className="hint">{words.form.messagesAsJson}</p>;
  const roles = [
    { value: "user", label: words.roles.human },
    { value: "assistant", label: words.roles.ai },
    { value: "system", label: words.roles.system },
  ];
  const set = (at: number, part: Partial<PlainMessage>) =>
    change(messages.map((one, index) => (index === at ? { ...one, ...part } : one)));
  return (
    <div className="space-y-2">
      {messages.map((message, at) => (
        <div key={at} className="card space-y-1 p-2">
          <div className="flex items-center gap-2">
            <Select
              aria-label={words.form.role}
              className="max-w-36 py-0.5"
              value={message.role}
              options={roles}
              onChange={({ target }) => set(at, { role: target.value })}
            />
            <span className="flex-1" />
            {messages.length > 1 && (
              <IconButton
                label={words.form.remove}
                icon={Trash2}
                onClick={() => change(messages.filter((_, index) => index !== at))}
              />
            )}
          </div>
          <textarea
            aria-label={words.form.messageText}
            value={message.content}
            rows={2}
            className="control field-sizing-content max-h-60 min-h-14"
            onChange={({ target }) => set(at, { content: target.value })}
          />
        </div>
      ))}
      <Button icon={Plus} onClick={() => change([...messages, { role: "user", content: "" }])}>
        {words.form.addMessage}
      </Button>
    </div>
  );
}

function isPlain(message: unknown): message is PlainMessage {
  const { role, content } = (message ?? {}) as Partial<PlainMessage>;
  return typeof role === "string" && typeof content === "string";
}
