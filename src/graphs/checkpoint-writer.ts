import type {
  ChannelVersions,
  Checkpoint,
  SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { LineageTaken, SpansFreed } from "../core/error.ts";
import type { JsonObject } from "../core/json.ts";
import type {
  CheckpointAddress,
  CheckpointStorage,
  NewWrite,
  Shortened,
  StoredItem,
  StoredValue,
  StoredWrite,
  Writer,
} from "../core/ports/checkpoints.ts";
import { namesIn, packContent } from "./checkpoint-content.ts";
import { excerpted, excerptedText, hasLongText, textBytesMin, textsIn } from "./excerpts.ts";
import type { LiveItem } from "./item-cache.ts";
import { isList, lengthKept, type ListPlan, placeList, Placer, planList } from "./lists.ts";
import { Names } from "./names.ts";
import { encodeSharing, type FindItem, type SharingValue } from "./shared-elements.ts";
import type { Held, NamespaceMemory, ThreadMemory } from "./thread-memory.ts";

const decoder = new TextDecoder();

/** Shorter values stand in the checkpoint's own text: as an item they would cost about 30 bytes more. */
const inlineLengthMax = 128;

/** Only one checkpoint has a run's input, whose texts soon are those of messages. */
const inputChannel = "__start__";

/** A branch or a copy that goes on at the same moment takes the place once, a deletion frees once. */
const triesMax = 5;

export interface CheckpointToPut {
  address: CheckpointAddress;
  parentId: string | null;
  checkpoint: Checkpoint;
  origin: JsonObject;
  metadata: JsonObject;
  newVersions: ChannelVersions;
}

export interface WriteToPut extends Omit<StoredWrite, "value"> {
  value: unknown;
}

/** How a channel's value will be stored. */
type Plan =
  | { channel: string; held: Held }
  | { channel: string; list: ListPlan }
  | ({ channel: string } & SharingValue);

interface CheckpointPlan {
  values: Plan[];
  /** In which the plan's stored items were learnt; null when it has none. */
  generation: number | null;
}

/** Stores checkpoints: of each only what is not stored yet, as far as `memory` knows. */
export class CheckpointWriter {
  readonly #storage: CheckpointStorage;
  readonly #names: Names;
  readonly #serializer: SerializerProtocol;
  readonly #writer: Writer;

  constructor(storage: CheckpointStorage, serializer: SerializerProtocol, writer: Writer) {
    this.#storage = storage;
    this.#names = Names.of(storage);
    this.#serializer = serializer;
    this.#writer = writer;
  }

  /** Encodes before anything is awaited. */
  async putWrites(
    address: CheckpointAddress,
    writes: WriteToPut[],
    memory: ThreadMemory,
  ): Promise<void> {
    // A special one may be replaced: shortened later, it would stand in place of its successor.
    const isLong = ({ index, value }: StoredWrite) => index >= 0 && hasLongText(value);
    const { generation } = memory;
    const encoded = this.#encodeWrites(writes, (element) => memory.find(element));
    const put = encoded.then((shared) =>
      this.#storeWrites(address, writes, { shared, generation }),
    );
    const long = encoded
      .then((shared) => (shared.some(isLong) ? put : []))
      .then((stored) => stored.filter(isLong));
    memory
      .of(address.namespace)
      .openStep(address.checkpointId)
      .writes.push(long.catch(() => []));
    await put;
  }

  #encodeWrites(writes: WriteToPut[], find: FindItem): Promise<NewWrite[]> {
    const encode = (one: unknown) => this.#encode(one);
    return Promise.all(
      writes.map(async (write) => ({
        ...write,
        ...(await encodeSharing(write.value, find, encode)),
      })),
    );
  }

  /** What `shared` names may be gone: then the writes are stored whole. */
  async #storeWrites(
    address: CheckpointAddress,
    writes: WriteToPut[],
    { shared, generation }: { shared: NewWrite[]; generation: number | null },
  ): Promise<NewWrite[]> {
    const writer = this.#writer;
    if (!shared.some(hasTexts)) return this.#storage.putWrites({ address, writes: shared, writer });
    try {
      return await this.#storage.putWrites({ address, writes: shared, generation, writer });
    } catch (error) {
      if (!(error instanceof SpansFreed)) throw error;
      const whole = await this.#encodeWrites(writes, () => undefined);
      return this.#storage.putWrites({ address, writes: whole, writer });
    }
  }

  /** `recall` reads the parent, so that `memory` knows it. */
  async put(
    step: CheckpointToPut,
    memory: ThreadMemory,
    recall: () => Promise<void>,
  ): Promise<void> {
    const known = memory.of(step.address.namespace);
    let plan = await this.#plan(step, memory, { recall, all: false });
    for (let tries = 1; ; tries++) {
      try {
        await this.#store(step, plan, memory, known);
        return;
      } catch (error) {
        if (tries === triesMax) throw error;
        if (error instanceof LineageTaken) {
          known.forgetTails();
          for (const value of plan.values) if ("list" in value) value.list.tail = null;
        } else if (error instanceof SpansFreed) {
          memory.clear();
          plan = await this.#plan(step, memory, { recall, all: true });
        } else throw error;
      }
    }
  }

  /**
   * Of a channel that did not change nothing is stored. `all`: what was stored is gone, store it
   * again. Encodes before anything is awaited, so that the checkpoint is stored as it is now.
   */
  async #plan(
    step: CheckpointToPut,
    memory: ThreadMemory,
    { recall, all }: { recall: () => Promise<void>; all: boolean },
  ): Promise<CheckpointPlan> {
    const { checkpoint, newVersions } = step;
    const { generation } = memory;
    const known = memory.of(step.address.namespace);
    const versionOf = (channel: string) => String(checkpoint.channel_versions[channel]);
    const channels = Object.keys(checkpoint.channel_values);
    const isNew = (channel: string) => all || Object.hasOwn(newVersions, channel);
    const changed = new Map(
      channels
        .filter(isNew)
        .map((channel) => [
          channel,
          this.#planValue(channel, checkpoint.channel_values[channel], memory, known),
        ]),
    );
    // What has no version was never stored, such as the library's empty list of tasks.
    const isUnknown = (channel: string) =>
      Object.hasOwn(checkpoint.channel_versions, channel) &&
      !isNew(channel) &&
      !known.held(channel, versionOf(channel));
    if (channels.some(isUnknown)) await recall();
    const values: Plan[] = [];
    for (const channel of channels) {
      const plan = changed.get(channel);
      const held = plan ? undefined : known.held(channel, versionOf(channel));
      if (plan) values.push(await plan);
      else if (held) values.push({ channel, held });
    }
    return { values, generation: generation ?? memory.generation };
  }

  async #planValue(
    channel: string,
    value: unknown,
    memory: ThreadMemory,
    known: NamespaceMemory,
  ): Promise<Plan> {
    const encode = (one: unknown) => this.#encode(one);
    const find = (element: object) => memory.find(element);
    if (channel === inputChannel) return { channel, ...(await encodeSharing(value, find, encode)) };
    const base = known.latestList(channel);
    const kept = lengthKept(value, base);
    if (!isList(channel, value, kept)) {
      return { channel, value: await encode(value), texts: [] };
    }
    return { channel, list: await planList(value, { base, kept }, find, encode) };
  }

  async #store(
    step: CheckpointToPut,
    plan: CheckpointPlan,
    memory: ThreadMemory,
    known: NamespaceMemory,
  ): Promise<void> {
    const { address, parentId, checkpoint, origin, metadata } = step;
    const wholes = new Placer(known.wholeTail);
    const placed = plan.values.map((value) => place(value, wholes));
    const values = placed.map(({ channel, held }) => [channel, held] as [string, Held]);
    const spans = values.flatMap(([, held]) => (held.kind === "inline" ? [] : held.spans));
    const texts = values.flatMap(([, held]) => (held.kind === "inline" ? held.texts : []));
    const items = placed.flatMap((one) => one.items);
    const held = spans.reduce((sum, { first, end }) => sum + end - first, 0);
    const names = [...namesIn(checkpoint), ...values.map(([channel]) => channel)];
    await this.#names.known(names);
    const rest = await this.#rest(checkpoint);
    const content = packContent(checkpoint, values, rest, this.#names);
    const { generation: learntIn } = memory;
    const shortened = parentId === null ? null : await shortenedBy(items, parentId, known);
    const isShared = held > items.length || texts.length > 0;
    const generation = await this.#storage.put({
      checkpoint: { ...address, parentId, content, spans, metadata },
      texts,
      origin,
      items,
      generation: isShared ? plan.generation : shortened?.hadTexts ? learntIn : null,
      shortened: shortened?.parent ?? null,
      writer: this.#writer,
    });
    memory.enter(generation);
    if (parentId !== null) known.closeStep(parentId);
    if (values.some(([, one]) => one.kind === "inline" && one.text.length >= textBytesMin)) {
      known.openStep(address.checkpointId).content = { text: content, texts };
    }
    known.wholeTail = wholes.tail;
    for (const { channel, held: now, fresh } of placed) {
      known.hold(channel, String(checkpoint.channel_versions[channel]), now);
      memory.learn(fresh);
    }
  }

  /** What other versions of the library put into a checkpoint. */
  async #rest(checkpoint: Checkpoint): Promise<string | null> {
    const {
      v: _v,
      id: _id,
      ts: _ts,
      channel_values: _values,
      channel_versions: _versions,
      versions_seen: _seen,
      ...rest
    } = checkpoint;
    if (Object.keys(rest).length === 0) return null;
    return decoder.decode((await this.#encode(rest)).bytes);
  }

  async #encode(value: unknown): Promise<StoredValue> {
    const [type, bytes] = await this.#serializer.dumpsTyped(value);
    return { type, bytes };
  }
}

