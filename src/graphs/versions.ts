import { randomInt } from "node:crypto";

export type Version = string | number;

/**
 * A whole number says how a version differs from the one before: a thousand for each whole, and one for
 * each billionth. Any other is the version itself, as is what stands in a list.
 */
export type PackedVersion = number | [Version];

const digits = 9;
const fractionMax = 10 ** digits;
const wholeFactor = 1_000;
const differenceMax = wholeFactor / 2;

/** One with a fraction of nine digits. */
const usualVersion = new RegExp(`^(\\d{1,7})\\.(\\d{1,${digits}})$`);

interface Parts {
  whole: number;
  /** In billionths. */
  fraction: number;
}

function partsOf(version: Version): Parts | null {
  const match = typeof version === "number" ? usualVersion.exec(String(version)) : null;
  if (!match) return null;
  return { whole: Number(match[1]), fraction: Number(match[2]!.padEnd(digits, "0")) };
}

function versionOf({ whole, fraction }: Parts): number {
  return Number(`${whole}.${String(fraction).padStart(digits, "0")}`);
}

/**
 * The versions that one checkpointer gives. They are counted up, with a fraction: two branches that fork
 * from one checkpoint must not give one version two values. The first fraction is random; the next is
 * one more, so that the versions of one run are short as differences.
 */
export class VersionCounter {
  #fraction = randomInt(1, fractionMax);

  next(current: Version | undefined): number {
    const last = typeof current === "number" ? current : Number.parseFloat(current ?? "0");
    this.#fraction = this.#fraction + 1 < fractionMax ? this.#fraction + 1 : 1;
    return versionOf({ whole: Math.floor(last) + 1, fraction: this.#fraction });
  }
}

export class VersionPacker {
  #last: Parts | null = null;

  pack(version: Version): PackedVersion {
    const parts = partsOf(version);
    if (!parts) return [version];
    const last = this.#last;
    this.#last = parts;
    const difference = last ? parts.fraction - last.fraction : differenceMax;
    if (Math.abs(difference) >= differenceMax) return version as number;
    return (parts.whole - last!.whole) * wholeFactor + difference;
  }

  /** Never 0, for where this has a meaning of its own. */
  packOther(version: Version): PackedVersion {
    const packed = this.pack(version);
    return packed === 0 ? (version as number) : packed;
  }
}

/** Of versions in the order in which they were packed. */
export class VersionUnpacker {
  #last: Parts | null = null;

  unpack(packed: PackedVersion): Version {
    if (typeof packed !== "number") return packed[0];
    if (!Number.isInteger(packed)) {
      this.#last = partsOf(packed);
      return packed;
    }
    const wholes = Math.round(packed / wholeFactor);
    const { whole, fraction } = this.#last!;
    this.#last = { whole: whole + wholes, fraction: fraction + packed - wholes * wholeFactor };
    return versionOf(this.#last);
  }
}
