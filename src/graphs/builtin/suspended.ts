import type { MemorySaver } from "@langchain/langgraph-checkpoint";

/**
 * A graph that answers as a model and stopped to have functions called: what it needs to go on, as
 * text. It is kept with the message that has the calls until these are answered.
 */
export interface Suspended {
  /** For each interrupt the calls it asks for. */
  asked: { interruptId: string; callIds: string[] }[];
  /** The latest checkpoint of each namespace, and the writes that belong to it. */
  checkpoints: { namespace: string; checkpointId: string; values: [string, string] }[];
  writes: { key: string; write: string; values: [string, string, string] }[];
}

/** What a saver in memory holds of a thread. */
export function packSaver(
  saver: MemorySaver,
  threadId: string,
): Pick<Suspended, "checkpoints" | "writes"> {
  const checkpoints = Object.entries(saver.storage[threadId] ?? {}).flatMap(([namespace, byId]) => {
    const latest = Object.keys(byId).toSorted().at(-1);
    if (latest === undefined) return [];
    const [checkpoint, metadata] = byId[latest]!;
    const values: [string, string] = [toText(checkpoint), toText(metadata)];
    return [{ namespace, checkpointId: latest, values }];
  });
  const kept = new Set(
    checkpoints.map(({ namespace, checkpointId }) =>
      JSON.stringify([threadId, namespace, checkpointId]),
    ),
  );
  const writes = Object.entries(saver.writes).flatMap(([key, byWrite]) =>
    kept.has(key)
      ? Object.entries(byWrite).map(([write, [taskId, channel, value]]) => ({
          key,
          write,
          values: [taskId, channel, toText(value)] as [string, string, string],
        }))
      : [],
  );
  return { checkpoints, writes };
}

/** Puts it into a new saver. */
export function unpackSaver(saver: MemorySaver, threadId: string, packed: Suspended): void {
  const ofThread = (saver.storage[threadId] ??= Object.create(null));
  for (const { namespace, checkpointId, values } of packed.checkpoints) {
    const [checkpoint, metadata] = values.map(toBytes);
    ofThread[namespace] = { [checkpointId]: [checkpoint!, metadata!, undefined] };
  }
  for (const { key, write, values } of packed.writes) {
    const [taskId, channel, value] = values;
    (saver.writes[key] ??= Object.create(null))[write] = [taskId, channel, toBytes(value)];
  }
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function toBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
