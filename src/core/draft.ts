import { isObject } from "./json.ts";
import {
  notesKey,
  notesOf,
  textOfContent,
  type FunctionCall,
  type MessageNotes,
  type StoredMessage,
} from "./message.ts";
import type { EventContent } from "./event.ts";

/** An answer that is being written, or was broken off: what a run's log has of it, and no state yet. */
export interface Draft {
  id: string;
  /** As its chunks have them. `said_at` comes with the first call, `later` with the first text after that. */
  notes: MessageNotes;
  text: string;
  /** In the order in which they began, `arguments` as far as they have come. */
  calls: FunctionCall[];
}

/** What one event adds to a draft. */
export interface DraftAddition {
  draft: Draft;
  text: string;
  /** Pieces of arguments; `isNew`: the call begins here. `at` is its place among the draft's calls. */
  calls: { at: number; isNew: boolean; arguments: string }[];
}

/** Chunks of an answer, as one copy of the libraries or another calls them. */
const chunkTypes = new Set(["ai", "AIMessageChunk"]);

type Chunk = StoredMessage & {
  tool_call_chunks?: { index?: number; id?: string; name?: string; args?: string }[];
};

/** Follows a run's log and holds the answer that is written in it at the moment. */
export class DraftReader {
  draft: Draft | null = null;
  /** What the attempt before had written when it was lost; the one that took over writes its own. */
  lost: Draft | null = null;
  /** The draft's calls by the index that the model gives them. */
  #calls = new Map<number, number>();

  /** Null when the event says nothing of an answer. */
  add(event: EventContent): DraftAddition | null {
    // Another attempt writes its own answer.
    if (event.name === "metadata") {
      this.lost = said(this.draft) ?? this.lost;
      this.draft = null;
    }
    if (event.name !== "messages") return null;
    const [chunk] = JSON.parse(event.data) as [Chunk];
    if (!chunkTypes.has(chunk.type) || !chunk.id) return null;
    if (this.draft?.id !== chunk.id) {
      this.draft = { id: chunk.id, notes: {}, text: "", calls: [] };
      this.#calls.clear();
    }
    const { draft } = this;
    const notes = isObject(chunk.additional_kwargs) ? notesOf(chunk) : {};
    draft.notes = { ...draft.notes, ...notes };
    const text = textOfContent(chunk.content);
    draft.text += text;
    const calls = (chunk.tool_call_chunks ?? []).map(({ index = 0, id, name, args = "" }) => {
      const known = this.#calls.get(index);
      const at = known ?? draft.calls.length;
      if (known === undefined) {
        this.#calls.set(index, at);
        draft.calls.push({ id: id ?? "", name: name ?? "", arguments: "" });
      }
      draft.calls[at]!.arguments += args;
      return { at, isNew: known === undefined, arguments: args };
    });
    return { draft, text, calls };
  }
}

/** Null for one of which nothing has come. */
export function said(draft: Draft | null): Draft | null {
  return draft && (draft.text !== "" || draft.calls.length > 0) ? draft : null;
}

/** In the form of a stored message. Without `completed_at` it is one that is being written. */
export function draftMessage(draft: Draft, more: MessageNotes = {}): StoredMessage {
  const notes: MessageNotes = {
    ...draft.notes,
    ...(draft.calls.length > 0 && { calls: draft.calls }),
    ...more,
  };
  return {
    type: "ai",
    id: draft.id,
    content: draft.text,
    additional_kwargs: { [notesKey]: notes as Record<string, never> },
  };
}
