import type { EventContent } from "../../core/event.ts";
import { textOfContent, type StoredMessage } from "../../core/message.ts";
import type { Artifact } from "./wire.ts";

interface Addition {
  artifact: Artifact;
  /** To what was told of it before; else it begins, perhaps anew. */
  append: boolean;
}

/** An answer's chunks, as one copy of the libraries or another calls them. */
const chunkTypes = new Set(["ai", "AIMessageChunk"]);

/** Makes artifacts of what models write, as they write it: one a message, under the message's id. */
export class ArtifactStream {
  /** Texts told so far, by id. */
  readonly #told = new Map<string, string>();

  add(event: EventContent): Addition[] {
    if (event.name !== "messages") return [];
    const [{ id, type, content }] = JSON.parse(event.data) as [StoredMessage];
    const text = textOfContent(content);
    if (!id || !chunkTypes.has(type) || text === "") return [];
    const before = this.#told.get(id);
    this.#told.set(id, (before ?? "") + text);
    return [{ artifact: { id, parts: [{ kind: "text", text }] }, append: before !== undefined }];
  }

  /** What is left to tell of the answers as they are in the end. */
  rest(artifacts: Artifact[]): Addition[] {
    return artifacts.map((artifact) => {
      const told = this.#told.get(artifact.id);
      const [part, ...more] = artifact.parts;
      const isTold = more.length === 0 && part?.kind === "text" && part.text === told;
      if (!isTold) return { artifact, append: false };
      return { artifact: { ...artifact, parts: [{ kind: "text", text: "" }] }, append: true };
    });
  }
}
