import { createHash } from "node:crypto";

/** Texts that share words get near vectors: each word adds one to the dimension its hash names. */
export function embedWords(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const place = createHash("sha256").update(word).digest().readUInt32LE() % dimensions;
    vector[place] = vector[place]! + 1;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** An embedder of these vectors, which remembers what it was asked. */
export function wordEmbedder(dimensions: number) {
  const calls: string[][] = [];
  return {
    calls,
    embedDocuments: async (texts: string[]) => {
      calls.push(texts);
      return texts.map((text) => embedWords(text, dimensions));
    },
    embedQuery: async (text: string) => embedWords(text, dimensions),
  };
}
