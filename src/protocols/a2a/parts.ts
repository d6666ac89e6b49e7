import { z } from "zod";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { invalidParams, RpcError } from "../json-rpc.ts";

/** Which spelling a client uses: methods of 1.0 are `SendMessage`, of 0.3 `message/send`. */
export type Family = "1.0" | "0.3";

/** A piece of a message or an artifact, whichever way it is spelled. */
export type Part =
  | { kind: "text"; text: string }
  | { kind: "data"; data: Json }
  | { kind: "file"; file: FileContent };

export interface FileContent {
  name: string | null;
  mediaType: string;
  /** Base64, or an address. */
  content: { bytes: string } | { url: string };
}

const defaultMediaType = "application/octet-stream";

/** Either spelling: 0.3 has a `kind` and a `file`, 1.0 one of `text`, `data`, `raw` and `url`. */
export const partSchema = z.looseObject({
  text: z.string().optional(),
  data: z.json().optional(),
  raw: z.base64().optional(),
  url: z.string().optional(),
  filename: z.string().optional(),
  mediaType: z.string().optional(),
  file: z
    .looseObject({
      bytes: z.base64().optional(),
      uri: z.string().optional(),
      name: z.string().nullish(),
      mimeType: z.string().nullish(),
    })
    .optional(),
});

/** @throws RpcError for a part that holds nothing */
export function readPart(wire: z.infer<typeof partSchema>, at: number): Part {
  const { text, data, raw, url, file } = wire;
  if (text !== undefined) return { kind: "text", text };
  if (data !== undefined) return { kind: "data", data };
  const bytes = raw ?? file?.bytes;
  const address = url ?? file?.uri;
  if (bytes === undefined && address === undefined) {
    throw new RpcError(
      invalidParams,
      `Invalid params: \`message.parts[${at}]\`: expected text, data or a file.`,
    );
  }
  const content = bytes === undefined ? { url: address! } : { bytes };
  const mediaType = wire.mediaType || file?.mimeType || defaultMediaType;
  const name = wire.filename || file?.name || null;
  return { kind: "file", file: { name, mediaType, content } };
}

export function presentPart(family: Family, part: Part): JsonObject {
  if (part.kind !== "file") {
    const held: JsonObject = part.kind === "text" ? { text: part.text } : { data: part.data };
    return family === "1.0" ? held : { kind: part.kind, ...held };
  }
  const { name, mediaType, content } = part.file;
  if (family === "1.0") {
    const held: JsonObject = "bytes" in content ? { raw: content.bytes } : { url: content.url };
    return { ...held, mediaType, ...(name !== null && { filename: name }) };
  }
  const held: JsonObject = "bytes" in content ? { bytes: content.bytes } : { uri: content.url };
  return { kind: "file", file: { ...held, mimeType: mediaType, ...(name !== null && { name }) } };
}

/** As the content of a message in the graph's state: text alone as a text, else LangChain's content blocks. */
export function toContent(parts: Exclude<Part, { kind: "data" }>[]): Json {
  if (parts.every((part) => part.kind === "text")) {
    return parts.map(({ text }) => text).join("\n");
  }
  return parts.map((part): JsonObject => {
    if (part.kind === "text") return { type: "text", text: part.text };
    const { name, mediaType, content } = part.file;
    const held: JsonObject = "bytes" in content ? { data: content.bytes } : { url: content.url };
    const metadata: JsonObject = name === null ? {} : { metadata: { name } };
    return { type: blockType(mediaType), mimeType: mediaType, ...held, ...metadata };
  });
}

const media = new Set(["image", "audio", "video"]);

function blockType(mediaType: string): string {
  const [type] = mediaType.split("/");
  return media.has(type!) ? type! : "file";
}

/** Of a message in the state. Blocks of no form that is known, such as calls of tools, are left out. */
export function fromContent(content: Json | undefined): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block) => {
    if (typeof block === "string") return [{ kind: "text" as const, text: block }];
    return isObject(block) ? fromBlock(block) : [];
  });
}

function fromBlock(block: JsonObject): Part[] {
  const { type, text, data, url } = block;
  if (type === "text" && typeof text === "string") return [{ kind: "text", text }];
  if (type === "image_url") return fromImageUrl(block["image_url"]);
  if (type !== "file" && !media.has(String(type))) return [];
  const mediaType = String(block["mimeType"] ?? block["mime_type"] ?? defaultMediaType);
  const { metadata } = block;
  const named = isObject(metadata) ? (metadata["name"] ?? metadata["filename"]) : undefined;
  const name = typeof named === "string" ? named : null;
  if (typeof data === "string") {
    return [{ kind: "file", file: { name, mediaType, content: { bytes: data } } }];
  }
  return typeof url === "string"
    ? [{ kind: "file", file: { name, mediaType, content: { url } } }]
    : [];
}

/** OpenAI's form, an address or a `data:` URL. */
function fromImageUrl(given: Json | undefined): Part[] {
  const url = isObject(given) ? given["url"] : given;
  if (typeof url !== "string") return [];
  const inline = /^data:([\w/+.-]+);base64,(.*)$/s.exec(url);
  const file = inline
    ? { name: null, mediaType: inline[1]!, content: { bytes: inline[2]! } }
    : { name: null, mediaType: "image/*", content: { url } };
  return [{ kind: "file", file }];
}
