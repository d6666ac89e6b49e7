import { burst, cpuFigure, type Figure, type Measure } from "./measure.ts";

export const supersteps: Measure = {
  name: "supersteps",
  onFloor: true,
  once: false,
  async run(context): Promise<Figure[]> {
    const clients = context.scale.crowds[0]!;
    const made = await burst(context, clients, {
      path: "/runs/wait",
      body: { assistant_id: "ten_steps", input: { count: 0 } },
    });
    const name = `ten supersteps a run, ${clients} clients, runs`;
    return [
      { name, unit: "/s", value: made.requests / made.seconds },
      ...cpuFigure("ten supersteps", made),
    ];
  },
};
