import { AdjutantError, failureOf, invalid } from "../core/error.ts";
import type { ItemVector, Vector } from "../core/item.ts";
import { textsAt } from "../core/item-texts.ts";
import type { Limits } from "../core/limits.ts";
import type { Indexable, ItemIndex } from "../core/ports/item-index.ts";
import type { IndexSettings } from "./embedder.ts";

/** Texts given to an embedder in one call. */
const textsAtOnce = 256;

interface PlacedText {
  path: string;
  text: string;
}

/** Indexes items by the embedder of langgraph.json; without one, not at all. */
export class StoreIndex implements ItemIndex {
  #settings: IndexSettings | null;
  readonly #limits: Pick<Limits, "embedTimeoutMs" | "vectorsPerItemMax">;

  constructor(
    settings: IndexSettings | null,
    limits: Pick<Limits, "embedTimeoutMs" | "vectorsPerItemMax">,
  ) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /** From now on this. */
  replace(settings: IndexSettings | null): void {
    this.#settings = settings;
  }

  /** What the vectors made now are called; null when none are made. */
  get model(): string | null {
    return this.#settings && modelOf(this.#settings);
  }

  async vectorsOf(items: Indexable[]): Promise<ItemVector[][]> {
    const settings = this.#settings;
    if (!settings) return items.map(() => []);
    const placed = items.map((item) => this.#textsOf(item, settings.fields));
    const texts = [...new Set(placed.flat().map(({ text }) => text))];
    const vectors = new Map<string, Vector>();
    for (let from = 0; from < texts.length; from += textsAtOnce) {
      const part = texts.slice(from, from + textsAtOnce);
      const made = await this.#embed(settings, part.length, () =>
        settings.embedder.embedDocuments(part),
      );
      for (const [at, text] of part.entries()) vectors.set(text, made[at]!);
    }
    return placed.map((own) => own.map(({ path, text }) => ({ path, ...vectors.get(text)! })));
  }

  async vectorOf(query: string): Promise<Vector | null> {
    const settings = this.#settings;
    if (!settings || query.trim() === "") return null;
    const embed = async () => [await settings.embedder.embedQuery(query)];
    return (await this.#embed(settings, 1, embed))[0]!;
  }

  /** As LangGraph's own stores find them; texts with nothing in them are left out. */
  #textsOf({ value, index }: Indexable, fields: string[]): PlacedText[] {
    if (index === false) return [];
    const found = new Map<string, string>();
    for (const path of index ?? fields) {
      const texts = textsAt(value, path);
      for (const [at, text] of texts.entries()) {
        if (text.trim() === "") continue;
        found.set(texts.length > 1 ? `${path}.${at}` : path, text);
      }
    }
    const { vectorsPerItemMax } = this.#limits;
    if (found.size > vectorsPerItemMax) {
      throw invalid(
        `The item has ${found.size} texts to index, and at most ${vectorsPerItemMax} are. Name other paths in "index", or raise ADJUTANT_VECTORS_PER_ITEM_MAX.`,
      );
    }
    return [...found].map(([path, text]) => ({ path, text }));
  }

  async #embed(
    settings: IndexSettings,
    count: number,
    embed: () => Promise<unknown>,
  ): Promise<Vector[]> {
    try {
      const made = await withinTime(embed(), this.#limits.embedTimeoutMs);
      if (!Array.isArray(made) || made.length !== count) {
        const got = Array.isArray(made) ? `${made.length} vectors` : `a ${typeof made}`;
        throw new TypeError(`it returned ${got} for ${count} texts`);
      }
      return made.map((values) => unitVector(values, settings));
    } catch (thrown) {
      throw new AdjutantError(
        "unavailable",
        `"store.index.embed" of langgraph.json (${settings.name}) failed: ${failureOf(thrown).message}.`,
      );
    }
  }
}

function modelOf({ name, dims }: IndexSettings): string {
  return `${name} (${dims})`;
}

/** Brought to length 1, so that a product of two is their cosine. */
function unitVector(values: unknown, settings: IndexSettings): Vector {
  const numbers =
    Array.isArray(values) || ArrayBuffer.isView(values) ? [...(values as number[])] : [];
  if (numbers.length !== settings.dims) {
    throw new RangeError(
      `it returned a vector of ${numbers.length} numbers, and "store.index.dims" is ${settings.dims}`,
    );
  }
  if (!numbers.every((one) => typeof one === "number" && Number.isFinite(one))) {
    throw new TypeError("it returned a vector with something in it that is no number");
  }
  const length = Math.hypot(...numbers) || 1;
  return { model: modelOf(settings), values: Float32Array.from(numbers, (one) => one / length) };
}

async function withinTime<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it did not answer in ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
