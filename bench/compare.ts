import { Loader } from "./loader.ts";
import { quantile, type Figure, type Measure, type Unit } from "./measures/measure.ts";
import type { Scale } from "./scale.ts";
import type { Target } from "./target.ts";

/** One row of the table. */
export interface Row {
  name: string;
  unit: Unit;
  /** Medians by the target's name. */
  values: Record<string, number>;
}

/**
 * Makes every measure on every target in turn (A B, B A, …), so that what else the machine does meets
 * all of them alike, and takes medians.
 */
export async function compare(params: {
  targets: Target[];
  measures: Measure[];
  scale: Scale;
  onProgress: (text: string) => void;
}): Promise<Row[]> {
  await using loader = new Loader();
  const results = new Results();
  for (const measure of params.measures) {
    const rounds = measure.once ? 1 : params.scale.rounds;
    const able = params.targets.filter(({ kind }) => measure.onFloor || kind !== "floor");
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? able : able.toReversed();
      for (const target of order) {
        params.onProgress(`${measure.name} ${round + 1}/${rounds} on ${target.name}`);
        const figures = await measure.run({ target, loader, scale: params.scale });
        results.add(target, figures);
      }
    }
  }
  return results.rows();
}

class Results {
  readonly #units = new Map<string, Unit>();
  readonly #values = new Map<string, Map<string, number[]>>();

  add(target: Target, figures: Figure[]): void {
    for (const { name, unit, value } of figures) {
      this.#units.set(name, unit);
      const ofFigure = this.#values.get(name) ?? new Map<string, number[]>();
      this.#values.set(name, ofFigure);
      ofFigure.set(target.name, [...(ofFigure.get(target.name) ?? []), value]);
    }
  }

  rows(): Row[] {
    return [...this.#values].map(([name, ofFigure]) => ({
      name,
      unit: this.#units.get(name)!,
      values: Object.fromEntries(
        [...ofFigure].map(([target, values]) => [target, quantile(values)]),
      ),
    }));
  }
}
