import { ImagePlus, MessagesSquare, SendHorizontal, Square, X } from "lucide-react";
import { useRef, useState } from "react";
import { toast } from "sonner";
import { Button, IconButton } from "../parts/button.tsx";
import { Empty, Problem } from "../parts/notice.tsx";
import { useWords } from "../words/words.tsx";
import { useRunView, type LiveRun } from "./live-run.ts";
import { MessageList } from "./message-list.tsx";
import type { MessageActions } from "./message-view.tsx";
import { messagesOf, type ContentBlock, type Message } from "./message.ts";
import { idleRun, type RunOutline, type RunView } from "./run-view.ts";

/** What is known of the conversation: the state, what was just sent, what is being written. */
export function conversation(values: unknown, run: RunView): Message[] {
  return [...(messagesOf(values) ?? []), ...run.sent, ...run.partial];
}

export function Chat(
  props: {
    values: unknown;
    live: LiveRun;
    /** Whether the run is of the thread that is shown. */
    isHere: boolean;
    isRunning: boolean;
    /** Resolves to false when nothing came of it: the text is then given back. */
    onSend(content: string | ContentBlock[]): Promise<boolean>;
    onCancel(): void;
    waiting: React.ReactNode;
  } & MessageActions,
) {
  const words = useWords();
  const { isRunning } = props;
  const seen = useRunView(props.live);
  const run = props.isHere ? seen : idleRun;
  const messages = conversation(props.values, run);
  return (
    <div className="flex h-full min-h-0 flex-col">
      {messages.length === 0 ? (
        <div className="flex-1 overflow-auto">
          <Empty icon={MessagesSquare} title={words.chat.empty}>
            <p>{words.chat.emptyAdvice}</p>
          </Empty>
        </div>
      ) : (
        <MessageList
          messages={messages}
          streaming={isRunning ? run.partial.length : 0}
          {...(!isRunning && props.onEdit && { onEdit: props.onEdit })}
          {...(!isRunning && props.onRegenerate && { onRegenerate: props.onRegenerate })}
        />
      )}
      {isRunning && (run.partial.length === 0 || run.isReconnecting) && (
        <p role="status" className="px-4 pb-1 text-sm text-muted">
          {run.isReconnecting ? words.chat.reconnecting : words.chat.working}
        </p>
      )}
      <RunTrouble run={run} />
      {props.waiting && <div className="max-h-[50%] overflow-auto">{props.waiting}</div>}
      <Composer isRunning={isRunning} onSend={props.onSend} onCancel={props.onCancel} />
    </div>
  );
}

/** Why a run failed, in the graph's own words. */
export function RunTrouble({ run }: { run: RunOutline }) {
  const words = useWords();
  if (run.thrown) {
    return (
      <div className="px-3 pb-2">
        <Problem thrown={run.thrown} />
      </div>
    );
  }
  if (!run.error) return null;
  return (
    <div role="alert" className="mx-3 mb-2 rounded-md border border-bad bg-bad-soft p-3 text-sm">
      <p className="font-medium text-bad">
        {words.test.failed} · {run.error.error}
      </p>
      <p className="break-words whitespace-pre-wrap">{run.error.message}</p>
      <p className="text-muted">{words.test.failedAdvice}</p>
    </div>
  );
}

const pictureBytesMax = 5 * 1024 * 1024;

function Composer(props: {
  isRunning: boolean;
  onSend(content: string | ContentBlock[]): Promise<boolean>;
  onCancel(): void;
}) {
  const words = useWords();
  const [text, setText] = useState("");
  const [pictures, setPictures] = useState<string[]>([]);
  const files = useRef<HTMLInputElement>(null);
  const canSend = !props.isRunning && (text.trim() !== "" || pictures.length > 0);
  const send = () => {
    if (!canSend) return;
    const images = pictures.map((url): ContentBlock => ({ type: "image_url", image_url: { url } }));
    const written = text.trim() === "" ? [] : [{ type: "text", text }];
    const giveBack = () => {
      setText((next) => next || text);
      setPictures((next) => (next.length > 0 ? next : pictures));
    };
    void props
      .onSend(images.length > 0 ? [...written, ...images] : text)
      .then((isSent) => isSent || giveBack());
    setText("");
    setPictures([]);
  };
  const attach = async (chosen: File[]) => {
    for (const file of chosen) {
      if (file.size > pictureBytesMax) toast.error(words.chat.pictureTooLarge(file.name));
      else {
        const address = await readAsDataAddress(file);
        setPictures((before) => [...before, address]);
      }
    }
  };
  return (
    <form
      className="border-t border-line bg-panel p-2"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {pictures.length > 0 && (
        <ul className="flex flex-wrap gap-2 pb-2">
          {pictures.map((picture) => (
            <li key={picture} className="relative">
              <img
                src={picture}
                alt={words.chat.picture}
                className="h-14 rounded border border-line"
              />
              <IconButton
                label={words.form.remove}
                icon={X}
                className="absolute -top-2 -right-2 size-6! bg-panel"
                onClick={() => setPictures((before) => before.filter((one) => one !== picture))}
              />
            </li>
          ))}
        </ul>
      )}
      <div className="mx-auto flex max-w-3xl items-end gap-1">
        <input
          ref={files}
          type="file"
          accept="image/*"
          multiple
          hidden
          onChange={({ target }) => {
            // The list itself is emptied with the control.
            void attach([...(target.files ?? [])]);
            target.value = "";
          }}
        />
        <IconButton
          label={words.chat.addPicture}
          icon={ImagePlus}
          onClick={() => files.current?.click()}
        />
        <textarea
          dir="auto"
          aria-label={words.chat.message}
          placeholder={words.chat.placeholder}
          className="control field-sizing-content max-h-48 min-h-9 resize-none"
          rows={1}
          value={text}
          onChange={({ target }) => setText(target.value)}
          onKeyDown={(event) => {
            // Enter also ends the composition of a Korean syllable; that one does not send.
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        {props.isRunning ? (
          <Button icon={Square} variant="danger" onClick={props.onCancel}>
            {words.test.cancel}
          </Button>
        ) : (
          <Button type="submit" variant="primary" icon={SendHorizontal} disabled={!canSend}>
            {words.chat.send}
          </Button>
        )}
      </div>
    </form>
  );
}

function readAsDataAddress(file: File): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(reader.result as string));
  reader.addEventListener("error", () => reject(reader.error ?? new Error(file.name)));
  reader.readAsDataURL(file);
  return promise;
}
