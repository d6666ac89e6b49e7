import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { useWords } from "../words/words.tsx";
import { MessageView, type MessageActions } from "./message-view.tsx";
import type { Message } from "./message.ts";

const nearEndPixels = 80;

/**
 * Only the messages in sight are in the document. Stays at the end while new ones come, unless
 * somebody has scrolled up to read.
 */
export function MessageList(
  props: {
    messages: Message[];
    /** How many at the end are still being written. */
    streaming: number;
  } & MessageActions,
) {
  const words = useWords();
  const { messages } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const list = useVirtualizer({
    count: messages.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 96,
    getItemKey: (at) => messages[at]?.id ?? at,
    overscan: 6,
    gap: 10,
  });
  const height = list.getTotalSize();
  useEffect(() => {
    const element = scroller.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [height, messages.length]);
  return (
    <div
      ref={scroller}
      role="log"
      aria-label={words.chat.messages}
      aria-live="off"
      tabIndex={0}
      className="min-h-0 flex-1 overflow-y-auto p-3"
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearEndPixels;
      }}
    >
      <div className="relative mx-auto w-full max-w-3xl" style={{ height }}>
        {list.getVirtualItems().map((item) => (
          <div
            key={item.key}
            ref={list.measureElement}
            data-index={item.index}
            className="absolute inset-x-0 top-0"
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <MessageView
              message={messages[item.index]!}
              isStreaming={item.index >= messages.length - props.streaming}
              {...(props.onEdit && { onEdit: props.onEdit })}
              {...(props.onRegenerate && { onRegenerate: props.onRegenerate })}
            />
          </div>
        ))}
      </div>
    </div>
  );
}
