import { burst, cpuFigure, quantile, type Context, type Figure, type Measure } from "./measure.ts";

const request = { path: "/runs/wait", body: { assistant_id: "one_node", input: { count: 1 } } };

/** How long a run waits when the server has nothing else to do. */
export const waitLatency: Measure = {
  name: "wait",
  onFloor: true,
  once: false,
  async run(context: Context): Promise<Figure[]> {
    const { durations } = await burst(context, 1, request);
    return [{ name: "runs.wait one node, 1 client, p50", unit: "ms", value: quantile(durations) }];
  },
};

/** How many runs there can be. */
export const waitThroughput: Measure = {
  name: "runs",
  onFloor: true,
  once: false,
  async run(context: Context): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const clients of context.scale.crowds) {
      const made = await burst(context, clients, request);
      const name = `runs.wait one node, ${clients} clients`;
      figures.push({ name, unit: "/s", value: made.requests / made.seconds });
      if (clients === context.scale.crowds[0]) figures.push(...cpuFigure("runs.wait", made));
    }
    return figures;
  },
};
