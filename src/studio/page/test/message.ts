/** A message on the wire, as much of it as the page looks at. */
export interface Message {
  id?: string;
  type?: string;
  role?: string;
  name?: string;
  content?: string | ContentBlock[];
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  tool_call_chunks?: ToolCallChunk[];
  status?: string;
}

export interface ContentBlock {
  type?: string;
  text?: string;
  image_url?: string | { url?: string };
  source_type?: string;
  mime_type?: string;
  mimeType?: string;
  data?: string;
  url?: string;
}

export interface ToolCall {
  id?: string;
  name: string;
  args: unknown;
}

interface ToolCallChunk {
  index?: number;
  id?: string;
  name?: string;
  args?: string;
}

const roleTypes: Record<string, string> = { user: "human", assistant: "ai" };

/** `human`, `ai`, `tool`, `system`, …, under whichever name it was written. */
export function typeOf(message: Message): string {
  const type = message.type ?? message.role ?? "ai";
  return roleTypes[type] ?? type;
}

export function isMessage(value: unknown): value is Message {
  if (typeof value !== "object" || value === null) return false;
  const { type, role, content } = value as Message;
  const isNamed = typeof type === "string" || typeof role === "string";
  return isNamed && (typeof content === "string" || Array.isArray(content));
}

/** The messages of a state; null when it has none. */
export function messagesOf(values: unknown): Message[] | null {
  const messages = (values as { messages?: unknown } | null)?.messages;
  return Array.isArray(messages) ? messages.filter(isMessage) : null;
}

export function textOf(message: Message): string {
  const { content } = message;
  if (typeof content === "string") return content;
  return (content ?? [])
    .map((block) => (typeof block === "string" ? block : (block.text ?? "")))
    .join("");
}

/** Addresses of the pictures in a message, as data or elsewhere. */
export function imagesOf(message: Message): string[] {
  if (typeof message.content === "string" || !message.content) return [];
  return message.content.flatMap((block) => {
    const { image_url: image, type } = block;
    if (image) return [typeof image === "string" ? image : (image.url ?? "")];
    if (type !== "image") return [];
    const mimeType = block.mime_type ?? block.mimeType ?? "image/png";
    if (block.data) return [`data:${mimeType};base64,${block.data}`];
    return block.url ? [block.url] : [];
  });
}

/** The message so far and what came next of it. */
export function addChunk(before: Message | undefined, chunk: Message): Message {
  if (!before) return withParsedCalls({ ...chunk });
  const chunks = [...(before.tool_call_chunks ?? [])];
  for (const part of chunk.tool_call_chunks ?? []) {
    const at = chunks.findIndex(({ index }) => index === part.index);
    const known = chunks[at];
    if (known) {
      chunks[at] = {
        ...known,
        ...(part.id && { id: part.id }),
        ...(part.name && { name: part.name }),
        args: `${known.args ?? ""}${part.args ?? ""}`,
      };
    } else chunks.push(part);
  }
  return withParsedCalls({
    ...before,
    content: joinContent(before.content, chunk.content),
    ...(chunks.length > 0 && { tool_call_chunks: chunks }),
    ...(chunks.length === 0 && chunk.tool_calls?.length && { tool_calls: chunk.tool_calls }),
  });
}

function joinContent(
  before: Message["content"],
  next: Message["content"],
): NonNullable<Message["content"]> {
  if (typeof before !== "string" && before) {
    return typeof next === "string"
      ? [...before, { type: "text", text: next }]
      : [...before, ...(next ?? [])];
  }
  if (typeof next === "string" || !next) return `${before ?? ""}${next ?? ""}`;
  return before ? [{ type: "text", text: before }, ...next] : next;
}

/** Calls as far as they are known: arguments that are not yet JSON are shown as they come. */
function withParsedCalls(message: Message): Message {
  if (!message.tool_call_chunks?.length) return message;
  return {
    ...message,
    tool_calls: message.tool_call_chunks.map(({ id, name, args }) => ({
      ...(id && { id }),
      name: name ?? "",
      args: parseOrKeep(args ?? ""),
    })),
  };
}

function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
