import { Client } from "../http.ts";
import { burst, type Figure, type Measure } from "./measure.ts";

/** Requests that only read or write a row. */
export const records: Measure = {
  name: "records",
  onFloor: false,
  once: false,
  async run(context): Promise<Figure[]> {
    const clients = context.scale.crowds[0]!;
    const client = new Client(context.target.url, 1);
    const { assistant_id } = await client.json<{ assistant_id: string }>("POST", "/assistants", {
      graph_id: "one_node",
      name: "measured",
    });
    client.close();
    const requests = {
      "assistants.get": { method: "GET", path: `/assistants/${assistant_id}` },
      "assistants.search": {
        path: "/assistants/search",
        body: { graph_id: "one_node", limit: 10 },
      },
      "assistants.create": {
        path: "/assistants",
        body: { graph_id: "one_node", name: "one of many", metadata: { made_by: "benchmark" } },
      },
      "threads.create": { path: "/threads", body: { metadata: { made_by: "benchmark" } } },
    };
    const figures: Figure[] = [];
    for (const [name, request] of Object.entries(requests)) {
      const { requests: made, seconds } = await burst(context, clients, request);
      figures.push({ name: `${name}, ${clients} clients`, unit: "/s", value: made / seconds });
    }
    return figures;
  },
};
