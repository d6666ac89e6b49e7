import { treeBytes } from "../target.ts";
import { quantile, type Figure, type Measure } from "./measure.ts";

/** Starts the server again and again with two graphs on empty data. */
export const start: Measure = {
  name: "start",
  onFloor: false,
  once: true,
  async run({ target, scale }): Promise<Figure[]> {
    if (!target.launch) return [];
    const times: number[] = [];
    const sizes: number[] = [];
    for (let count = 0; count < scale.starts; count += 1) {
      await using another = await target.launch();
      times.push(another.startedInMs);
      const bytes = another.target.pid === null ? null : treeBytes(another.target.pid);
      if (bytes !== null) sizes.push(bytes / 1024 / 1024);
    }
    const figures: Figure[] = [
      { name: "start to the first /ok, two graphs", unit: "ms", value: quantile(times) },
    ];
    if (sizes.length > 0) {
      figures.push({
        name: "memory after start, all processes",
        unit: "MB",
        value: quantile(sizes),
      });
    }
    return figures;
  },
};
