import { isObject, type Json, type JsonObject } from "../../../core/json.ts";

/**
 * A message as a run's log has it (tokens one by one, or the whole at once) told block by block, as
 * protocol v2 wants it (specification 6.5): every block is started, grows and is finished before the
 * next one starts.
 */
export class MessageBlocks {
  readonly id: string;
  readonly #runId: string;
  #block: { key: string; content: JsonObject } | null = null;
  #index = -1;
  #usage: JsonObject | null = null;
  #reason: string | null = null;
  /** Of whole messages told so far, in an older mode: how much of each block's text. */
  #told: string[] = [];

  /** `id` also routes: what carries the same `run_id` is the same message, should several be written at once. */
  constructor(id: string) {
    this.id = id;
    this.#runId = id;
  }

  /** The model has said that it is done. */
  get isComplete(): boolean {
    return this.#reason !== null;
  }

  start(message: JsonObject, metadata: JsonObject): JsonObject[] {
    const role = roles[String(message["type"])] ?? "ai";
    const { tool_call_id } = message;
    return [
      this.#record("message-start", {
        role,
        id: this.id,
        ...(typeof tool_call_id === "string" && { tool_call_id }),
        metadata: modelOf(metadata),
      }),
    ];
  }

  /** A token: what it adds. */
  add(message: JsonObject): JsonObject[] {
    this.#note(message);
    return piecesOf(message).flatMap((piece) => this.#addPiece(piece));
  }

  /** The message as far as it is written: what that adds to what was told. */
  addWhole(message: JsonObject): JsonObject[] {
    this.#note({ ...message, usage_metadata: null });
    this.#usage = isObject(message["usage_metadata"]) ? message["usage_metadata"] : this.#usage;
    return piecesOf(message).flatMap((piece, at) => {
      const before = this.#told[at] ?? "";
      this.#told[at] = piece.text;
      if (before !== "" && piece.text === before) return [];
      const text = piece.text.startsWith(before) ? piece.text.slice(before.length) : piece.text;
      return this.#addPiece({ ...piece, text });
    });
  }

  finish(): JsonObject[] {
    const finish = this.#record("message-finish", {
      ...(this.#usage && { usage: this.#usage }),
      reason: this.#reason ?? "stop",
    });
    return [...this.#finishBlock(), finish];
  }

  #addPiece(piece: Piece): JsonObject[] {
    const records: JsonObject[] = [];
    if (this.#block?.key !== piece.key) {
      records.push(...this.#finishBlock());
      this.#index += 1;
      this.#block = { key: piece.key, content: { ...piece.empty } };
      records.push(
        this.#record("content-block-start", { index: this.#index, content: { ...piece.empty } }),
      );
    }
    const { content } = this.#block!;
    if (piece.field !== null && piece.text !== "") {
      content[piece.field] = `${String(content[piece.field] ?? "")}${piece.text}`;
      records.push(
        this.#record("content-block-delta", { index: this.#index, delta: deltaOf(content, piece) }),
      );
    }
    return records;
  }

  #finishBlock(): JsonObject[] {
    if (!this.#block) return [];
    const content = finalBlock(this.#block.content);
    this.#block = null;
    return [this.#record("content-block-finish", { index: this.#index, content })];
  }

  #note(message: JsonObject): void {
    if (isObject(message["usage_metadata"])) {
      this.#usage = sum(this.#usage ?? {}, message["usage_metadata"]);
    }
    const response = message["response_metadata"];
    if (!isObject(response)) return;
    const reason = response["finish_reason"] ?? response["stop_reason"];
    if (typeof reason === "string" && reason !== "") this.#reason = reason;
  }

  #record(event: string, rest: JsonObject): JsonObject {
    return { event, ...rest, run_id: this.#runId };
  }
}

const roles: Record<string, string> = { human: "human", system: "system", tool: "tool" };

/** What is left of a call's metadata: short facts on the model, not what tracing wants. */
function modelOf(metadata: JsonObject): JsonObject {
  const { ls_provider, ls_model_name, ls_model_type, run_id, thread_id } = metadata;
  const told = {
    provider: ls_provider,
    model: ls_model_name,
    model_type: ls_model_type,
    run_id,
    thread_id,
  };
  return Object.fromEntries(
    Object.entries(told).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** A part of a message that belongs to one block. */
interface Piece {
  /** Pieces in a row with the same key are one block. */
  key: string;
  /** The block before anything was added to it; whole blocks are given here. */
  empty: JsonObject;
  /** What grows; null for a block that comes whole. */
  field: "text" | "reasoning" | "args" | null;
  text: string;
}

function piecesOf(message: JsonObject): Piece[] {
  const { content } = message;
  const contents = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const pieces = Array.isArray(contents)
    ? contents.flatMap((block, at) => (isObject(block) ? pieceOf(block, at) : []))
    : [];
  return [...pieces, ...callsOf(message)];
}

function pieceOf(block: JsonObject, at: number): Piece[] {
  const { type, index } = block;
  const key = `${String(type)} ${String(index ?? "")}`;
  switch (type) {
    case "text":
    case "text_delta":
      if (typeof block["text"] !== "string" || block["text"] === "") return [];
      return [{ key, empty: { type: "text", text: "" }, field: "text", text: block["text"] }];
    case "reasoning":
    case "thinking": {
      const text = block["reasoning"] ?? block["thinking"];
      if (typeof text !== "string" || text === "") return [];
      return [{ key, empty: { type: "reasoning", reasoning: "" }, field: "reasoning", text }];
    }
    // These come again among the message's tool calls.
    case "tool_use":
    case "tool_call":
    case "tool_call_chunk":
    case "input_json_delta":
      return [];
    default: {
      const known = standardTypes.has(String(type));
      const whole: JsonObject = known ? block : { type: "non_standard", value: block };
      return [{ key: `${key} ${at}`, empty: whole, field: null, text: JSON.stringify(block) }];
    }
  }
}

const standardTypes = new Set([
  "image",
  "audio",
  "video",
  "file",
  "server_tool_call",
  "server_tool_result",
  "non_standard",
]);

function callsOf(message: JsonObject): Piece[] {
  const chunks = message["tool_call_chunks"];
  if (Array.isArray(chunks) && chunks.length > 0) {
    return chunks.filter(isObject).map((chunk) => {
      const { index, id, name, args } = chunk;
      return callPiece(String(index ?? id ?? ""), id, name, String(args ?? ""));
    });
  }
  if (Array.isArray(chunks)) return [];
  const calls = message["tool_calls"];
  if (!Array.isArray(calls)) return [];
  return calls
    .filter(isObject)
    .map(({ id, name, args }, at) => callPiece(String(at), id, name, JSON.stringify(args ?? {})));
}

function callPiece(key: string, id?: Json, name?: Json, args = ""): Piece {
  const empty = { type: "tool_call_chunk", id: id ?? null, name: name ?? null, args: "" };
  return { key: `tool_call ${key}`, empty, field: "args", text: args };
}

/** The arguments of a call are told whole each time, all else as what was added. */
function deltaOf(content: JsonObject, { field, text }: Piece): JsonObject {
  if (field === "args") return { type: "block-delta", fields: { ...content } };
  return field === "text"
    ? { type: "text-delta", text }
    : { type: "reasoning-delta", reasoning: text };
}

function finalBlock(content: JsonObject): JsonObject {
  if (content["type"] !== "tool_call_chunk") return content;
  const { id, name, args } = content;
  try {
    const parsed: unknown = JSON.parse(String(args) || "{}");
    if (isObject(parsed)) return { type: "tool_call", id: id!, name: name!, args: parsed };
  } catch {
    // As the model wrote it, below.
  }
  return { ...content, type: "invalid_tool_call", error: "The arguments are no JSON object." };
}

/** Providers tell usage in parts that add up. */
function sum(one: JsonObject, other: JsonObject): JsonObject {
  const total = { ...one };
  for (const [key, value] of Object.entries(other)) {
    const before = total[key];
    if (typeof value === "number" && typeof before === "number") total[key] = before + value;
    else if (isObject(value) && isObject(before)) total[key] = sum(before, value);
    else total[key] = value;
  }
  return total;
}
