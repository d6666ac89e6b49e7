import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import type { Held } from "./thread-memory.ts";

type Version = string | number;

/**
 * A checkpoint's own text, which is most of what it costs: ids and versions that can be told from
 * others are left out. A channel's value stands in it, or is the next span (1) or spans (n + 2) of
 * the checkpoint, with `flags` of a list: 1 that it goes on where its last span ends, 2 that it has
 * texts.
 */
interface Content {
  v: number;
  ts: string;
  versions: Record<string, Version>;
  /** True for the version that the channel has at this checkpoint. */
  seen: Record<string, Record<string, Version | true>>;
  values: [channel: string, form: number, valueOrFlags?: unknown][];
  rest?: unknown;
}

/** `rest`: serialised, what else the library put into the checkpoint. */
export function packContent(
  checkpoint: Checkpoint,
  values: [channel: string, held: Held][],
  rest: string | null,
): string {
  const { v, ts, channel_versions: versions } = checkpoint;
  const seen: Content["seen"] = {};
  for (const [node, channels] of Object.entries(checkpoint.versions_seen)) {
    seen[node] = {};
    for (const [channel, version] of Object.entries(channels)) {
      seen[node][channel] = version === versions[channel] ? true : (version as Version);
    }
  }
  const head = JSON.stringify({ v, ts, versions, seen });
  const packed = values.map(([channel, held]) => packValue(JSON.stringify(channel), held));
  const tail = rest === null ? "" : `,"rest":${rest}`;
  return `${head.slice(0, -1)},"values":[${packed.join(",")}]${tail}}`;
}

function packValue(channel: string, held: Held): string {
  if (held.kind === "inline") return `[${channel},0,${held.text}]`;
  if (held.kind === "item") return `[${channel},1]`;
  const last = held.spans.at(-1);
  const isOpen = last?.lineage === held.tail?.lineage && last?.end === held.tail?.next;
  const flags = (isOpen ? 1 : 0) + (held.hasTexts ? 2 : 0);
  return `[${channel},${held.spans.length + 2},${flags}]`;
}

export type PackedValue =
  | { channel: string; kind: "inline"; json: unknown }
  | { channel: string; kind: "item" }
  | PackedList;

export interface PackedList {
  channel: string;
  kind: "list";
  spans: number;
  isOpen: boolean;
  hasTexts: boolean;
}

export function unpackContent(
  text: string,
  checkpointId: string,
): { checkpoint: Checkpoint; values: PackedValue[]; rest: unknown } {
  const { v, ts, versions, seen, values, rest } = JSON.parse(text) as Content;
  const versionsSeen: Record<string, Record<string, Version>> = {};
  for (const [node, channels] of Object.entries(seen)) {
    versionsSeen[node] = {};
    for (const [channel, version] of Object.entries(channels)) {
      versionsSeen[node][channel] = version === true ? versions[channel]! : version;
    }
  }
  const checkpoint: Checkpoint = {
    v,
    id: checkpointId,
    ts,
    channel_values: {},
    channel_versions: versions,
    versions_seen: versionsSeen,
  };
  return { checkpoint, values: values.map(unpackValue), rest };
}

function unpackValue([channel, form, extra]: Content["values"][number]): PackedValue {
  if (form === 0) return { channel, kind: "inline", json: extra };
  if (form === 1) return { channel, kind: "item" };
  const flags = Number(extra);
  return {
    channel,
    kind: "list",
    spans: form - 2,
    isOpen: (flags & 1) !== 0,
    hasTexts: (flags & 2) !== 0,
  };
}
