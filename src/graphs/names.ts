import type { CheckpointStorage, NumberedName } from "../core/ports/checkpoints.ts";

/** Longer ones stand as they are, and so does what a database may not take as a text. */
const lengthMax = 200;

function isNumbered(name: string): boolean {
  return name.length <= lengthMax && name.isWellFormed() && !name.includes("\0");
}

/** A channel's or a node's: the number that stands for it. */
export type PackedName = number | string;

/**
 * Names of channels and nodes stand in every checkpoint of a thread, and there are only as many as the
 * graphs' code has. The database numbers them, once and for ever, so what is known here stays true.
 */
export class Names {
  readonly #storage: CheckpointStorage;
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();

  private constructor(storage: CheckpointStorage) {
    this.#storage = storage;
  }

  static of(storage: CheckpointStorage): Names {
    const known = opened.get(storage) ?? new Names(storage);
    opened.set(storage, known);
    return known;
  }

  /** So that these can be packed. Null when all of them can be. */
  known(names: string[]): Promise<void> | null {
    const missing = names.filter((name) => !this.#numbers.has(name) && isNumbered(name));
    return missing.length === 0 ? null : this.#number([...new Set(missing)]);
  }

  /** So that these can be unpacked. Null when all of them can be. */
  learnt(packed: PackedName[]): Promise<void> | null {
    const missing = packed.filter((name) => typeof name === "number" && !this.#names.has(name));
    return missing.length === 0 ? null : this.#learn([...new Set(missing as number[])]);
  }

  pack(name: string): PackedName {
    return this.#numbers.get(name) ?? name;
  }

  unpack(name: PackedName): string {
    const unpacked = typeof name === "string" ? name : this.#names.get(name);
    if (unpacked === undefined) throw new Error(`No name has the number ${name}.`);
    return unpacked;
  }

  async #number(names: string[]): Promise<void> {
    this.#keep(await this.#storage.numbersOf(names));
  }

  async #learn(numbers: number[]): Promise<void> {
    this.#keep(await this.#storage.namesOf(numbers));
  }

  #keep(numbered: NumberedName[]): void {
    for (const { name, number } of numbered) {
      this.#numbers.set(name, number);
      this.#names.set(number, name);
    }
  }
}

const opened = new WeakMap<CheckpointStorage, Names>();
