import { isObject, type JsonObject } from "../../../core/json.ts";
import { MessageBlocks } from "./message-blocks.ts";

/** One record of the `messages` channel, with where it belongs. */
export interface MessageRecord {
  namespace: string[];
  node?: string;
  data: JsonObject;
}

interface OpenMessage {
  blocks: MessageBlocks;
  namespace: string[];
  node?: string;
}

/**
 * The messages of a run, from the tokens of mode `messages-tuple`, or, where a run has only the older
 * mode `messages`, from what that repeats whole at every token. A log does not say where a message
 * ends: it ends with its node, or when the model has said that it is done and begins the next.
 */
export class RunMessages {
  readonly #open = new Map<string, OpenMessage>();
  readonly #closed = new Set<string>();
  /** Of the older mode: what it says once of each message. */
  readonly #metadata = new Map<string, JsonObject>();

  /** An event of mode `messages-tuple`. */
  onTuple(namespace: string[], data: string): MessageRecord[] {
    const [message, metadata] = JSON.parse(data) as [JsonObject, JsonObject];
    const isToken = Object.hasOwn(message, "tool_call_chunks");
    return this.#tell({ message, metadata, namespace, whole: !isToken });
  }

  /** An event of mode `messages`, whose name is `messages/metadata`, `messages/partial` or `messages/complete`. */
  onOlderMode(name: string, data: string): MessageRecord[] {
    const value = JSON.parse(data) as JsonObject | JsonObject[];
    if (name === "messages/metadata") {
      for (const [id, told] of Object.entries(value)) {
        if (isObject(told) && isObject(told["metadata"])) this.#metadata.set(id, told["metadata"]);
      }
      return [];
    }
    return [value].flat().flatMap((message) => {
      const { id } = message;
      const metadata = this.#metadata.get(String(id));
      const tell = (): MessageRecord[] =>
        this.#tell({ message, metadata: metadata ?? {}, namespace: [], whole: true });
      if (name === "messages/partial") return tell();
      // What was never begun came with the state: it is no message of this run.
      return this.#open.has(String(id)) ? [...tell(), ...this.#finish(String(id))] : [];
    });
  }

  /** Ends what was written in the namespace of a node, or in all. */
  finishIn(namespace: string[]): MessageRecord[] {
    return [...this.#open].flatMap(([id, open]) =>
      namespace.every((segment, at) => segment === open.namespace[at]) ? this.#finish(id) : [],
    );
  }

  #tell(told: {
    message: JsonObject;
    metadata: JsonObject;
    namespace: string[];
    whole: boolean;
  }): MessageRecord[] {
    const { message, metadata, whole } = told;
    const id = message["id"];
    if (typeof id !== "string" || this.#closed.has(id)) return [];
    const records: MessageRecord[] = [];
    let open = this.#open.get(id);
    if (!open) {
      open = openMessage(id, told.namespace, metadata);
      records.push(...this.#finishComplete(open.namespace));
      this.#open.set(id, open);
      records.push(...located(open, open.blocks.start(message, metadata)));
    }
    const { blocks } = open;
    records.push(...located(open, whole ? blocks.addWhole(message) : blocks.add(message)));
    // A message that comes in one piece and not from a model is there at once.
    if (whole && message["type"] !== "ai") records.push(...this.#finish(id));
    return records;
  }

  #finishComplete(namespace: string[]): MessageRecord[] {
    const key = namespace.join("|");
    return [...this.#open].flatMap(([id, { blocks, namespace: other }]) =>
      blocks.isComplete && other.join("|") === key ? this.#finish(id) : [],
    );
  }

  #finish(id: string): MessageRecord[] {
    const open = this.#open.get(id)!;
    this.#open.delete(id);
    this.#closed.add(id);
    return located(open, open.blocks.finish());
  }
}

function openMessage(id: string, namespace: string[], metadata: JsonObject): OpenMessage {
  const { langgraph_checkpoint_ns: place, langgraph_node: node } = metadata;
  // A run that streams no subgraphs names no namespace, but its metadata knows.
  const known = namespace.length === 0 && typeof place === "string" && place !== "";
  return {
    blocks: new MessageBlocks(id),
    namespace: known ? place.split("|") : namespace,
    ...(typeof node === "string" && { node }),
  };
}

function located({ namespace, node }: OpenMessage, records: JsonObject[]): MessageRecord[] {
  return records.map((data) => ({ namespace, ...(node !== undefined && { node }), data }));
}
