import type { ThreadId } from "../core/ids.ts";
import { type Span, subtractSpans } from "../core/lineage.ts";
import type { CheckpointStorage, CheckpointTuple } from "../core/ports/checkpoints.ts";
import type { ThreadSize } from "../core/ports/graphs.ts";
import { type PackedValue, unpackContent } from "./checkpoint-content.ts";
import { CheckpointGone } from "./checkpoint-gone.ts";
import { wholeTuple } from "./excerpts.ts";
import { Names } from "./names.ts";

/** Items that are in memory at once while they are counted. */
const itemsAtOnce = 500;

interface Channel {
  /** With the namespace they belong to. */
  versions: Set<string>;
  /** Of values that stand in the checkpoints' own text. */
  inlineBytes: number;
  spans: Span[];
}

/** Counts as values read back; what checkpoints share, once. */
export async function measureThread(
  checkpoints: CheckpointStorage,
  threadId: ThreadId,
): Promise<ThreadSize> {
  const channels = new Map<string, Channel>();
  const names = Names.of(checkpoints);
  const own = { count: 0, bytes: 0 };
  const writes = { count: 0, bytes: 0 };
  for await (const stored of checkpoints.list({ threadId })) {
    const tuple = wholeUnlessGone(stored);
    if (!tuple) continue;
    const { checkpoint, values } = await unpackContent(tuple.content, tuple.checkpointId, names);
    let inlineBytes = 0;
    let at = 0;
    for (const value of values) {
      const channel = channels.get(value.channel) ?? newChannel();
      channels.set(value.channel, channel);
      const version = checkpoint.channel_versions[value.channel];
      channel.versions.add(`${tuple.namespace} ${String(version)}`);
      const length = value.kind === "inline" ? lengthOf(JSON.stringify(value.json)) : 0;
      inlineBytes += length;
      channel.inlineBytes += length;
      const next = at + spanCountOf(value);
      channel.spans.push(...tuple.spans.slice(at, next));
      at = next;
    }
    own.count += 1;
    own.bytes += lengthOf(tuple.content) + lengthOf(JSON.stringify(tuple.metadata)) - inlineBytes;
    writes.count += tuple.writes.length;
    for (const { value } of tuple.writes) writes.bytes += value.bytes.length;
  }
  const byChannel: ThreadSize["channels"] = {};
  for (const [name, { versions, inlineBytes, spans }] of channels) {
    const bytes = inlineBytes + (await itemBytes(checkpoints, spans));
    byChannel[name] = { versions: versions.size, bytes };
  }
  return { checkpoints: own, channels: byChannel, writes };
}

/** Null for what was removed while it was read. */
function wholeUnlessGone(stored: CheckpointTuple): CheckpointTuple | null {
  try {
    return wholeTuple(stored);
  } catch (error) {
    if (error instanceof CheckpointGone) return null;
    throw error;
  }
}

function newChannel(): Channel {
  return { versions: new Set(), inlineBytes: 0, spans: [] };
}

function spanCountOf(value: PackedValue): number {
  if (value.kind === "inline") return 0;
  return value.kind === "item" ? 1 : value.spans;
}

async function itemBytes(checkpoints: CheckpointStorage, spans: Span[]): Promise<number> {
  let bytes = 0;
  for (const { lineage, first, end } of subtractSpans(spans, [])) {
    for (let at = first; at < end; at += itemsAtOnce) {
      const part = { lineage, first: at, end: Math.min(end, at + itemsAtOnce) };
      for (const { value } of await checkpoints.items([part])) bytes += value.bytes.length;
    }
  }
  return bytes;
}

function lengthOf(text: string): number {
  return Buffer.byteLength(text);
}
