import { burst, cpuFigure, quantile, type Figure, type Measure } from "./measure.ts";

/**
 * Two figures: the first event at all (ours says `metadata` at once), and the first that comes from
 * the graph, which no server can say early.
 */
export const firstEvent: Measure = {
  name: "first-event",
  onFloor: true,
  once: false,
  async run(context): Promise<Figure[]> {
    const { firstEvents, firstOfGraph } = await burst(context, 1, {
      path: "/runs/stream",
      body: { assistant_id: "one_node", input: { count: 1 }, stream_mode: "values" },
      read: "events",
    });
    return [
      { name: "runs.stream first event, 1 client, p50", unit: "ms", value: quantile(firstEvents) },
      {
        name: "runs.stream first event of the graph, p50",
        unit: "ms",
        value: quantile(firstOfGraph),
      },
    ];
  },
};

/** Runs of 200 tokens each, streamed one event a token. */
export const tokens: Measure = {
  name: "tokens",
  onFloor: true,
  once: false,
  async run(context): Promise<Figure[]> {
    const figures: Figure[] = [];
    for (const clients of context.scale.crowds) {
      const made = await burst(context, clients, {
        path: "/runs/stream",
        body: {
          assistant_id: "tokens",
          input: { messages: [{ role: "user", content: "Speak." }] },
          stream_mode: "messages-tuple",
        },
        read: "events",
      });
      const name = `200-token streams, ${clients} clients, tokens`;
      figures.push({ name, unit: "/s", value: (made.events["messages"] ?? 0) / made.seconds });
      if (clients === context.scale.crowds[0]) figures.push(...cpuFigure("200 tokens", made));
    }
    return figures;
  },
};
