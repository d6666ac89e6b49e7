import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import type { Names, PackedName } from "./names.ts";
import type { Held } from "./thread-memory.ts";
import { VersionPacker, VersionUnpacker, type PackedVersion, type Version } from "./versions.ts";

/**
 * A checkpoint's own text, which is most of what it costs: names are numbers, and versions say how they
 * differ from the one before. Where a node has seen the version that the channel still has stands 0.
 * A channel's value stands in it, or is the next span (1) or spans (n + 2) of the checkpoint, with `flags`
 * of a list: 1 that it goes on where its last span ends, 2 that it has texts.
 */
type Content = [
  /** Milliseconds since 1970, or as the library gave it. */
  ts: number | string,
  /** Name, version, name, version … */
  versions: (PackedName | PackedVersion)[],
  /** Node, what it has seen in the same form, node … */
  seen: (PackedName | (PackedName | PackedVersion)[])[],
  values: PackedChannel[],
  more?: { v?: number; rest?: unknown },
];

type PackedChannel = [channel: PackedName, form: number, valueOrFlags?: unknown];

/** The form of nearly all checkpoints. */
const usualForm = 4;

/** What has to be `known` before this is packed. */
export function namesIn({ channel_versions: versions, versions_seen: seen }: Checkpoint): string[] {
  const names = [...Object.keys(versions), ...Object.keys(seen)];
  for (const channels of Object.values(seen)) names.push(...Object.keys(channels));
  return names;
}

/** `rest`: serialised, what else the library put into the checkpoint. */
export function packContent(
  checkpoint: Checkpoint,
  values: [channel: string, held: Held][],
  rest: string | null,
  names: Names,
): string {
  const { v, ts, channel_versions: current } = checkpoint;
  const packer = new VersionPacker();
  const versions = Object.entries(current).flatMap(([channel, version]) => [
    names.pack(channel),
    packer.pack(version as Version),
  ]);
  const seen = Object.entries(checkpoint.versions_seen).flatMap(([node, channels]) => [
    names.pack(node),
    Object.entries(channels).flatMap(([channel, version]) => [
      names.pack(channel),
      version === current[channel] ? 0 : packer.packOther(version as Version),
    ]),
  ]);
  const head = JSON.stringify([packTime(ts), versions, seen]).slice(0, -1);
  const packed = values.map(([channel, held]) =>
    packValue(JSON.stringify(names.pack(channel)), held),
  );
  const more = [
    ...(v === usualForm ? [] : [`"v":${v}`]),
    ...(rest === null ? [] : [`"rest":${rest}`]),
  ];
  return `${head},[${packed.join(",")}]${more.length > 0 ? `,{${more.join(",")}}` : ""}]`;
}

function packTime(ts: string): number | string {
  const time = Date.parse(ts);
  return Number.isFinite(time) && new Date(time).toISOString() === ts ? time : ts;
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

export interface Unpacked {
  checkpoint: Checkpoint;
  values: PackedValue[];
  rest: unknown;
}

/** Learns the names that it needs. */
export async function unpackContent(
  text: string,
  checkpointId: string,
  names: Names,
): Promise<Unpacked> {
  const content = JSON.parse(text) as Content | NamedContent;
  if (!Array.isArray(content)) return unpackNamed(content, checkpointId);
  await names.learnt(namesOf(content));
  const [ts, packedVersions, packedSeen, values, more] = content;
  const unpacker = new VersionUnpacker();
  const versions = Object.fromEntries(
    pairs(packedVersions).map(([channel, version]) => [
      names.unpack(channel as PackedName),
      unpacker.unpack(version as PackedVersion),
    ]),
  );
  const seen = pairs(packedSeen).map(([node, channels]) => [
    names.unpack(node as PackedName),
    Object.fromEntries(
      pairs(channels as unknown[]).map(([packed, version]) => {
        const channel = names.unpack(packed as PackedName);
        const isCurrent = version === 0;
        return [
          channel,
          isCurrent ? versions[channel]! : unpacker.unpack(version as PackedVersion),
        ];
      }),
    ),
  ]);
  const checkpoint: Checkpoint = {
    v: more?.v ?? usualForm,
    id: checkpointId,
    ts: typeof ts === "number" ? new Date(ts).toISOString() : ts,
    channel_values: {},
    channel_versions: versions,
    versions_seen: Object.fromEntries(seen) as Checkpoint["versions_seen"],
  };
  const unpacked = values.map(([channel, form, extra]) =>
    unpackValue(names.unpack(channel), form, extra),
  );
  return { checkpoint, values: unpacked, rest: more?.rest };
}

function namesOf([, versions, seen, values]: Content): PackedName[] {
  const channels = (list: unknown[]) => pairs(list).map(([name]) => name as PackedName);
  const ofNodes = pairs(seen).flatMap(([node, seenThere]) => [
    node as PackedName,
    ...channels(seenThere as unknown[]),
  ]);
  return [...channels(versions), ...ofNodes, ...values.map(([channel]) => channel)];
}

function pairs(list: unknown[]): [unknown, unknown][] {
  const found: [unknown, unknown][] = [];
  for (let at = 0; at < list.length; at += 2) found.push([list[at], list[at + 1]]);
  return found;
}

function unpackValue(channel: string, form: number, extra: unknown): PackedValue {
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

/** As checkpoints were stored before names had numbers. */
interface NamedContent {
  v: number;
  ts: string;
  versions: Record<string, Version>;
  /** True for the version that the channel has at this checkpoint. */
  seen: Record<string, Record<string, Version | true>>;
  values: [channel: string, form: number, valueOrFlags?: unknown][];
  rest?: unknown;
}

function unpackNamed(content: NamedContent, checkpointId: string): Unpacked {
  const { v, ts, versions, seen, values, rest } = content;
  const seenAt = (channels: Record<string, Version | true>) =>
    Object.entries(channels).map(([channel, version]) => [
      channel,
      version === true ? versions[channel]! : version,
    ]);
  const checkpoint: Checkpoint = {
    v,
    id: checkpointId,
    ts,
    channel_values: {},
    channel_versions: versions,
    versions_seen: Object.fromEntries(
      Object.entries(seen).map(([node, channels]) => [node, Object.fromEntries(seenAt(channels))]),
    ) as Checkpoint["versions_seen"],
  };
  const unpacked = values.map(([channel, form, extra]) => unpackValue(channel, form, extra));
  return { checkpoint, values: unpacked, rest };
}