/**
 * What was stored of the parent, without the texts that `items` have. Waits for writes that are still on
 * their way: what is not stored cannot be shortened.
 */
async function shortenedBy(
  items: StoredItem[],
  parentId: string,
  known: NamespaceMemory,
): Promise<{ parent: Shortened; hadTexts: boolean } | null> {
  const step = known.storedStep(parentId);
  if (!step) return null;
  const long = (await Promise.all(step.writes)).flat();
  if (step.content === null && long.length === 0) return null;
  const texts = textsIn(items);
  const writes = long.flatMap(({ taskId, index, value, texts: before = [] }) => {
    const shorter = excerpted(value, texts);
    if (!shorter) return [];
    return [{ taskId, index, value: shorter.value, texts: [...before, ...shorter.texts] }];
  });
  const before = step.content?.texts ?? [];
  const shorter = step.content && excerptedText(step.content.text, texts);
  const content = shorter && { ...shorter, texts: [...before, ...shorter.texts] };
  if (!content && writes.length === 0) return null;
  const hadTexts = before.length > 0 || long.some(hasTexts);
  return { parent: { checkpointId: parentId, content, writes }, hadTexts };
}

function hasTexts({ texts = [] }: NewWrite): boolean {
  return texts.length > 0;
}

interface Placed {
  channel: string;
  held: Held;
  items: StoredItem[];
  /** Elements of a list among them. */
  fresh: LiveItem[];
}

function place(plan: Plan, wholes: Placer): Placed {
  const { channel } = plan;
  if ("held" in plan) return { channel, held: plan.held, items: [], fresh: [] };
  if ("list" in plan) return { channel, ...placeList(plan.list) };
  const { value, texts } = plan;
  const { type, bytes } = value;
  const isInline = bytes.length <= inlineLengthMax || channel === inputChannel;
  if (texts.length > 0 || (type === "json" && isInline)) {
    const text = decoder.decode(bytes);
    return { channel, held: { kind: "inline", text, texts }, items: [], fresh: [] };
  }
  const item = { ...wholes.next(), value };
  const span = { lineage: item.lineage, first: item.position, end: item.position + 1 };
  return { channel, held: { kind: "item", spans: [span] }, items: [item], fresh: [] };
}
