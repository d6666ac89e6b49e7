import { GitFork, RefreshCw, Wrench } from "lucide-react";
import { lazy, memo, Suspense, useState } from "react";
import { prettyJson } from "../code/json-editor.tsx";
import { Badge } from "../parts/badge.tsx";
import { Button, IconButton } from "../parts/button.tsx";
import { classNames } from "../parts/class-names.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import { Verbatim } from "../parts/verbatim.tsx";
import { useWords } from "../words/words.tsx";
import { imagesOf, textOf, typeOf, type Message, type ToolCall } from "./message.ts";

const Markdown = lazy(() =>
  import("./markdown.tsx").then((module) => ({ default: module.Markdown })),
);

const Picture = lazy(() =>
  import("./markdown.tsx").then((module) => ({ default: module.Picture })),
);

export interface MessageActions {
  onEdit?: (message: Message, text: string) => void;
  onRegenerate?: (message: Message) => void;
}

/** Tool results, folded; what people and models say, as Markdown. */
export const MessageView = memo(function MessageView(
  props: { message: Message; isStreaming: boolean } & MessageActions,
) {
  const words = useWords();
  const { message, isStreaming } = props;
  const type = typeOf(message);
  const [isEditing, setEditing] = useState(false);
  const text = textOf(message);
  if (type === "tool") return <ToolResult message={message} />;
  const names: Record<string, string> = words.roles;
  const isHuman = type === "human";
  return (
    <article
      aria-label={names[type] ?? type}
      data-message={type}
      className={classNames(
        "group rounded-lg px-3 py-2",
        isHuman
          ? "ml-8 bg-accent-soft"
          : type === "system"
            ? "bg-sunken"
            : "border border-line bg-panel",
      )}
    >
      <header className="flex min-h-8 items-center gap-1 text-xs text-muted">
        <span className="font-medium">{names[type] ?? type}</span>
        {message.name && <span>· {message.name}</span>}
        <span className="flex-1" />
        {!isStreaming && text && <CopyButton text={text} />}
        {!isStreaming && isHuman && message.id && props.onEdit && (
          <IconButton
            label={words.chat.edit}
            icon={GitFork}
            onClick={() => setEditing((before) => !before)}
          />
        )}
        {!isStreaming && type === "ai" && message.id && props.onRegenerate && (
          <IconButton
            label={words.chat.regenerate}
            icon={RefreshCw}
            onClick={() => props.onRegenerate?.(message)}
          />
        )}
      </header>
      {isEditing ? (
        <EditText
          text={text}
          onCancel={() => setEditing(false)}
          onSave={(next) => {
            setEditing(false);
            props.onEdit?.(message, next);
          }}
        />
      ) : (
        <>
          {text && (
            <Suspense fallback={<p className="whitespace-pre-wrap">{text}</p>}>
              <Markdown text={text} />
            </Suspense>
          )}
          <Images message={message} />
        </>
      )}
      {message.tool_calls?.map((call, at) => (
        <ToolCallView key={call.id ?? at} call={call} />
      ))}
      {isStreaming && (
        <span className="inline-block h-4 w-1.5 animate-pulse bg-accent" aria-hidden />
      )}
    </article>
  );
});

function Images({ message }: { message: Message }) {
  const images = imagesOf(message);
  if (images.length === 0) return null;
  return (
    <Suspense>
      {images.map((address, at) => (
        <p key={at}>
          <Picture address={address} />
        </p>
      ))}
    </Suspense>
  );
}

function EditText(props: { text: string; onSave(text: string): void; onCancel(): void }) {
  const words = useWords();
  const [text, setText] = useState(props.text);
  return (
    <div className="space-y-2">
      <textarea
        autoFocus
        dir="auto"
        aria-label={words.chat.editText}
        className="control field-sizing-content min-h-16"
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
      <div className="flex flex-wrap items-center justify-end gap-2">
        <p className="hint flex-1">{words.chat.editHint}</p>
        <Button onClick={props.onCancel}>{words.common.cancel}</Button>
        <Button variant="primary" disabled={text.trim() === ""} onClick={() => props.onSave(text)}>
          {words.chat.sendEdited}
        </Button>
      </div>
    </div>
  );
}

function ToolCallView({ call }: { call: ToolCall }) {
  const words = useWords();
  return (
    <details className="mt-1 rounded-md border border-line bg-sunken px-2 py-1 text-sm">
      <summary className="flex items-center gap-1.5">
        <Wrench className="size-3.5 shrink-0" aria-hidden />
        <span className="shrink-0">{words.chat.calls}</span>
        <code className="min-w-0 font-medium">{call.name}</code>
      </summary>
      <Verbatim className="mt-1 max-h-80">
        {typeof call.args === "string" ? call.args : prettyJson(call.args)}
      </Verbatim>
    </details>
  );
}

function ToolResult({ message }: { message: Message }) {
  const words = useWords();
  const text = textOf(message);
  return (
    <details
      data-message="tool"
      className="rounded-md border border-line bg-sunken px-3 py-1.5 text-sm"
    >
      <summary className="flex items-center gap-1.5">
        <Wrench className="size-3.5 shrink-0" aria-hidden />
        <code className="min-w-0 font-medium">{message.name ?? "tool"}</code>
        {message.status === "error" ? (
          <Badge tone="bad">{words.status.error}</Badge>
        ) : (
          <span className="min-w-0 flex-1 truncate text-muted">{text}</span>
        )}
      </summary>
      <Verbatim className="mt-1 max-h-80">{text}</Verbatim>
      <Images message={message} />
    </details>
  );
}
